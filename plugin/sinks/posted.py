"""A sink whose work may take time: a thread of its own does it, the bed only leaves the newest state.

    apply(snapshot) -> Receipt      at once: the state is taken, and the trouble of the work so far is told
    Work.turn(news) -> trouble      in the thread, for each new state and every TURN_S; may wait for a device

A snapshot that tells nothing new takes the place of the one before it. Those that do are kept until the work
takes them: all of them where it tells changes, the newest where it tells states. More than KEPT of them are
more than a receiver that slow will ever see; the oldest go, which is trouble until the others are taken.
Work that does not come back within HANGS_S hangs. That is told, and nothing waits for it, not even the end.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

from barocast.plugin.clock import wall_s
from barocast.plugin.sinks.beat import Beat
from barocast.plugin.sinks.sink import Guarantee, Receipt, SelfTest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from barocast.runtime.alarm.events import AlarmSnapshot

TURN_S: Final = 0.25
"""Seconds after which the work has a turn without news: it reads what came, and calls again what hung up."""
HANGS_S: Final = 8.0
"""Stands above what a call to a host that is not there takes (transports.connection.CALL_S, and TLS)."""
TEST_S: Final = 5.0
"""Longest wait of the first self-test, for the first turn."""
FAREWELL_S: Final = 1.0
"""What a farewell to the other end may take."""
KEPT: Final = 1000
"""Changes that may wait (requirement ALM-12)."""


@dataclass(frozen=True, slots=True)
class Dated:
    """A snapshot and when it was true."""

    snapshot: AlarmSnapshot
    wall_s: float
    """Seconds since 1970."""


class Work(Protocol):
    """What is done with the states: one turn at a time, in a thread of its own."""

    every_change: bool
    """Whether it must see each change; otherwise it is given the newest state only."""

    def turn(self, news: Sequence[Dated]) -> str:
        """Take what is new, do what is due; give what is wrong, "" when nothing is."""

    def close(self) -> None:
        """Say farewell, within FAREWELL_S, and let go of everything; after the last turn."""


class PostedSink:
    """A sink around its work. `clock` gives monotonic seconds, `wall` seconds since 1970."""

    guarantee: Guarantee = "best_effort"

    def __init__(
        self,
        name: str,
        where: str,
        work: Work,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = wall_s,
    ) -> None:
        """Start nothing: the first state does, or the first self-test. `where`: the address, for texts."""
        self.name = name
        """What it is called where its trouble is told."""
        self._where, self._work, self._wall = where, work, wall
        self._news: deque[Dated] = deque()
        self._lost = False
        """Changes went, while those of now waited."""
        self._trouble = ""
        self._lock = threading.Lock()
        """Guards the three above."""
        self._turned = threading.Event()
        self._beat = Beat(name, self._turn, clock)

    def self_test(self) -> SelfTest:
        """Say whether the work is well; before its first turn has ended, wait for that."""
        self._beat.wake()
        self._turned.wait(TEST_S)
        receipt = self._receipt()
        return SelfTest(receipt.ok, receipt.text or f"{self.name} {self._where}: ready")

    def apply(self, snapshot: AlarmSnapshot) -> Receipt:
        """Leave this state for the work; tell how that has fared so far."""
        dated = Dated(snapshot, self._wall())
        with self._lock:
            if self._news and (not self._work.every_change or _tells_the_same(self._news[-1], dated)):
                self._news.pop()
            elif len(self._news) == KEPT:
                self._news.popleft()
                self._lost = True
            self._news.append(dated)
        self._beat.wake()
        return self._receipt()

    def close(self) -> None:
        """Let the work end; leave it behind where it hangs."""
        if self._beat.close() and self._turned.is_set():
            self._work.close()

    def _receipt(self) -> Receipt:
        with self._lock:
            trouble = f"changes not sent: more than {KEPT} waited" if self._lost else self._trouble
        return self._beat.receipt(f"{self.name} {self._where}", trouble, HANGS_S)

    def _turn(self, now_s: float) -> float:  # noqa: ARG002 - the work asks its own clock
        with self._lock:
            news, self._lost = list(self._news), False
            self._news.clear()
        trouble = self._worked(news)
        with self._lock:
            self._trouble = trouble
        self._turned.set()
        return TURN_S

    def _worked(self, news: list[Dated]) -> str:
        try:
            return self._work.turn(news)
        except Exception as error:  # noqa: BLE001 - work that fails costs this way out, never the bed
            return f"{type(error).__name__}: {error}"


def _tells_the_same(one: Dated, other: Dated) -> bool:
    """Whether two snapshots differ in the time at most, their own or what is left of a pause."""
    return _timeless(one.snapshot) == _timeless(other.snapshot)


def _timeless(snapshot: AlarmSnapshot) -> AlarmSnapshot:
    paused, silent = snapshot.alarm_pause_left_s > 0.0, snapshot.audio_pause_left_s > 0.0
    return replace(snapshot, now_s=0.0, alarm_pause_left_s=float(paused), audio_pause_left_s=float(silent))
