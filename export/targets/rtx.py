"""A graph before NVIDIA's own parser and builder, without a GPU: TensorRT-RTX in a child process.

    check(graph) -> Outcome       EngineUnavailable: no tensorrt_rtx here (extra `trt-check`, x86-64 Linux)

Its plan is thrown away: without a GPU nothing can run it. So what an Outcome says is LABEL and no more: that
TensorRT 10.3 on a Jetson builds the graph too is likely, and not shown. A child, because these libraries may
end a process that has no GPU while it exits, and because a builder that hangs must end.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from barocast.runtime.errors import EngineUnavailable
from barocast.runtime.tensorrt.api import Progress, load
from barocast.runtime.tensorrt.build import BuildError, build

LABEL: Final = "{name} parser and builder, no GPU: not run"
PRODUCT: Final = "tensorrt_rtx"
TIMEOUT_S: Final = 300.0
"""Fifty times what the default bundle takes on two cores."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one graph."""

    label: str
    """What was tried, and what was not."""
    parsed: bool
    built: bool
    layers: int = 0
    """Of the network as parsed."""
    plan_bytes: int = 0
    seconds: float = 0.0
    """Of parsing and building."""
    messages: tuple[str, ...] = ()
    """Its last warnings; where it refuses, the reason."""


def check(graph: bytes, timeout_s: float = TIMEOUT_S) -> Outcome:
    """Parse and build, in a child."""
    with tempfile.TemporaryDirectory() as folder:
        given, result = Path(folder) / "graph.onnx", Path(folder) / "result.json"
        given.write_bytes(graph)
        how = _run([sys.executable, "-m", __name__, str(given), str(result)], timeout_s)
        if not result.is_file():
            return Outcome(LABEL.format(name=PRODUCT), parsed=False, built=False, messages=(how,))
        fields = json.loads(result.read_text("utf-8"))
    if "unavailable" in fields:
        raise EngineUnavailable(fields["unavailable"])
    return Outcome(**(fields | {"messages": tuple(fields["messages"])}))


def _run(command: list[str], timeout_s: float) -> str:
    """Wait for the child; say how it ended, for the case that it left no result."""
    try:
        ended = subprocess.run(command, capture_output=True, timeout=timeout_s, check=False)  # noqa: S603 - our own
    except subprocess.TimeoutExpired:
        return f"did not end within {timeout_s:g} s"
    if ended.returncode < 0:
        return f"its process was ended by {signal.Signals(-ended.returncode).name}"
    said = ended.stderr.decode(errors="replace").strip().split("\n")[-1]
    return f"its process ended with status {ended.returncode}: {said}"


def _child(given: Path, result: Path) -> None:
    result.write_text(json.dumps(_said(given.read_bytes())), "utf-8")


def _said(graph: bytes) -> dict[str, object]:
    try:
        api = load((PRODUCT,))
    except EngineUnavailable as reason:
        return {"unavailable": str(reason)}
    label = LABEL.format(name=api.name)
    started = time.monotonic()
    try:
        built = build(api, graph, Progress(lambda _: None, time.monotonic))
    except EngineUnavailable as error:
        parsed = isinstance(error, BuildError) and error.parsed
        return asdict(Outcome(label, parsed=parsed, built=False, messages=(str(error),)))
    seconds = time.monotonic() - started
    return asdict(Outcome(label, True, True, built.layers, len(built.plan), seconds, built.messages))  # noqa: FBT003 - parsed, built


if __name__ == "__main__":
    _child(Path(sys.argv[1]), Path(sys.argv[2]))
    sys.stdout.flush()
    os._exit(0)  # past the libraries' own last words, which without a GPU have been a segmentation fault
