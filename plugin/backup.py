"""A configuration file put in place whole; the former one is kept beside it, under the next free number.

    put(path, text)   -> or3.toml.bak-1, None where there was none to keep

After a power cut the old or the new file is there. A new file gets the folder's group, so that the service's
user can read what root wrote in /etc/barocast; one that is replaced keeps its mode and owner. Raises
SettingsError for what cannot be written.
"""

from __future__ import annotations

import contextlib
import os
from itertools import count
from typing import TYPE_CHECKING, Final

from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

MODE: Final = 0o640
"""Of a new file: its owner's to write, the service's to read."""


def put(path: Path, text: str, mode: int = MODE) -> Path | None:
    """Write a file; give the copy of the former one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = _written(path, text, mode)
        kept = _kept(path)
        fresh.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise SettingsError(
            f"{error.filename or path}: {error.strerror}; run it as root, or name another folder"
        ) from error
    return kept


def _written(path: Path, text: str, mode: int) -> Path:
    fresh = path.with_name(f".{path.name}.new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(handle)
    like = path.stat() if path.exists() else None
    fresh.chmod(like.st_mode & 0o777 if like else mode)
    with contextlib.suppress(PermissionError):
        os.chown(fresh, like.st_uid if like else -1, like.st_gid if like else path.parent.stat().st_gid)
    return fresh


def _kept(path: Path) -> Path | None:
    """Give the file a second name that no other copy has."""
    if not path.exists():
        return None
    for number in count(1):
        copy = path.with_name(f"{path.name}.bak-{number}")
        with contextlib.suppress(FileExistsError):
            os.link(path, copy)
            return copy
    raise AssertionError


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
