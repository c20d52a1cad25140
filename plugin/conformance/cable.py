"""A session and a virtual monitor joined under a simulated clock, with a line that can be cut on order.

Both ends are asked every STEP_S, as the bedside does. What is heard, said and sent is kept with its time, and
nothing here ever waits. Raises DriverRaised when the session does what its contract forbids.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from barocast.plugin.conformance.reading import guarded
from barocast.runtime.domain import Sample, WaveChunk

if TYPE_CHECKING:
    from collections.abc import Callable

    from barocast.plugin.conformance.bench import Monitor, Said
    from barocast.runtime.domain import Event
    from barocast.runtime.sessions.session import Session

STEP_S: Final = 0.1
"""Between two turns; the bedside reads about as often."""
START_S: Final = 1000.0
"""The session's monotonic clock at the beginning: any number but 0."""
MAX_TURNS: Final = 200
"""Answers to answers within one step; two ends that never stop answering each other go on in the next."""


@dataclass(frozen=True, slots=True)
class Heard:
    """An event and when it came."""

    at_s: float
    """On the session's clock."""
    monitor_s: float
    """On the monitor's own, seconds since it was switched on."""
    event: Event

    @property
    def usable(self) -> bool:
        """Whether it is a valid value of a channel of ours."""
        event = self.event
        return isinstance(event, Sample | WaveChunk) and event.valid and event.channel is not None


@dataclass(frozen=True, slots=True)
class Sent:
    """What a session sent, and when."""

    at_s: float
    """On the session's clock."""
    size: int
    """Bytes."""
    asked: bool
    """By itself, from due(); else in answer to what it heard, or in farewell."""


class Cable:
    """One line. `deaf`: the session hears nothing; `mute`: the monitor hears nothing."""

    def __init__(self, session: Session, monitor: Monitor) -> None:
        self.session = session
        self.monitor = monitor
        self.now_s = START_S
        self.pace = 1.0
        """Seconds of the monitor's clock in one of the session's."""
        self.heard: list[Heard] = []
        self.said: list[tuple[float, bytes]] = []
        """Pieces that reached the session."""
        self.sent: list[Sent] = []
        """What the session sent, also into a line that is cut."""
        self.statuses: list[tuple[float, str]] = []
        """Status at its every change."""
        self.spoil: Callable[[bytes], bytes] = bytes
        """What the line does to the monitor's words."""
        self._monitor_s = 0.0
        self._to_session: deque[bytes] = deque()

    def run(self, seconds: float, *, deaf: bool = False, mute: bool = False) -> None:
        """Let time go by."""
        for _ in range(round(seconds / STEP_S)):
            self.now_s += STEP_S
            self._monitor_s += STEP_S * self.pace
            self._to_session.extend(pieces(self.monitor.due(self._monitor_s)))
            self._deliver(deaf=deaf, mute=mute)
            self._send(self._due(), mute=mute, asked=True)
            self._deliver(deaf=deaf, mute=mute)
            self._note_status()

    def exchange(self, monitor: Monitor) -> None:
        """Put another monitor, just switched on, at the far end; what was on its way is lost half way."""
        if self.said:
            self._hear(self.said[-1][1][: len(self.said[-1][1]) // 2])
        self._to_session.clear()
        self.monitor = monitor
        self._monitor_s = 0.0

    def usable(self, since_s: float = 0.0) -> list[Heard]:
        """Give the valid values of our channels that came after a time of the session's clock."""
        return [heard for heard in self.since(since_s) if heard.usable]

    def since(self, since_s: float) -> list[Heard]:
        """Give everything that came after a time of the session's clock."""
        return [heard for heard in self.heard if heard.at_s > since_s]

    def pause_s(self) -> float:
        """Give the longest pause between usable values once they come: the feed's own interval."""
        times = [heard.at_s for heard in self.usable()]
        return max((later - sooner for sooner, later in pairwise(times)), default=0.0)

    def repeat_due(self, times: int) -> list[bytes]:
        """Ask again and again at one and the same time; give what was answered."""
        answers = [self._due() for _ in range(times)]
        for answer in answers:
            self._send(answer, mute=False, asked=True)
        return answers

    @property
    def asks(self) -> bool:
        """Whether the session has spoken by itself; one that only listens, or answers, has not."""
        return any(sent.asked for sent in self.sent)

    def farewell(self) -> None:
        """Let the session release its connection."""
        self._send(guarded(self.session.release, self.place(self.now_s)), mute=False)

    @staticmethod
    def place(now_s: float) -> str:
        """Say when it was, for a person."""
        return f"{now_s - START_S:.1f} s into the run"

    def _deliver(self, *, deaf: bool, mute: bool) -> None:
        for _ in range(MAX_TURNS):
            if not self._to_session:
                return
            piece = self._to_session.popleft()
            if not deaf:
                self._send(self._hear(self.spoil(piece)), mute=mute)

    def _hear(self, piece: bytes) -> bytes:
        events, reply = guarded(lambda: self.session.receive(piece, self.now_s), self._where(piece))
        self.said.append((self.now_s, piece))
        self.heard += [Heard(self.now_s, self._monitor_s, event) for event in events]
        return reply

    def _due(self) -> bytes:
        return guarded(lambda: self.session.due(self.now_s), self._where(b""))

    def _send(self, data: bytes, *, mute: bool, asked: bool = False) -> None:
        if not data:
            return
        self.sent.append(Sent(self.now_s, len(data), asked))
        if not mute:
            self._to_session.extend(pieces(self.monitor.receive(data, self._monitor_s)))

    def _note_status(self) -> None:
        status = guarded(lambda: self.session.status, self._where(b""))
        if not self.statuses or self.statuses[-1][1] != status:
            self.statuses.append((self.now_s, status))

    def _where(self, piece: bytes) -> str:
        shown = f" on {len(piece)} bytes {piece[:16].hex(' ')}" if piece else ""
        return f"{self.place(self.now_s)}{shown}"


def pieces(said: Said) -> list[bytes]:
    """Give what a monitor said as the pieces in which it arrives."""
    if isinstance(said, bytes):
        return [said] if said else []
    return [piece for piece in said if piece]
