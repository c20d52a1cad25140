"""A command of commands: each in a module of its own with `HELP`, `add_arguments(parser)`, `run(args, say)`.

Such a module imports no torch before `run`: asking for help costs nothing.
"""

from __future__ import annotations

import time
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Mapping

EXTRAS: Final[Mapping[str, str]] = {"accelerate": "train", "transformers": "train", "gguf": "train"}
"""Package -> the extra that brings it; all others come with `export`."""


def offer(parser: ArgumentParser, commands: Mapping[str, str]) -> None:
    """Add the commands: name -> module."""
    offered = parser.add_subparsers(metavar="WHAT", required=True)
    for name, where in commands.items():
        module: Any = import_module(where)
        taken = offered.add_parser(name, help=module.HELP, description=module.HELP)
        module.add_arguments(taken)
        taken.set_defaults(command=module.run)


def obey(args: Namespace, what: str) -> int:
    """Run the command that was asked for; give the exit status. SettingsError: a package is missing."""
    try:
        status: int = args.command(args, _progress())
    except ModuleNotFoundError as error:
        extra = EXTRAS.get(error.name or "", "export")
        raise SettingsError(
            f"{what} needs {error.name}, which is not installed: pip install 'barocast[{extra}]'"
        ) from error
    return status


def _progress() -> Callable[[str], None]:
    started = time.monotonic()
    return lambda text: print(f"[{time.monotonic() - started:6.0f} s] {text}", flush=True)
