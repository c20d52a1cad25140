"""What lies in a log's folder, read without a change to it: rows, seals, the head outside the table.

Whatever was done to the file: out come rows and seals of the right types, or sqlite3.DatabaseError.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from barocast.plugin.audit.row import Row
from barocast.plugin.audit.seal import Purpose, Seal
from barocast.runtime.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME: Final = "audit.db"
HEAD: Final = "head.json"
MAX_SEQUENCE: Final = (1 << 63) - 1
"""The largest that SQLite has."""


def logs_in(folder: Path) -> list[Path]:
    """Give the folders of the logs in `folder` and below it. Raises InputError when there are none."""
    found = sorted(path.parent for path in folder.rglob(NAME))
    if not found:
        raise InputError(f"{folder}: holds no {NAME}; name the [storage] folder of a configuration")
    return found


@contextmanager
def opened(folder: Path) -> Iterator[sqlite3.Connection]:
    """Open a log for reading, also while it is written, and from a disk that is read-only.

    Raises InputError for a file that cannot be read at all, sqlite3.DatabaseError for one that is no log.
    """
    try:
        with closing(_connected(folder)) as db:
            yield db
    except sqlite3.OperationalError as error:
        if "readonly" not in str(error) and "unable to open" not in str(error):
            raise
        with _copy(folder) as copy, closing(_connected(copy)) as db:
            yield db


def _connected(folder: Path) -> sqlite3.Connection:
    db = sqlite3.connect(f"{(folder / NAME).absolute().as_uri()}?mode=ro", uri=True)
    try:
        db.execute("SELECT count(*) FROM sqlite_master")
    except BaseException:
        db.close()
        raise
    return db


@contextmanager
def _copy(folder: Path) -> Iterator[Path]:
    with TemporaryDirectory() as scratch:
        try:
            for path in folder.glob(f"{NAME}*"):
                shutil.copy(path, scratch)
        except OSError as error:
            raise InputError(
                f"{error.filename}: cannot be read ({error.strerror}); ask as its owner"
            ) from error
        yield Path(scratch)


def rows(db: sqlite3.Connection, up_to: int = MAX_SEQUENCE, most: int = -1) -> Iterator[Row]:
    """Give the rows up to a sequence, oldest first; at most so many, -1 for all."""
    asked = "SELECT sequence, record, hash FROM rows WHERE sequence <= ? ORDER BY sequence LIMIT ?"
    return _rows(db.execute(asked, (up_to, most)))


def last_rows(db: sqlite3.Connection, most: int) -> Iterator[Row]:
    """Give the newest rows, newest first."""
    return _rows(
        db.execute("SELECT sequence, record, hash FROM rows ORDER BY sequence DESC LIMIT ?", (most,))
    )


def _rows(found: sqlite3.Cursor) -> Iterator[Row]:
    for sequence, record, head in found:
        if not (isinstance(record, str) and isinstance(head, bytes)):
            raise sqlite3.DatabaseError(f"row {sequence} cannot be read")
        yield Row(sequence, record, head)


def seals(db: sqlite3.Connection) -> Iterator[Seal]:
    """Give every seal, newest first."""
    found = db.execute("SELECT sequence, purpose, hash, signature FROM seals ORDER BY rowid DESC")
    return (_seal(*each) for each in found)


def _seal(sequence: int, purpose: str, head: bytes, signature: bytes) -> Seal:
    try:
        return Seal(Purpose(purpose), int(sequence), bytes(head), bytes(signature))
    except (TypeError, ValueError) as error:
        raise sqlite3.DatabaseError(f"the seal of row {sequence} cannot be read") from error


def read_head(folder: Path) -> Seal | None:
    """Read the seal that is kept outside the table; None when there is none to be read."""
    try:
        told = json.loads((folder / HEAD).read_text("ascii"))
        head, signature = bytes.fromhex(told["hash"]), bytes.fromhex(told["signature"])
        return Seal(Purpose(told["purpose"]), int(told["sequence"]), head, signature)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def said(row: Row) -> dict[str, Any]:
    """Give what a row's record says; empty for a record that is no JSON object."""
    try:
        told = json.loads(row.record)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}
