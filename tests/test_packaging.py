"""What is installed: every package is listed, and the bedside loads nothing that training needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("calibration", "export", "plugin", "runtime")


def settings() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def test_every_folder_with_modules_is_a_listed_package():
    folders = {path.parent.relative_to(ROOT) for room in ROOMS for path in (ROOT / room).rglob("__init__.py")}
    found = {"barocast." + ".".join(folder.parts) for folder in folders} | {"barocast.runtime.default_bundle"}

    assert found == set(settings()["tool"]["setuptools"]["packages"])


def test_every_room_is_typed():
    assert [room for room in ROOMS if not (ROOT / room / "py.typed").exists()] == []


def loaded_by(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stdout.split()}


@pytest.mark.req("SEC-03")
@pytest.mark.parametrize(
    "statement",
    [
        "import barocast.plugin",
        "import barocast.plugin.cli as c\ntry: c.main(['run', '--help'])\nexcept SystemExit: pass",
    ],
)
def test_the_bedside_loads_no_training_stack(statement):
    heavy = {"torch", "transformers", "onnx", "onnxscript", "tokenizers", "sklearn", "lightgbm", "pyarrow"}

    assert loaded_by(statement) & heavy == set()


def test_every_command_of_the_entry_points_can_be_loaded():
    commands = settings()["project"]["entry-points"]["barocast.commands"]
    code = "import importlib, sys\n" + "\n".join(
        f"m = importlib.import_module({module!r}); assert m.HELP and m.run and m.add_arguments"
        for module in commands.values()
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.stderr == ""


def test_the_wheel_brings_the_default_bundle_and_every_module(tmp_path):
    """Built from a copy through an sdist, as a release is: nothing stale, nothing left out."""
    copy = tmp_path / "source"
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, tracked.stdout.split("\0")):
        if (ROOT / name).exists():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, copy],
        check=True,
        capture_output=True,
    )
    listing = subprocess.run(
        [sys.executable, "-m", "zipfile", "-l", next(tmp_path.glob("*.whl"))],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    packed = {line.split()[0] for line in listing.splitlines() if line.startswith("barocast/")}
    modules = {f"barocast/{path.relative_to(copy)}" for room in ROOMS for path in (copy / room).rglob("*.py")}
    bundle = {f"barocast/{path.relative_to(copy)}" for path in (copy / "runtime/default_bundle").iterdir()}

    assert modules | bundle <= packed
    assert len(bundle) == 7
