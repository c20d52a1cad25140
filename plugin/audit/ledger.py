"""The audit log's file: rows in a chain, seals over its head. SQLite, write-ahead log, `synchronous=FULL`.

    rows    sequence INTEGER PRIMARY KEY | record TEXT | hash BLOB
    seals   sequence | purpose | hash | signature; one row, the newest seal
    FOLDER/audit.db  audit.lock  head.json (the newest seal again)  keys/

`append` returns when its rows are on the disk, or raises one of FAILURES and has written none of them. A row
is signed together with its successors at most SEAL_S after it happened, in the transaction of the row that
comes after that; so of a log that is not being written, no more than the last SEAL_S are unsigned, whatever
killed the writer. The newest seal is kept in `head.json`, too: a table from which rows and seals were cut,
or an older copy put in place of it, does not reach the row that the file names.

A file that SQLite cannot read is set aside (`damaged-001.db`) and a new log begun. That, and whatever else
is not as it was left, is told by a row of kind `damage` in front of `opened`, with which each opening begins.
One process writes a log at a time.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING, Final

from barocast.plugin.audit.log_file import asides, connect, create, is_damage, locked, set_aside, write_head
from barocast.plugin.audit.reading import HEAD, NAME, last_rows, read_head, rows, said, seals
from barocast.plugin.audit.row import DAMAGE, GENESIS, Entry, Provenance, Row, chained, make_row
from barocast.plugin.audit.seal import Purpose, Seal, device_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from barocast.plugin.audit.clock_state import Moment

SEAL_S: Final = 30.0
"""Seconds after which a row must be signed; SEC-04 allows 60, and a disk may be slow."""
ALWAYS_KEPT: Final = 10_000
"""Rows that no age deletes (ALM-11)."""
MOST_ROWS: Final = 500_000
"""About 400 MB: a clock that stands in the future must not fill the disk with rows that never grow old."""
MOST_PRUNED: Final = 2_000
"""Rows that one transaction deletes; the next minute takes more."""
TAIL: Final = 64
"""Rows whose chain is checked at opening; `audit verify` checks all."""

FAILURES: Final = (OSError, sqlite3.Error)
"""What a disk can cause."""


class Ledger:
    """The open log of one bed. Raises one of FAILURES from every method, and is then as it was before."""

    def __init__(self, folder: Path, provenance: Provenance, now: Moment) -> None:
        self._folder = folder
        self._provenance = provenance
        with contextlib.ExitStack() as undone:
            undone.callback(os.close, locked(folder))
            self._key = device_key(folder)
            self._spoilt = False
            """The file turned out to be damaged; it is set aside when it is closed."""
            undone.callback(self._clear_away)
            self._db = self._opened()
            undone.callback(self._db.close)
            self._last, self._head = self._tail()
            self._unpublished: Seal | None = None
            self._unsigned_s: float | None = None
            self._begin(now)
            self._held = undone.pop_all()

    def append(self, entries: Sequence[Entry], now_s: float) -> None:
        """Write entries in their order, all or none; `now_s` is seconds since boot."""
        since_s = self._unsigned_s
        if since_s is None:
            since_s = entries[0].moment.t_s if entries else now_s
        due = now_s - since_s >= SEAL_S
        if not (entries or due):
            return
        fresh = self._chained(entries)
        last, head = (fresh[-1].sequence, fresh[-1].hash) if fresh else (self._last, self._head)
        self._commit(fresh, self._key.seal(Purpose.RUNNING, last, head) if due else None)
        self._last, self._head = last, head
        self._unsigned_s = None if due else since_s

    def publish(self) -> None:
        """Keep the newest seal outside the table, too. Raises OSError; nothing but this is then missing."""
        if self._unpublished is not None:
            write_head(self._folder, self._unpublished)
            self._unpublished = None

    def prune(self, before_wall: str, now: Moment) -> int:
        """Delete the oldest rows from before a wall time (ISO 8601, UTC), ALWAYS_KEPT never; tell how many.

        A row of kind `pruned` says so. It carries the signed hash of the last deleted row.
        """
        with self._transaction():
            old = self._old(before_wall)
            if not old:
                return 0
            last = old[-1]
            seal = self._key.seal(Purpose.PRUNED, last.sequence, last.hash)
            body = {"up_to": last.sequence, "hash": last.hash.hex(), "signature": seal.signature.hex()}
            (row,) = self._chained([Entry("pruned", {**body, "before": before_wall}, now)])
            self._insert(row)
            self._db.execute("DELETE FROM rows WHERE sequence <= ?", (last.sequence,))
            self._db.execute("DELETE FROM seals WHERE sequence <= ?", (last.sequence,))
        self._last, self._head = row.sequence, row.hash
        self._unsigned_s = now.t_s if self._unsigned_s is None else self._unsigned_s
        return len(old)

    def close(self, *, sealed: bool) -> None:
        """Sign the head as closed, unless the disk is at fault, and let go of the file."""
        try:
            if sealed:
                self._commit([], self._key.seal(Purpose.CLOSED, self._last, self._head))
                self.publish()
        finally:
            self._held.close()

    def _chained(self, entries: Sequence[Entry]) -> list[Row]:
        chain, before = [], self._head
        for sequence, entry in enumerate(entries, self._last + 1):
            chain.append(make_row(entry, self._provenance, sequence, before))
            before = chain[-1].hash
        return chain

    def _opened(self) -> sqlite3.Connection:
        """Connect, to a new log where the old one cannot be read."""
        try:
            return self._connected()
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
            set_aside(self._folder)
            return self._connected()

    def _begin(self, now: Moment) -> None:
        """Tell, signed at once, that the log goes on, and what is not as it was left."""
        unsigned = self._unsigned()
        trouble = self._trouble(unsigned)
        entries = [Entry(DAMAGE, {"found": trouble}, now)] if trouble else []
        self.append([*entries, Entry("opened", {"unsigned": unsigned}, now)], now.t_s + SEAL_S)
        self.publish()

    def _clear_away(self) -> None:
        if self._spoilt:
            set_aside(self._folder)

    def _connected(self) -> sqlite3.Connection:
        """Connect to a file that can be read as a log."""
        if not (self._folder / NAME).exists():
            if not (self._folder / HEAD).exists():
                write_head(self._folder, self._key.seal(Purpose.RUNNING, 0, GENESIS))
            create(self._folder)
        db = connect(self._folder / NAME)
        try:
            list(last_rows(db, TAIL))
            next(seals(db), None)
        except BaseException:
            db.close()
            raise
        return db

    def _tail(self) -> tuple[int, bytes]:
        last = next(iter(last_rows(self._db, 1)), None)
        return (last.sequence, last.hash) if last else (0, GENESIS)

    def _unsigned(self) -> int:
        """Rows behind the newest seal."""
        newest = next(seals(self._db), None)
        return self._last - (newest.sequence if newest else 0)

    def _trouble(self, unsigned: int) -> str:
        """Say what is wrong with a log that was just opened, as far as a quick look can tell."""
        newest, head = next(seals(self._db), None), read_head(self._folder)
        if not self._last and (aside := asides(self._folder)):
            return f"the log before this one cannot be read; it is kept as {aside[-1].name}"
        if head is None:
            return "its signed head is gone"
        if head.sequence > self._last:
            return f"it was signed up to row {head.sequence} and ends at row {self._last}"
        if newest and newest.purpose is Purpose.CLOSED and unsigned:
            return f"{unsigned} rows were added after it was closed"
        tail = list(last_rows(self._db, TAIL))[::-1]
        for before, row in pairwise(tail):
            if chained(before.hash, row.record) != row.hash or row.sequence != before.sequence + 1:
                return f"the chain is broken at row {row.sequence}"
        return ""

    def _old(self, before_wall: str) -> list[Row]:
        """Give the oldest rows as long as they are from before a wall time, or too many."""
        oldest = rows(self._db, self._last - ALWAYS_KEPT, MOST_PRUNED)
        too_many = self._last - MOST_ROWS
        return list(
            takewhile(lambda row: row.sequence <= too_many or said(row).get("wall", "") < before_wall, oldest)
        )

    def _commit(self, fresh: Sequence[Row], seal: Seal | None) -> None:
        with self._transaction():
            for row in fresh:
                self._insert(row)
            if seal is not None:
                # An overtaken seal would make a log that was cut look like one that ends there.
                self._db.execute("DELETE FROM seals")
                self._db.execute(
                    "INSERT INTO seals VALUES (?, ?, ?, ?)",
                    (seal.sequence, seal.purpose.value, seal.hash, seal.signature),
                )
        self._unpublished = seal or self._unpublished

    def _insert(self, row: Row) -> None:
        self._db.execute("INSERT INTO rows VALUES (?, ?, ?)", (row.sequence, row.record, row.hash))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException as error:
            self._spoilt = isinstance(error, sqlite3.Error) and is_damage(error)
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
