"""The audit log as a bed sees it: rows go in from the bed's loop, and a thread brings them to the disk.

    write(row, wall), note(kind, fields, wall) -> Receipt    ok: on the disk, and safe from a power cut
    trouble                                                  why rows do not get there; "" while they do

Why a thread: an SD card may take seconds over one fsync, and a dying disk for ever; nothing may keep a bed
from sounding its alarm. So the loop waits for its row, but no longer than WAIT_S; after that the Receipt is
not ok, and `trouble` is set until the disk has answered. While it is set nobody waits: a hanging disk costs
the loop WAIT_S, once. What was not written stays in memory, in order, up to MOST_WAITING rows, and is tried
again every RETRY_S; the row behind it, `log restored`, tells since when, how many were late and how many
were lost (the newest, when there was no more room). The thread also looks at the clocks every TICK_S, and
writes a row `clock stepped` when the wall clock was set.
"""

from __future__ import annotations

from collections import deque
from dataclasses import asdict
from itertools import islice
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any, Final

from barocast.plugin.audit.clock_state import ClockSources, StepWatch
from barocast.plugin.audit.ledger import Ledger
from barocast.plugin.audit.row import ALARM, Entry, Provenance
from barocast.plugin.audit.scribe import Book, Scribe
from barocast.plugin.sinks.sink import Receipt, SelfTest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from barocast.plugin.audit.clock_state import Moment
    from barocast.plugin.audit.reserve import Reserve
    from barocast.runtime.alarm.events import LogRow

WAIT_S: Final = 0.15
"""Most that a turn of the bed's loop waits: with it an alarm is still out within 200 ms (ALM-06)."""
RETRY_S: Final = 2.0
"""Between two tries on a disk that failed."""
OPEN_S: Final = 5.0
"""Most that the self-test waits: a new log is a dozen fsyncs."""
TICK_S: Final = 1.0
"""Between two looks at the clocks and at what is due."""
MOST_WAITING: Final = 10_000
"""Rows in memory, about 10 MB: a day of a very busy bed."""
MOST_AT_ONCE: Final = 500
"""Rows in one transaction."""
CLOSE_S: Final = 3.0
"""Most that closing waits for the disk: SIGTERM must end the service within 5 s (RUN-01)."""

NO_ANSWER: Final = "the disk does not answer; rows wait in memory"
NO_ROOM: Final = "rows are being lost: the disk fails, and no more fit into memory"


class AuditLog:
    """The log of one bed, in a folder of its own. Safe to call from any thread; raises nothing."""

    def __init__(  # noqa: PLR0913 - the parts of a log, each by its name
        self,
        folder: Path,
        provenance: Provenance,
        *,
        sources: ClockSources | None = None,
        log_days: float = 90.0,
        reserve: Reserve | None = None,
        opened: Callable[[Moment], Book] | None = None,
        wait_s: float = WAIT_S,
        retry_s: float = RETRY_S,
    ) -> None:
        """Begin; `opened` makes the book to write in, by default the Ledger in `folder`."""
        self._folder = folder
        self._watch = StepWatch(sources or ClockSources())
        self._scribe = Scribe(opened or (lambda now: Ledger(folder, provenance, now)), log_days, reserve)
        self._wait_s, self._retry_s = wait_s, retry_s
        self._changed = Condition()
        self._waiting: deque[Entry] = deque()
        self._asked = 0
        """Entries that were ever put in line; those up to `_durable` are on the disk."""
        self._durable = 0
        self._failure = ""
        self._stalled = False
        self._since = ""
        """Wall time since when rows have been late; empty once a row has told that."""
        self._late = 0
        self._lost = 0
        self._answered = False
        """The disk has been tried; before that, nobody knows whether it works."""
        self._closing = False
        self._thread = Thread(target=self._run, name="audit log", daemon=True)
        self._thread.start()

    @property
    def pending(self) -> int:
        """Rows that are not on the disk yet."""
        return len(self._waiting)

    @property
    def trouble(self) -> str:
        """Say why rows do not reach the disk now; empty while they do."""
        why = self._failure or (NO_ANSWER if self._stalled else "")
        if why and len(self._waiting) >= MOST_WAITING:
            why = NO_ROOM
        return why and f"audit log: {self._folder}: {why}"

    def self_test(self) -> SelfTest:
        """Open the log, which may take longer than a row, and say whether it can be written."""
        with self._changed:
            answered = self._changed.wait_for(lambda: self._answered, OPEN_S)
        trouble = self.trouble if answered else f"audit log: {self._folder}: {NO_ANSWER}"
        return SelfTest(ok=not trouble, text=trouble or f"audit log: {self._folder}")

    def write(self, row: LogRow, wall: str) -> Receipt:
        """Write an alarm's transition or an operator's act; `wall` is ISO 8601, UTC."""
        return self._put(ALARM, asdict(row), wall)

    def note(self, kind: str, fields: Mapping[str, Any], wall: str) -> Receipt:
        """Write what is no alarm: `start`, `stop`, `settings`, `admit`, `discharge`. Names no person."""
        return self._put(kind, fields, wall)

    def close(self) -> None:
        """Write what waits, sign, and stop; a disk that hangs is left to itself after CLOSE_S."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(CLOSE_S)

    def _put(self, kind: str, body: Mapping[str, Any], wall: str) -> Receipt:
        with self._changed:
            self._mind_clock()
            if not self._line_up(Entry(kind, body, self._watch.moment(wall))):
                return Receipt(ok=False, text=self.trouble)
            mine = self._asked
            self._changed.notify_all()
            if not self.trouble:
                self._changed.wait_for(lambda: self._durable >= mine or bool(self._failure), self._wait_s)
            if self._durable >= mine:
                return Receipt()
            self._stalled = True
            self._since = self._since or self._waiting[0].moment.wall
            self._late += 1
            return Receipt(ok=False, text=self.trouble)

    def _line_up(self, entry: Entry) -> bool:
        """Put an entry in line, unless there is no room."""
        if len(self._waiting) >= MOST_WAITING:
            self._lost += 1
            return False
        self._waiting.append(entry)
        self._asked += 1
        return True

    def _mind_clock(self) -> None:
        step_s = self._watch.stepped()
        if step_s:
            self._line_up(Entry("clock stepped", {"by_s": round(step_s, 3)}, self._watch.moment()))

    def _run(self) -> None:
        while not self._turn():
            pass
        self._scribe.close()

    def _turn(self) -> bool:
        """Write what waits, or tend to the log; tell whether that was the last turn."""
        with self._changed:
            self._changed.wait_for(self._pressing, self._retry_s if self._failure else TICK_S)
            self._mind_clock()
            now = self._watch.moment()
            batch = list(islice(self._waiting, MOST_AT_ONCE))
            ending = self._ending(len(batch), now)
        entries = [*batch, *ending]
        trouble = self._scribe.write(entries, now) if entries else self._scribe.tend(now)
        with self._changed:
            self._account(len(batch), trouble, now, told=bool(ending))
            self._changed.notify_all()
            return self._closing and (bool(trouble) or not self._waiting)

    def _pressing(self) -> bool:
        """Whether to act at once: a disk that failed is left in peace until its time."""
        return self._closing or not self._answered or (bool(self._waiting) and not self._failure)

    def _ending(self, taken: int, now: Moment) -> list[Entry]:
        """Give the row that ends a time of trouble, when no row that waited for that is left behind."""
        if not self._since or taken < len(self._waiting):
            return []
        told = {
            "since": self._since,
            "why": self._failure or NO_ANSWER,
            "waited": self._late,
            "lost": self._lost,
        }
        return [Entry("log restored", told, now)]

    def _account(self, taken: int, trouble: str, now: Moment, *, told: bool) -> None:
        """Take note of how a turn ended."""
        self._answered = True
        if trouble:
            self._since = self._since or now.wall
            self._failure = trouble
            return
        for _ in range(taken):
            self._waiting.popleft()
        self._durable += taken
        self._failure, self._stalled = "", False
        if told:
            self._since, self._late, self._lost = "", 0, 0
