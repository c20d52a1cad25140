"""`barocast train diffusion`: how like real windows the made ones are, and what a model learns from them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from barocast.export.commands.cohort_folder import add_training_arguments, find_cohort, settle

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable

HEAD: Final = """# Made windows beside real ones

`barocast train diffusion`: learned on VitalDB patients of all folds but the first, whose patients are held
out. The diffusion draws whole half hours for an outcome that it is asked for; `fell` is the share in
which the shared event code then finds an event. Trees are taught on real windows, made ones, both, or real
ones with the paper's residual copies, and judged on the held out patients; no interval, one seed.
"""
HELP: Final = "made windows beside real ones: likeness, promises kept, and what trees learn from them"


def add_arguments(parser: ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("--out", type=Path, required=True, help="folder of diffusion.md")
    add_training_arguments(parser)


def run(args: Namespace, say: Callable[[str], None]) -> int:
    """Learn without one fold of the patients, make windows, compare; give the exit status."""
    cohort = find_cohort(args)
    settle(args)
    from barocast.export.cohort import read_cases  # noqa: PLC0415 with torch
    from barocast.export.diffusion.likeness import measured  # noqa: PLC0415
    from barocast.export.diffusion.windows import DiffusionSettings  # noqa: PLC0415

    text = measured(read_cases(cohort), DiffusionSettings(), say)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "diffusion.md").write_text(f"{HEAD}\n{text}\n", "utf-8")
    print(text)
    return 0
