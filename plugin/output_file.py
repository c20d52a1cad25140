"""A text file that appears whole or not at all; standard output when no path is given."""

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
    """Give a file to write to; it takes its name when the block ends well. Raises InputError."""
    if path is None:
        yield sys.stdout
        return
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror}); name a folder you may write to"
        ) from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            yield file
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
