"""`barocast train WHAT`: the commands between a cohort and a signed bundle, each in a module of its own.

A module has `HELP`, `add_arguments(parser)` and `run(args, say) -> exit status`, and imports no torch before
`run`: asking for help costs nothing.
"""

from __future__ import annotations

import time
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Mapping

HELP: Final = "Train on a cohort: a signed bundle, the language-model teacher, or cross-validated figures."
COMMANDS: Final[Mapping[str, str]] = {
    "cohort": "barocast.export.cohorts.command",
    "crossval": "barocast.export.commands.crossval",
    "bundle": "barocast.export.commands.bundle",
    "teacher": "barocast.export.commands.teacher",
    "diffusion": "barocast.export.commands.diffusion",
    "ablate": "barocast.export.commands.ablate",
    "waves": "barocast.export.waves.command",
}
"""In the order of a researcher's work."""
EXTRAS: Final[Mapping[str, str]] = {"accelerate": "train", "transformers": "train", "gguf": "train"}
"""Package -> the extra that brings it; all others come with `export`."""


def add_arguments(parser: ArgumentParser) -> None:
    """Say what `barocast train` takes."""
    commands = parser.add_subparsers(metavar="WHAT", required=True)
    for name, where in COMMANDS.items():
        module: Any = import_module(where)
        taken = commands.add_parser(name, help=module.HELP, description=module.HELP)
        module.add_arguments(taken)
        taken.set_defaults(command=module.run)


def run(args: Namespace) -> int:
    """Train; give the exit status."""
    try:
        status: int = args.command(args, _progress())
    except ModuleNotFoundError as error:
        extra = EXTRAS.get(error.name or "", "export")
        raise SettingsError(
            f"training needs {error.name}, which is not installed: pip install 'barocast[{extra}]'"
        ) from error
    return status


def _progress() -> Callable[[str], None]:
    started = time.monotonic()
    return lambda text: print(f"[{time.monotonic() - started:6.0f} s] {text}", flush=True)
