"""Where the cohort lies, and what every command that reads it takes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

COHORT_VARIABLE: Final = "BAROCAST_COHORT"
WORK: Final = Path("runs")
"""Rows, soft targets and finished folds of earlier runs; nothing in it is ever committed."""


def add_training_arguments(parser: ArgumentParser) -> None:
    """Add what every training takes."""
    add_cohort_arguments(parser)
    parser.add_argument("--seed", type=int, default=0)


def add_cohort_arguments(parser: ArgumentParser) -> None:
    """Add what every command takes that reads the cohort and runs a network."""
    parser.add_argument("--cohort", type=Path, help=f"the cohort's folder (default: ${COHORT_VARIABLE})")
    parser.add_argument("--work", type=Path, default=WORK, help="folder for what a later run can reuse")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch")


def find_cohort(args: Namespace) -> Path:
    """Give the cohort's folder. Raises SettingsError where there is none."""
    from_environment = os.environ.get(COHORT_VARIABLE)
    found: Path = args.cohort or Path(from_environment or Path("..") / "shared" / "cohort")
    if not found.is_dir():
        raise SettingsError(f"{found}: no cohort there; name its folder with --cohort or ${COHORT_VARIABLE}")
    return found


def settle(args: Namespace) -> None:
    """Give torch its threads."""
    import torch  # noqa: PLC0415 only a training may pay for it

    torch.set_num_threads(args.threads)
