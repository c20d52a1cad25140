"""`make gpu`: what only a machine with an NVIDIA GPU can show, into gpu.md. Without one: a line, and exit 2.

    python -m benchmarks.gpu [--steps N] [--student FOLDER] [STEP ...]

Each step's output and exit status stand on the page as they came; a step that lacks what it needs says so.

    plans     TensorRT's plans of the default bundle are built, and its known answers asked
    memory    an engine is opened and closed again and again, and the device's free memory watched
    engines   every engine is timed (`barocast bench`)
    halves    the student's float network on the GPU, in float32, bf16 and fp16, against itself on the CPU
    teacher   the teacher of preset `full` learns for N batches a stage
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.runtime.bundle import default_bundle, read_bundle
from barocast.runtime.engine_kinds import engine_cache
from barocast.runtime.errors import BarocastError, EngineUnavailable
from barocast.runtime.tensorrt.cudart import open_cudart
from barocast.runtime.tensorrt.engine import TensorRtEngine
from barocast.runtime.trust import trusted_keys
from benchmarks import machine

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from barocast.runtime.bundle import Bundle

PAGE: Final = Path(__file__).with_name("gpu.md")
STEPS: Final = 60
"""Batches of each of the teacher's stages: enough to time one."""
ROUNDS: Final = 6
LIMIT_S: Final = 560.0
"""Of one step."""
HALVES: Final = ("float32", "bfloat16", "float16")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a step is told."""

    steps: int
    student: Path | None
    """Folder of `train student`."""


def main() -> int:
    """Run what this machine can run; give the exit status."""
    parser = argparse.ArgumentParser(prog="make gpu", description=__doc__)
    parser.add_argument("--steps", type=int, default=STEPS, help="batches of each of the teacher's stages")
    parser.add_argument("--student", type=Path, help="folder of `barocast train student`")
    parser.add_argument("names", nargs="*", choices=[[], *_STEPS], metavar="STEP", help=", ".join(_STEPS))
    args = parser.parse_args()
    try:
        device = open_cudart().device()
    except EngineUnavailable as reason:
        print(f"gpu: {reason}; nothing was run", file=sys.stderr)
        return 2
    header = f"# On a GPU\n\n`make gpu` on {device.name} (compute capability {device.capability}), "
    page = header + machine.described() + ".\n"
    for name in args.names or _STEPS:
        page += f"\n## {name}\n\n```\n{_outcome(name, Asked(args.steps, args.student))}\n```\n"
        PAGE.write_text(page, encoding="utf-8")  # after each: the machine may be taken away
    print(page)
    return 0


def _outcome(name: str, asked: Asked) -> str:
    started = time.monotonic()
    try:
        told = _STEPS[name](asked)
    except (BarocastError, ImportError) as reason:
        return f"not run: {reason}"
    return f"{told.strip()}\n{time.monotonic() - started:.1f} s"


def _plans(_: Asked) -> str:
    return _barocast("bundle", "build")


def _memory(_: Asked) -> str:
    """Say what is free after each closing; what CUDA takes for itself is taken before the first."""
    cuda, bundle, free = open_cudart(), _bundle(), []
    for _round in range(ROUNDS):
        engine = TensorRtEngine(bundle, engine_cache())
        engine.close()
        free.append(cuda.free_bytes())
    lost = free[0] - free[-1]
    rounds = f"free bytes after each of {ROUNDS} rounds: {free}"
    return f"{engine.name}\n{rounds}\nlost from the first to the last: {lost} bytes"


def _engines(_: Asked) -> str:
    return _barocast("bench")


def _halves(asked: Asked) -> str:
    """Compare the network on the GPU with itself on the CPU, over the bundle's known windows."""
    if asked.student is None:
        raise EngineUnavailable("needs --student FOLDER")
    import torch  # noqa: PLC0415 - the other steps need none

    from barocast.export.checkpoint import read_student  # noqa: PLC0415

    if not torch.cuda.is_available():
        raise EngineUnavailable(f"torch {torch.__version__} has no CUDA here")
    bundle, model = _bundle(), read_student(asked.student).model.eval()
    known = [torch.from_numpy(bundle.known_answers[n]) for n in ("series", "mask", "trend", "text")]
    with torch.no_grad():
        exact = bundle.calibrators.default(model(*known)[0].double().numpy())
        model, known = model.cuda(), [tensor.cuda() for tensor in known]
        told = [f"torch {torch.__version__}, {torch.cuda.get_device_name()}, {len(exact)} windows"]
        for name in HALVES:
            with torch.autocast("cuda", getattr(torch, name), enabled=name != "float32"):
                risks = bundle.calibrators.default(model(*known)[0].double().cpu().numpy())
            told.append(f"{name}: largest change of a risk {np.abs(risks - exact).max():.6f}")
    return "\n".join(told)


def _teacher(asked: Asked) -> str:
    stages = [
        word
        for stage in ("", "text-", "patch-", "straight-")
        for word in (f"--{stage}steps", str(asked.steps))
    ]
    with tempfile.TemporaryDirectory() as folder:
        where = ["--out", f"{folder}/teacher", "--work", f"{folder}/work"]
        how = ["--preset", "full", "--precision", "bf16", "--made", "none"]
        return _barocast("train", "teacher", *how, *stages, *where)


def _bundle() -> Bundle:
    return read_bundle(default_bundle(), trusted_keys().values())


def _barocast(*arguments: str) -> str:
    command = [sys.executable, "-m", "barocast.plugin.cli", *arguments]
    try:
        ended = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired as late:
        return f"{(late.stdout or b'').decode(errors='replace')}\ncut off after {LIMIT_S:g} s"
    said = ended.stdout.decode(errors="replace").strip()
    return f"$ barocast {' '.join(arguments)}\n{said}\nexit status {ended.returncode}"


_STEPS: Final[Mapping[str, Callable[[Asked], str]]] = MappingProxyType(
    {"plans": _plans, "memory": _memory, "engines": _engines, "halves": _halves, "teacher": _teacher}
)


if __name__ == "__main__":
    sys.exit(main())
