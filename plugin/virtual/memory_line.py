"""Lines to a virtual monitor without a port or a thread: an hour of trouble in seconds.

    clock = HandClock()
    line = Line(lambda: MemoryConnection(monitor, clock), opener=at_once)
    serve(bedside, line, clock=clock, sleep=clock.sleep, ...)

Transports whose waiting moves the clock on, in place of time.

    MemorySerial       what is said is heard
    MemoryConnection   a monitor may shut it or vanish from it (monitor.Link), as over TCP
    MemoryDatagrams    whole pieces, as over UDP
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from barocast.plugin.transports.transport import TransportLost
from barocast.plugin.virtual.monitor import Link, link_of

if TYPE_CHECKING:
    from barocast.plugin.virtual.intellivue_lan import Address, VirtualIntelliVueLan
    from barocast.plugin.virtual.monitor import VirtualMonitor

CLIENT: Final[Address] = ("memory", 1)


class HandClock:
    """Monotonic seconds that pass only when somebody sleeps."""

    def __init__(self) -> None:
        self._now_s = 0.0

    def __call__(self) -> float:
        """Give the time, seconds."""
        return self._now_s

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self._now_s += seconds


class MemorySerial:
    """One end of a cable (transport.Transport)."""

    connected = True

    def __init__(self, monitor: VirtualMonitor, clock: HandClock) -> None:
        self._monitor, self._clock = monitor, clock
        self._said = b""

    def read(self, timeout_s: float) -> bytes:
        """Give what the monitor has said after the time-out."""
        self._clock.sleep(timeout_s)
        said, self._said = self._said + self._monitor.due(self._clock()), b""
        return said

    def write(self, data: bytes) -> None:
        """Let the monitor hear `data`."""
        self._said += self._monitor.receive(data, self._clock())

    def close(self) -> None:
        """Pull the cable."""
        self._said = b""


class MemoryConnection:
    """One connection (transport.Transport). From where the monitor has vanished nothing comes any more.

    Raises TransportLost where the monitor takes none.
    """

    connected = True

    def __init__(self, monitor: VirtualMonitor, clock: HandClock) -> None:
        self._monitor, self._clock = monitor, clock
        self._line = MemorySerial(monitor, clock)
        self._dumb = False
        if link_of(monitor, clock()) in (Link.SHUT, Link.GONE):
            raise TransportLost("the monitor takes no connection")

    def read(self, timeout_s: float) -> bytes:
        """Give what the monitor has said after the time-out. Raises TransportLost."""
        if self._broken():
            self._clock.sleep(timeout_s)
            return b""
        return self._line.read(timeout_s)

    def write(self, data: bytes) -> None:
        """Let the monitor hear `data`, if it still can. Raises TransportLost."""
        if not self._broken():
            self._line.write(data)

    def close(self) -> None:
        """Hang up."""
        self._line.close()

    def _broken(self) -> bool:
        link = link_of(self._monitor, self._clock())
        self._dumb |= link is Link.GONE
        if link is Link.SHUT and not self._dumb:
            raise TransportLost("the monitor has closed the connection")
        return self._dumb


class MemoryDatagrams:
    """A port of one client of a monitor on a LAN (transport.Transport)."""

    connected = True

    def __init__(self, lan: VirtualIntelliVueLan, clock: HandClock) -> None:
        self._lan, self._clock = lan, clock
        self._said: deque[bytes] = deque()

    def read(self, timeout_s: float) -> bytes:
        """Give one datagram; when none waits, what comes within the time-out."""
        if not self._said:
            self._clock.sleep(timeout_s)
            now_s = self._clock()
            self._said.extend(self._lan.due(now_s) + self._lan.call(now_s))
        return self._said.popleft() if self._said else b""

    def write(self, data: bytes) -> None:
        """Let the monitor hear one datagram."""
        self._said.extend(self._lan.receive(data, CLIENT, self._clock()))

    def close(self) -> None:
        """Let go of the port."""
        self._said.clear()
