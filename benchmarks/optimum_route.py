"""The same student by both export routes: size, nodes, time of one answer, distance from torch.

`python -m benchmarks.optimum_route STUDENT` writes benchmarks/optimum.md. optimum-onnx needs transformers
< 4.58, which the development environment does not have: its half runs in a virtual environment of its own,
made once under runs/ and kept until pyproject.toml asks for other packages.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnx
import onnxruntime
import torch

from barocast.export.checkpoint import read_student
from barocast.export.graphs.running import Running
from barocast.export.graphs.split import INPUTS, OUTPUTS, TEXT
from barocast.export.graphs.student import split_student
from barocast.export.graphs.to_onnx import to_onnx
from barocast.export.known_answers import known_answers
from barocast.runtime import wordpiece
from barocast.runtime.errors import BarocastError, SettingsError
from benchmarks import machine

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from barocast.export.graphs.to_onnx import Graphs
    from barocast.export.model import Model
    from barocast.export.recipe import Taught

    Row = dict[str, NDArray[Any]]
    """One window, by ModelInput's names."""
    Answers = Sequence[NDArray[np.float32]]

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = Path(__file__).with_name("optimum.md")
PYTHON_VARIABLE: Final = "BAROCAST_OPTIMUM_PYTHON"
"""An interpreter of an environment that has the extra already: none is made then."""
ROUNDS: Final = 2000
WARM_UP: Final = 50
TOLD_MUCH: Final = 2
"""A window of the patient with the longest text."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to an answer."""

    name: str
    answer: Callable[[Row], Answers]
    graphs: tuple[bytes, ...] = ()
    """None for torch."""
    one_patient: bool = False
    """Whether it is timed on the windows of one patient, or of another at each."""


def main() -> int:
    """Measure and write the page; 0 when both routes went through."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("student", type=Path, help="folder that `barocast train student` left")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    args = parser.parse_args()
    try:
        page = measure(args.student, args.rounds)
    except BarocastError as error:
        print(f"optimum_route: {error}", file=sys.stderr)
        return 2
    PAGE.write_text(page, encoding="utf-8")
    print(page)
    return 0


def measure(student: Path, rounds: int = ROUNDS) -> str:
    """Give the page. Raises BarocastError with the one reason why not."""
    taught = read_student(student)
    with tempfile.TemporaryDirectory() as work:
        by_optimum = optimum_graph(student, Path(work))
    ours = to_onnx(split_student(taught.model))
    rows = _windows(ours, taught)
    contenders = _contenders(taught.model, ours, by_optimum)
    took_ms = _interleaved(contenders, rows, rounds)
    exact = [contenders[-1].answer(row) for row in rows]
    lines = [_line(contender, took, rows, exact) for contender, took in zip(contenders, took_ms, strict=True)]
    return f"""# Both export routes

`python -m benchmarks.optimum_route STUDENT` on {machine.described()}, torch {torch.__version__};
{_versions()}. One thread on one core, {rounds} answers each, in turn.

| | bytes | nodes | opset | p50 ms | p99 ms | logits off by | mmHg off by |
|---|---|---|---|---|---|---|---|
{chr(10).join(lines)}

Off by: the largest distance from torch's answers on the {len(rows)} made-up windows of a bundle's known
answers. Ours has two files: the text's, which is run once a patient, and the tick's. In the second line every
answer is for another patient than the one before, so both run each time, as optimum's one graph always does.
"""


def optimum_graph(checkpoint: Path, work: Path) -> tuple[bytes, bytes]:
    """Give the student's one graph by optimum, float and default dynamic int8.

    Raises SettingsError with the one reason where the environment or the export fails.
    """
    out = work / "optimum"
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(work / "hub")}
    barocast = _environment().with_name("barocast")
    command = [barocast, "export", "optimum", "--from", checkpoint, "--out", out]
    _done(command, "optimum's export", os.environ | offline)
    return (out / "onnx" / "model.onnx").read_bytes(), (out / "int8" / "model_quantized.onnx").read_bytes()


def _environment() -> Path:
    """Give the interpreter of an environment with the extra `optimum`, made where there is none yet."""
    if given := os.environ.get(PYTHON_VARIABLE):
        return Path(given)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    key = hashlib.sha256(json.dumps([project, sys.version]).encode()).hexdigest()[:12]
    folder = ROOT / "runs" / f"optimum-{key}"
    python, whole = folder / "bin" / "python", folder / "whole"
    what = f"the environment for optimum (a ready one may be named by {PYTHON_VARIABLE})"
    if not whole.exists():
        shutil.rmtree(folder, ignore_errors=True)
        _done([sys.executable, "-m", "venv", folder], what)
        pip = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", "--retries", "1"]
        _done([*pip, "install", "--editable", f"{ROOT}[optimum]"], what)
        whole.touch()
    return python


def _done(command: Sequence[Path | str], what: str, environment: dict[str, str] | None = None) -> str:
    """Give what a child printed. Raises SettingsError with its own one reason."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    except OSError as error:
        raise SettingsError(f"{what}: {command[0]}: {error.strerror}") from error
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()] or [f"status {done.returncode}"]
        reasons = [line for line in said if line.lstrip().startswith("ERROR:")]  # pip's; it adds notes behind
        raise SettingsError(f"{what} failed: {(reasons or said)[-1].strip()}")
    return done.stdout


def _versions() -> str:
    """Say what is in the other environment."""
    names = ("optimum-onnx", "optimum", "transformers", "torch", "onnxruntime")
    code = f"from importlib.metadata import version as v; print(', '.join(n + ' ' + v(n) for n in {names}))"
    return _done([_environment(), "-c", code], "optimum's environment").strip()


def _windows(graphs: Graphs, taught: Taught) -> list[Row]:
    told = known_answers(graphs, wordpiece.load(taught.tokenizer_json))
    return [{name: told[name][i : i + 1] for name in INPUTS} for i in range(len(told["logits"]))]


def _contenders(model: Model, ours: Graphs, by_optimum: tuple[bytes, bytes]) -> list[Contender]:
    """Give them, torch last."""

    def eager(row: Row) -> Answers:
        with torch.no_grad():
            return [part.numpy() for part in model(*map(torch.from_numpy, row.values()))]

    two, (exact, int8) = (ours.prefix, ours.tick), by_optimum
    return [
        Contender("ours, one patient", _two_graphs(ours), two, one_patient=True),
        Contender("ours, another patient each time", _two_graphs(ours), two),
        Contender("optimum, float", _one_graph(exact), (exact,)),
        Contender("optimum, its default int8 (dynamic)", _one_graph(int8), (int8,)),
        Contender("torch eager", eager),
    ]


def _two_graphs(graphs: Graphs) -> Callable[[Row], Answers]:
    running = Running(graphs)
    return lambda row: running(*row.values())


def _one_graph(graph: bytes) -> Callable[[Row], Answers]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return lambda row: session.run(list(OUTPUTS), row)


def _interleaved(contenders: Sequence[Contender], rows: Sequence[Row], rounds: int) -> NDArray[np.float64]:
    """Give (contender, round) milliseconds."""
    took_ms = np.empty((len(contenders), WARM_UP + rounds))
    same_text = [row | {TEXT: rows[TOLD_MUCH][TEXT]} for row in rows]
    torch.set_num_threads(1)
    with machine.one_core():
        for turn in range(WARM_UP + rounds):
            for number, contender in enumerate(contenders):
                row = (same_text if contender.one_patient else rows)[turn % len(rows)]
                started = time.perf_counter()
                contender.answer(row)
                took_ms[number, turn] = (time.perf_counter() - started) * 1e3
    return took_ms[:, WARM_UP:]


def _line(
    contender: Contender, took_ms: NDArray[np.float64], rows: Sequence[Row], exact: Sequence[Answers]
) -> str:
    p50, p99 = np.quantile(took_ms, (0.5, 0.99))
    models = [onnx.load_from_string(graph) for graph in contender.graphs]
    off = [_distances(contender.answer(row), answers) for row, answers in zip(rows, exact, strict=True)]
    logits, mmhg, _ = np.max(off, axis=0)
    cells = (
        contender.name,
        " + ".join(f"{len(graph):,}" for graph in contender.graphs),
        " + ".join(str(len(model.graph.node)) for model in models),
        " + ".join(sorted({str(model.opset_import[0].version) for model in models})),
        f"{p50:.3f}",
        f"{p99:.3f}",
        f"{logits:.1e}",
        f"{mmhg:.1e}",
    )
    return f"| {' | '.join(cells)} |"


def _distances(answers: Answers, exact: Answers) -> list[float]:
    return [float(np.abs(one - other).max()) for one, other in zip(answers, exact, strict=True)]


if __name__ == "__main__":
    sys.exit(main())
