"""Audit logs for tests: clocks that stand where they are put, logs with rows in them, books that fail."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from threading import Event

from barocast.plugin.audit.clock_state import ClockSources, ClockState, Moment
from barocast.plugin.audit.ledger import Ledger
from barocast.plugin.audit.row import Entry, Provenance
from barocast.runtime.alarm.events import LogRow

BEGUN = datetime(2026, 11, 22, 21, tzinfo=timezone.utc)
ORIGIN = Provenance("or-3", "barocast-map-1", "ab" * 32, {"risk on": 0.31, "risk off": 0.2, "map mmHg": 65.0})
RAISED = LogRow(60.0, "raised", "forecast hypotension", "", "low", 1, "why", score=0.9, threshold=0.4)


def wall(t_s: float) -> str:
    return (BEGUN + timedelta(seconds=t_s)).isoformat(timespec="milliseconds")


def moment(t_s: float, boot: str = "boot-1") -> Moment:
    return Moment(t_s, boot, wall(t_s), ClockState.SYNCED)


def entry(t_s: float, **body) -> Entry:
    return Entry("alarm", {"transition": "raised", **body}, moment(t_s))


AT_ONCE = 8
"""Rows of one transaction: each minute is signed, and a test does not wait for the disk at every row."""


def write_rows(folder, count: int, *, every_s: float = 1.0, start_s: float = 0.0, sealed: bool = True):
    """Open the log in `folder`, write rows, and close it; unsealed is how a kill leaves it."""
    ledger = Ledger(folder, ORIGIN, moment(start_s))
    written = [entry(start_s + number * every_s, number=number) for number in range(count)]
    for at in range(0, count, AT_ONCE):
        batch = written[at : at + AT_ONCE]
        ledger.append(batch, batch[-1].moment.t_s)
    ledger.close(sealed=sealed)


def damaged_by(folder, *statements: str) -> None:
    """Change a log behind its back."""
    with closing(sqlite3.connect(folder / "audit.db", isolation_level=None)) as db:
        for statement in statements:
            db.execute(statement)


@dataclass
class Clocks:
    """A box whose clocks go when they are told to."""

    boot_s: float = 100.0
    set_by_s: float = 0.0
    is_synced: bool = True

    @property
    def sources(self) -> ClockSources:
        return ClockSources(
            boottime_s=lambda: self.boot_s,
            wall_s=lambda: self.boot_s + self.set_by_s,
            wall_time=lambda: wall(self.boot_s + self.set_by_s),
            boot_id=lambda: "boot-1",
            synced=lambda: self.is_synced,
        )


@dataclass
class MemoryBook:
    """A book on a disk that can be full, gone, or hang."""

    bodies: list[dict] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    fails: Exception | None = None
    answers: Event = field(default_factory=Event)
    opened: int = 0

    def __post_init__(self):
        self.answers.set()

    def open(self, now):
        self.opened += 1
        if self.fails:
            raise self.fails
        return self

    def append(self, entries, now_s):
        self.answers.wait()
        if self.fails and entries:
            raise self.fails
        self.kinds += [each.kind for each in entries]
        self.bodies += [dict(each.body) for each in entries]

    def publish(self):
        pass

    def prune(self, before_wall, now):
        return 0

    def close(self, *, sealed):
        self.kinds += ["closed"] if sealed else []
