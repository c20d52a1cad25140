"""`barocast export optimum`: a student as Hugging Face's tools take it, and what optimum makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable

HELP: Final = "a student by Hugging Face's optimum: a transformers folder, ONNX, dynamic int8 (no bundle)"


def add_arguments(parser: ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument(
        "--from", dest="source", type=Path, required=True, help="folder that `barocast train student` left"
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for transformers/, onnx/ and int8/ (docs/optimum.md)"
    )


def run(args: Namespace, say: Callable[[str], None]) -> int:
    """Export; give the exit status. Raises InputError, and SettingsError where the extra is missing."""
    from barocast.export.optimum.route import STAGES, take_route  # noqa: PLC0415 with torch and optimum
    from barocast.export.whole_folder import whole_folder  # noqa: PLC0415

    with whole_folder(args.out, STAGES) as draft:
        for stage, graph in take_route(args.source, draft).items():
            say(f"{args.out / stage}: {len(graph)} bytes of ONNX")
    return 0
