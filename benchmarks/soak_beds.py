"""The near end of the soak: a bed's parts, each with a note of when something passed through it.

TimedPort -> serve -> TimedBed( Heard alone, or a whole Bedside( Heard ) )
"""

from __future__ import annotations

import time
from array import array
from typing import TYPE_CHECKING

from barocast.plugin.transports.addresses import open_transport
from barocast.runtime.decoders.intellivue_codes import TICKS_PER_S
from barocast.runtime.domain import WaveChunk
from barocast.runtime.sessions.intellivue import IntelliVueSession

if TYPE_CHECKING:
    from barocast.plugin.bedside import Bedside
    from barocast.runtime.domain import Decision, Event


class TimedPort:
    """A port that remembers when it gave bytes last (plugin.transports.transport.Transport)."""

    def __init__(self, address: str) -> None:
        self._port = open_transport(address)
        self.read_s = 0.0
        """Monotonic seconds."""

    def read(self, timeout_s: float) -> bytes:
        """Pass on; note when."""
        data = self._port.read(timeout_s)
        self.read_s = time.monotonic()
        return data

    def write(self, data: bytes) -> None:
        """Pass on."""
        self._port.write(data)

    def close(self) -> None:
        """Pass on."""
        self._port.close()


class Heard(IntelliVueSession):
    """A session whose waves are noted on their way."""

    def __init__(self) -> None:
        super().__init__()
        self.ticks_heard: list[int] = []
        """Relative times of the wave arrays since the last look, ticks."""

    def receive(self, data: bytes, now_s: float) -> tuple[list[Event], bytes]:
        """Receive; note the waves."""
        events, reply = super().receive(data, now_s)
        self.ticks_heard += [round(e.t_s * TICKS_PER_S) for e in events if isinstance(e, WaveChunk) and e.t_s]
        return events, reply


class Alone:
    """A session without a bed: what `serve` steps is the session itself."""

    decision = None
    """It never makes one."""

    def __init__(self, session: Heard) -> None:
        self.session = session

    def receive(self, data: bytes, now_s: float) -> tuple[list[Event], bytes]:
        """Decode."""
        return self.session.receive(data, now_s)

    def process(self, received: list[Event], now_s: float) -> bytes:  # noqa: ARG002 - nobody uses them
        """Ask for more."""
        return self.session.due(now_s)

    def report(self, part: str, trouble: str) -> None:
        """Say it aloud: nothing may go wrong in a soak."""
        if trouble:
            print(f"{part}: {trouble}")


class TimedBed:
    """What `serve` steps: a bed, and when it was done with each wave array."""

    def __init__(self, bed: Alone | Bedside, session: Heard, port: TimedPort) -> None:
        self.session = session
        self.done = array("d")
        """Three numbers an array: its relative time, ticks; when its last byte was read; when it ended."""
        self.decisions: list[str] = []
        """Kinds of those made since the start."""
        self._last: Decision | None = bed.decision
        self._bed = bed
        self._port = port

    def receive(self, data: bytes, now_s: float) -> tuple[list[Event], bytes]:
        """Pass on."""
        return self._bed.receive(data, now_s)

    def process(self, received: list[Event], now_s: float) -> bytes:
        """Let the bed work, and note what it is done with."""
        reply = self._bed.process(received, now_s)
        done_s = time.monotonic()
        for ticks in self.session.ticks_heard:
            self.done.extend((ticks, self._port.read_s, done_s))
        self.session.ticks_heard.clear()
        if self._bed.decision is not self._last:
            self._last = self._bed.decision
            self.decisions.append(type(self._last).__name__.lower())
        return reply

    def report(self, part: str, trouble: str) -> None:
        """Pass on."""
        self._bed.report(part, trouble)
