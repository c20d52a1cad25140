"""Runs a command of the workshop: an error is one line on stderr and exit status 2, as `barocast` has it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from barocast.runtime.errors import BarocastError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable


def run_command(parser: ArgumentParser, argv: list[str] | None, work: Callable[[Namespace], None]) -> int:
    """Do `work` with what the command line says; give the exit status."""
    try:
        work(parser.parse_args(argv))
    except BarocastError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    return 0
