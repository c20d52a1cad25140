"""A text file that appears whole or not at all; standard output when no path is given.

What is no plain file (a device, a pipe) is written to as it is, since a rename would put a file in its
place; a symbolic link is followed. Raises InputError for whatever cannot be written.
"""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from barocast.runtime.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def open_output(path: Path | None) -> Iterator[TextIO]:
    """Give a file to write to; it takes its name when the block ends well."""
    if path is None:
        yield sys.stdout
        return
    target = path.resolve()
    try:
        if target.is_dir():
            raise InputError(f"{path}: is a folder; name a file in it")
        with _written_in_place(target) if _is_special(target) else _renamed_when_whole(target) as file:
            yield file
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); name another file") from error


def _is_special(target: Path) -> bool:
    return target.exists() and not target.is_file()


@contextmanager
def _written_in_place(target: Path) -> Iterator[TextIO]:
    with target.open("w", encoding="utf-8") as file:
        yield file


@contextmanager
def _renamed_when_whole(target: Path) -> Iterator[TextIO]:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            yield file
        Path(name).chmod(0o644)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
