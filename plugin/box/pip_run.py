"""Runs pip, whose index and caches are whatever this machine is set to."""

from __future__ import annotations

import subprocess
import sys

from barocast.runtime.errors import BarocastError


def pip(*arguments: str, environment: dict[str, str] | None = None) -> None:
    """Run pip with these arguments. Raises BarocastError with what it said last."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)  # noqa: S603 - no shell
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or [
            done.stderr.strip()
        ]
        raise BarocastError(f"pip {arguments[0]}: {said[-1].removeprefix('ERROR: ')}")
