"""`barocast export check BUNDLE_OR_GRAPH [--rtx]`: whether TensorRT can take a graph, asked without a GPU."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from barocast.runtime.bundle_files import MODEL, PREFIX
from barocast.runtime.errors import EngineUnavailable, InputError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable

HELP: Final = "whether TensorRT takes a graph, by our rules and by TensorRT-RTX's own parser and builder"
TARGET: Final = "tensorrt"


def add_arguments(parser: ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument(
        "what", type=Path, metavar="BUNDLE_OR_GRAPH", help="a bundle's folder or an ONNX file"
    )
    parser.add_argument(
        "--rtx", action="store_true", help="parse and build with TensorRT-RTX too (extra `trt-check`)"
    )


def run(args: Namespace, _: Callable[[str], None]) -> int:
    """Print a row for each graph and check, then the reasons; 1 where one is refused."""
    graphs = _graphs(args.what)
    checks = [_by_rules, _by_rtx] if args.rtx else [_by_rules]
    reasons = []
    print(f"{'graph':<14}{'verdict':<10}{'layers':>8}{'plan bytes':>13}{'seconds':>9}  checked by")
    for check in checks:
        for name, graph in graphs.items():
            reasons += [f"{name}: {reason}" for reason in check(name, graph)]
    print("".join(f"{reason}\n" for reason in reasons), end="")
    return 1 if reasons else 0


def _by_rules(name: str, graph: bytes) -> list[str]:
    from barocast.export.targets.rules import refusals  # noqa: PLC0415 asking for help loads no onnx

    found = refusals(graph, TARGET)
    _row(name, "refused" if found else "accepted", ("", "", ""), "our rules for TensorRT 10.3 and later")
    return found


def _by_rtx(name: str, graph: bytes) -> list[str]:
    from barocast.export.targets.rtx import check  # noqa: PLC0415 as above

    try:
        found = check(graph)
    except EngineUnavailable as reason:
        raise EngineUnavailable(
            f"--rtx: {reason}; on x86-64 Linux, pip install 'barocast[trt-check]'"
        ) from reason
    verdict = "built" if found.built else "parsed" if found.parsed else "refused"
    cells = (f"{found.layers:,}", f"{found.plan_bytes:,}", f"{found.seconds:.1f}")
    _row(name, verdict, cells if found.built else ("", "", ""), found.label)
    return [] if found.built else list(found.messages)


def _row(name: str, verdict: str, cells: tuple[str, str, str], by: str) -> None:
    layers, size, seconds = cells
    print(f"{name:<14}{verdict:<10}{layers:>8}{size:>13}{seconds:>9}  {by}")


def _graphs(what: Path) -> dict[str, bytes]:
    """Give name -> bytes: of a bundle, both graphs or the one it has, as they lie there."""
    files = [what / name for name in (PREFIX, MODEL) if (what / name).is_file()] if what.is_dir() else [what]
    if not files:
        raise InputError(f"{what}: holds no {MODEL}; name a bundle's folder or an ONNX file")
    try:
        return {file.name: file.read_bytes() for file in files}
    except OSError as error:
        raise InputError(f"{what}: cannot be read ({error.strerror}); name an ONNX file") from error
