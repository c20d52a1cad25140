"""The `barocast` command: finds its sub-commands by entry point and turns errors into one line.

A sub-command is a module behind an entry point of the group `barocast.commands`, with

    HELP: str                                what it does, one line
    add_arguments(parser) -> None
    run(args) -> int                         exit status

Only the module that is asked for is imported, so `barocast run` never loads what training needs.
Exit status: 0 done, 1 done with a bad outcome (said on stderr), 2 bad input (one line on stderr).
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib.metadata import EntryPoint, entry_points, version
from typing import NoReturn

from barocast.plugin.allowed import is_ours
from barocast.runtime.errors import BarocastError, SettingsError

GROUP = "barocast.commands"
NOTICE = "Research software, not a medical device; it does not replace the monitor's own alarms."
ORDER = (
    "demo",
    "run",
    "setup",
    "replay",
    "case",
    "simulate",
    "decode",
    "feed",
    "discover",
    "sound",
    "doctor",
    "bench",
    "bundle",
    "audit",
    "validate",
    "train",
    "export",
)
"""As in the documentation; commands of third parties come after these."""


def main(argv: list[str] | None = None) -> int:
    """Run one command line; give its exit status."""
    arguments = sys.argv[1:] if argv is None else argv
    commands = _commands()
    try:
        known = arguments and arguments[0] in commands
        status = _run(commands[arguments[0]], arguments[1:]) if known else _overview(arguments, commands)
        sys.stdout.flush()
    except BarocastError as error:
        print(f"barocast: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        _leave_stdout()
        return 0
    except OSError as error:
        if error.filename is None:
            _leave_stdout()
        mend = "check this path" if error.filename else "name a file with --out"
        print(f"barocast: {error.filename or 'standard output'}: {error.strerror}; {mend}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return status


class Parser(argparse.ArgumentParser):
    """Says what is wrong with a command line in one line, as every other error is said."""

    def error(self, message: str) -> NoReturn:
        """Raise SettingsError."""
        raise SettingsError(f"{message}; `{self.prog} --help` explains")


def _leave_stdout() -> None:
    """Let the interpreter's own last flush go nowhere: whoever read it is gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _commands() -> dict[str, EntryPoint]:
    # Ours last: a package of somebody else may add a command, and take none of ours.
    found = {point.name: point for point in sorted(entry_points(group=GROUP), key=is_ours)}
    ordered = [name for name in ORDER if name in found] + sorted(found.keys() - set(ORDER))
    return {name: found[name] for name in ordered}


def _run(command: EntryPoint, arguments: list[str]) -> int:
    try:
        module = command.load()
    except ModuleNotFoundError as error:
        raise BarocastError(
            f"`{command.name}` needs {error.name}, which is not installed: {_mend(command)}"
        ) from error
    parser = Parser(prog=f"barocast {command.name}", description=module.HELP, epilog=NOTICE)
    module.add_arguments(parser)
    status: int = module.run(parser.parse_args(arguments))
    return status


def _mend(command: EntryPoint) -> str:
    extra = {"train": "export", "export": "export", "validate": "validate"}.get(command.name)
    return f"pip install 'barocast[{extra}]'" if extra else "install it again"


def _overview(arguments: list[str], commands: dict[str, EntryPoint]) -> int:
    parser = Parser(
        prog="barocast",
        description="Forecasts intraoperative hypotension from a patient monitor's own feed, offline.",
        epilog=f"`barocast COMMAND --help` explains a command. {NOTICE}",
    )
    parser.add_argument("--version", action="version", version=f"barocast {version('barocast')}. {NOTICE}")
    parser.add_argument("command", choices=commands, metavar="COMMAND", help=", ".join(commands))
    parser.parse_args(arguments or ["--help"])
    return 2


if __name__ == "__main__":
    sys.exit(main())
