"""`barocast train WHAT`: the commands between a cohort and a trained network (export.commands.offered)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from barocast.export.commands.offered import obey, offer

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Mapping

HELP: Final = "Train on a cohort: the student, the language-model teacher, or cross-validated figures."
COMMANDS: Final[Mapping[str, str]] = {
    "cohort": "barocast.export.cohorts.command",
    "crossval": "barocast.export.commands.crossval",
    "student": "barocast.export.commands.student",
    "teacher": "barocast.export.commands.teacher",
    "diffusion": "barocast.export.commands.diffusion",
    "ablate": "barocast.export.commands.ablate",
    "waves": "barocast.export.waves.command",
}
"""In the order of a researcher's work."""


def add_arguments(parser: ArgumentParser) -> None:
    """Say what `barocast train` takes."""
    offer(parser, COMMANDS)


def run(args: Namespace) -> int:
    """Train; give the exit status."""
    return obey(args, "training")
