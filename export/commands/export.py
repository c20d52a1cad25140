"""`barocast export WHAT`: the commands between a trained network and the box (export.commands.offered)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from barocast.export.commands.offered import obey, offer

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Mapping

HELP: Final = "From a trained network to a signed bundle, and the proof that nothing changed."
COMMANDS: Final[Mapping[str, str]] = {
    "bundle": "barocast.export.commands.bundle",
    "check": "barocast.export.commands.check",
    "optimum": "barocast.export.commands.optimum",
    "parity": "barocast.export.commands.parity",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Say what `barocast export` takes."""
    offer(parser, COMMANDS)


def run(args: Namespace) -> int:
    """Export; give the exit status."""
    return obey(args, "export")
