"""The file of a log: made whole or not at all, written by one process, set aside when it cannot be read."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import sqlite3
from typing import TYPE_CHECKING, Final

from barocast.plugin.audit.reading import HEAD, NAME
from barocast.plugin.audit.seal import sync_folder, write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from barocast.plugin.audit.seal import Seal

LOCK: Final = "audit.lock"
CHECKPOINT_PAGES: Final = 256
"""Of 4 KiB each, in the write-ahead log before it is taken into the file: 1 MB is a short stall."""
CACHE_KIB: Final = 64
"""Of pages in memory: rows are only appended, and SQLite's own 2 MB of a bed would take months to fill."""

_SCHEMA: Final = """
CREATE TABLE rows (sequence INTEGER PRIMARY KEY, record TEXT NOT NULL, hash BLOB NOT NULL);
CREATE TABLE seals
  (sequence INTEGER NOT NULL, purpose TEXT NOT NULL, hash BLOB NOT NULL, signature BLOB NOT NULL);
"""


def connect(path: Path) -> sqlite3.Connection:
    """Open for writing, every commit through to the disk. Raises sqlite3.Error."""
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("PRAGMA secure_delete=ON")  # an overtaken seal must not be found in a free page
        db.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        db.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
    except BaseException:
        db.close()
        raise
    return db


def create(folder: Path) -> None:
    """Put an empty log in place, whole or not at all."""
    fresh = folder / f".{NAME}.new"
    fresh.unlink(missing_ok=True)
    os.close(os.open(fresh, os.O_WRONLY | os.O_CREAT, 0o600))  # SQLite gives its side files the same mode
    with contextlib.closing(connect(fresh)) as db:
        db.executescript(_SCHEMA)
    fresh.replace(folder / NAME)
    sync_folder(folder)


def write_head(folder: Path, seal: Seal) -> None:
    """Keep a seal beside the log. Raises OSError."""
    told = {"purpose": seal.purpose.value, "sequence": seal.sequence, "hash": seal.hash.hex()}
    write_whole(folder / HEAD, json.dumps(told | {"signature": seal.signature.hex()}).encode())


def locked(folder: Path) -> int:
    """Keep every other writer out for as long as the handle is open."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise OSError(errno.EWOULDBLOCK, "another process writes this log", str(folder)) from error
    return handle


def is_damage(error: sqlite3.Error) -> bool:
    """Whether it is the file that cannot be read, and not the disk that cannot be used now."""
    spoilt = ("no such", "no column", "decode")
    return not isinstance(error, sqlite3.OperationalError) or any(word in str(error) for word in spoilt)


def asides(folder: Path) -> list[Path]:
    """Give the damaged logs that were set aside, oldest first."""
    return sorted(folder.glob("damaged-*.db"))


def set_aside(folder: Path) -> None:
    """Rename a damaged log with its side files and its head."""
    stem = f"damaged-{1 + len(asides(folder)):03}"
    for was in (*(f"{NAME}{side}" for side in ("", "-wal", "-shm")), HEAD):
        with contextlib.suppress(FileNotFoundError):
            (folder / was).rename(folder / was.replace("audit", stem).replace("head", f"{stem}-head"))
