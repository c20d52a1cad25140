"""What the bedside may not do, read off its own source: unpickle, run text, train, ask the wall clock."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BEDSIDE = ("calibration", "plugin", "runtime")
UNPICKLERS = {"pickle", "cPickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
TRAINING = {"torch", "onnx", "onnxscript", "transformers", "tokenizers"}
RUNNERS = {"eval", "exec", "compile", "__import__"}
WALL_CLOCKS = {
    "time.time",
    "time.time_ns",
    "time.localtime",
    "time.gmtime",
    "time.ctime",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
}
CLOCK = "plugin/clock.py"


def sources() -> dict[str, ast.Module]:
    """Path in the tree -> its syntax, of every module that the bedside installs."""
    return {
        str(path.relative_to(ROOT)): ast.parse(path.read_text("utf-8"))
        for room in BEDSIDE
        for path in sorted((ROOT / room).rglob("*.py"))
    }


def imported(tree: ast.Module) -> set[str]:
    """The packages that a module names in an import, wherever that stands."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name.split(".")[0] for name in names}


def called(tree: ast.Module) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


@pytest.mark.req("SEC-03")
def test_the_bedside_imports_nothing_that_unpickles_or_trains():
    found = {(path, name) for path, tree in sources().items() for name in imported(tree)}

    assert len(found) > len(sources())
    assert [(path, name) for path, name in sorted(found) if name in UNPICKLERS | TRAINING] == []


@pytest.mark.req("SEC-03")
def test_no_array_is_unpickled_and_no_text_is_run():
    """numpy refuses pickled arrays unless told otherwise; here every reader says so aloud."""
    calls = [(path, call) for path, tree in sources().items() for call in called(tree)]
    loads = [(path, call) for path, call in calls if ast.unparse(call.func) == "np.load"]
    unsaid = [path for path, call in loads if "allow_pickle=False" not in ast.unparse(call)]
    runs = [(path, ast.unparse(call)) for path, call in calls if ast.unparse(call.func) in RUNNERS]

    assert loads
    assert unsaid == []
    assert [path for path, _ in runs] == ["runtime/stored.py"]  # an __init__ of a dataclass's own field names


@pytest.mark.req("RUN-03")
def test_one_module_of_the_bedside_asks_the_wall_clock():
    """Any mention counts, not calls alone: a function that is handed on reads the clock elsewhere."""
    readers = {
        path
        for path, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node).endswith(tuple(WALL_CLOCKS))
    }

    assert readers == {CLOCK}
