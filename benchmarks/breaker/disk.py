"""What is kept, on a disk that can be full, failing, read-only, slow, or cut off in the middle of a write.

    HandLog         the real audit log, its thread's turns taken by hand, over the real ledger's files
    DecisionLog     the decisions, for the oracle, and what a JSON log would say of the disk
    KeptState       the alarm memory: JSON text that outlives the process, and not the boot

The ledger lies in memory (tmpfs). A power cut leaves its files as they are at that moment, with half a frame
behind the write-ahead log: nothing of the process's own is in it.
"""

from __future__ import annotations

import json
import math
import shutil
import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from barocast.plugin.audit.ledger import Ledger
from barocast.plugin.audit.log import AuditLog
from barocast.plugin.audit.row import ALARM, Provenance
from barocast.plugin.sinks.jsonl import decision_line
from barocast.plugin.sinks.sink import Receipt
from benchmarks.breaker.plan import Kind, Lookup

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from barocast.plugin.audit.clock_state import ClockSources, Moment
    from barocast.plugin.audit.row import Entry
    from barocast.runtime.alarm.events import LogRow
    from barocast.runtime.domain import Decision, Floats
    from benchmarks.breaker.plan import Plan

KINDS: Final = (Kind.DISK_FULL, Kind.DISK_BROKEN, Kind.DISK_READ_ONLY, Kind.DISK_SLOW)
WORDS: Final = {
    Kind.DISK_FULL: "database or disk is full",
    Kind.DISK_BROKEN: "disk I/O error",
    Kind.DISK_READ_ONLY: "attempt to write a readonly database",
}
"""SQLite's own, by which the log tells one from another."""
RETRY_S: Final = 2.0
TORN_BYTES: Final = 4096


class Disk:
    """What is wrong with it now."""

    def __init__(self, plan: Plan, clock: Callable[[], float]) -> None:
        self.clock = clock
        self._faults, self._memory = Lookup(plan, KINDS), Lookup(plan, (Kind.MEMORY_FULL,))

    def fault(self) -> Kind | None:
        """Give it."""
        stretch = self._faults.at(self.clock())
        return stretch.kind if stretch else None

    def memory_full(self) -> bool:
        """Whether /run takes nothing."""
        return self._memory.at(self.clock()) is not None

    def check(self) -> None:
        """Raise what SQLite would."""
        if (fault := self.fault()) in WORDS:
            raise sqlite3.OperationalError(WORDS[fault])


class DoubtfulLedger:
    """The real ledger on that disk."""

    def __init__(self, disk: Disk, folder: Path, provenance: Provenance, now: Moment) -> None:
        disk.check()
        self._disk, self._ledger = disk, Ledger(folder, provenance, now)

    def append(self, entries: Sequence[Entry], now_s: float) -> None:
        """Write entries, or raise."""
        self._disk.check()
        self._ledger.append(entries, now_s)

    def publish(self) -> None:
        """Keep the newest seal outside, or raise."""
        self._disk.check()
        self._ledger.publish()

    def prune(self, before_wall: str, now: Moment) -> int:
        """Delete old rows, or raise."""
        self._disk.check()
        return self._ledger.prune(before_wall, now)

    def close(self, *, sealed: bool) -> None:
        """End."""
        self._ledger.close(sealed=sealed and self._disk.fault() not in WORDS)


class HandLog(AuditLog):
    """The audit log without its thread: whoever waits for a row takes the thread's turn meanwhile."""

    def __init__(self, folder: Path, disk: Disk, sources: ClockSources) -> None:
        provenance = Provenance("breaker", "virtual")
        self.disk, self.acknowledged = disk, set[tuple[Any, ...]]()
        """Rows that somebody was told are safe, of this process."""
        self.occurrences: set[int] = set()
        """That were given to it to be written."""
        self.refused_s: float | None = None
        """When it said that it does not write; None since it last did."""
        self._tried_s, self._turning = -math.inf, False
        super().__init__(
            folder,
            provenance,
            sources=sources,
            opened=lambda now: DoubtfulLedger(disk, folder, provenance, now),
        )
        self._changed = Waited(self._take_turn)  # type: ignore[assignment]

    def _run(self) -> None:
        """Leave the thread to end: its turns are taken by `_take_turn`."""

    def _take_turn(self) -> None:
        now_s = self.disk.clock()
        too_soon = bool(self._failure) and now_s - self._tried_s < RETRY_S
        if self._turning or too_soon or self.disk.fault() is Kind.DISK_SLOW:
            return
        self._turning, self._tried_s = True, now_s
        try:
            self._turn()
        finally:
            self._turning = False

    def tend(self) -> None:
        """Do what the thread does beside the bed's turns."""
        self._take_turn()

    def _put(self, kind: str, body: Mapping[str, Any], wall: str) -> Receipt:
        """Write a row, and remember what was said of it."""
        receipt = super()._put(kind, body, wall)
        if kind == ALARM:
            self.occurrences.add(body["occurrence"])
        if receipt.ok:
            self.acknowledged.add(key(kind, body))
            self.refused_s = None
        elif self.refused_s is None:
            self.refused_s = self.disk.clock()
        return receipt

    def cut_off(self, into: Path, dice: random.Random | None) -> None:
        """Leave the files as they are now in another folder; with `dice`, torn as by a power cut."""
        shutil.copytree(self._folder, into)
        wal = into / "audit.db-wal"
        if dice is not None and wal.exists():
            with wal.open("ab") as file:
                file.write(dice.randbytes(dice.randrange(TORN_BYTES)))
        with suppress(OSError, sqlite3.Error):
            self._scribe.close()
        shutil.rmtree(self._folder)


class Waited:
    """A Condition of one thread: waiting is taking the other's turn."""

    def __init__(self, turn: Callable[[], None]) -> None:
        self._turn = turn

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...

    def notify_all(self) -> None:
        """Wake nobody."""

    def wait_for(self, awaited: Callable[[], bool], timeout: float) -> bool:  # noqa: ARG002 - Condition's words
        """Let the other side act; give whether that was enough."""
        self._turn()
        return awaited()


def key(kind: str, body: Mapping[str, Any]) -> tuple[Any, ...]:
    """Tell one row from another."""
    told = ("now_s", "transition", "condition", "source", "occurrence", "reason", "who")
    return (kind, *(body.get(name) for name in told))


class DecisionLog:
    """Takes every decision, whatever it says of the disk."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._taken: list[Decision] = []
        self.refused_s: float | None = None

    def write_decision(self, decision: Decision, alarm: str, map_10s: Floats) -> Receipt:
        """Take one; a line that JSON cannot hold raises ValueError, as the real one does."""
        self._taken.append(decision)
        json.dumps(decision_line(decision, alarm, "", map_10s), allow_nan=False)
        return self._receipt()

    def write_log(self, row: LogRow, wall: str | None = None) -> Receipt:  # noqa: ARG002 - the audit log has it
        """Take an alarm row."""
        return self._receipt()

    def taken(self) -> list[Decision]:
        """Give the decisions since this was last called."""
        taken, self._taken = self._taken, []
        return taken

    def close(self) -> None:
        """End."""

    def _receipt(self) -> Receipt:
        fault = self._disk.fault()
        if fault not in WORDS:
            self.refused_s = None
            return Receipt()
        if self.refused_s is None:
            self.refused_s = self._disk.clock()
        return Receipt(ok=False, text=f"log: {WORDS[fault]}")


class KeptState:
    """The alarm memory of one box."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._kept: tuple[str, str, float] | None = None
        """JSON text, bundle, seconds since boot."""
        self.bundle = ""
        """Whose process runs."""
        self.kept_s = -math.inf
        """When it was last kept."""
        self.refused_s: float | None = None
        self._turn_s: float | None = None

    def turn(self) -> None:
        """Take the time: what is kept from now on is of this turn's beginning."""
        self._turn_s = self._disk.clock()

    def keep(self, state: dict[str, Any]) -> str:
        """Keep it in the place of the former."""
        text = json.dumps(state, allow_nan=False)
        if self._disk.memory_full():
            self.refused_s = self._disk.clock() if self.refused_s is None else self.refused_s
            return "alarm memory: no space left"
        of_s = self._disk.clock() if self._turn_s is None else self._turn_s
        self._kept, self.refused_s = (text, self.bundle, of_s), None
        self.kept_s = self._disk.clock()
        return ""

    def recall(self) -> tuple[object, float]:
        """Give it back with its age; nothing where it cannot be used."""
        if self._kept is None or self._kept[1] != self.bundle:
            return None, math.inf
        return json.loads(self._kept[0]), self._disk.clock() - self._kept[2]

    def boot(self) -> None:
        """Forget: /run begins empty."""
        self._kept = None
