"""TCP lines to virtual monitors, on this machine's loopback, with the monitor at the far end in a thread.

    over_tcp(monitor, clock)      -> tcp-listen:// address to open, which the monitor calls, and calls again
    answering_tcp(monitor, clock) -> tcp:// address to open, at which the monitor answers

A monitor may shut its line or vanish from it (monitor.Link): then a connection is closed, or kept for ever
without a word, as a peer does whose cable was pulled. The thread ends with the block. Both ends' clocks are
the one that is handed in.
"""

from __future__ import annotations

import select
import socket
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Final, Protocol

from barocast.plugin.virtual.lines import CHUNK, LOOPBACK, PACE_S, far_end
from barocast.plugin.virtual.monitor import Link, link_of

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    from barocast.plugin.virtual.monitor import VirtualMonitor

CALL_AGAIN_S: Final = 2.0
"""Between two calls of a gateway that nobody answers."""


class _Way(Protocol):
    """How a monitor comes by a connection."""

    def connect(self, now_s: float) -> socket.socket | None:
        """Give a new connection, if there is one to be had."""

    def shut(self) -> None:
        """Be out of reach until the next `connect`."""


class _Calling:
    """The monitor calls."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._next_s = float("-inf")

    def connect(self, now_s: float) -> socket.socket | None:
        if now_s < self._next_s:
            return None
        self._next_s = now_s + CALL_AGAIN_S
        with suppress(OSError):
            return socket.create_connection((LOOPBACK, self._port))
        return None

    def shut(self) -> None:
        """Do nothing: who does not call cannot be reached."""


class _Answering:
    """The monitor is called."""

    def __init__(self) -> None:
        self._server: socket.socket | None = socket.create_server((LOOPBACK, 0))
        self.port: int = self._server.getsockname()[1]

    def connect(self, _: float) -> socket.socket | None:
        if self._server is None:
            self._server = socket.create_server((LOOPBACK, self.port))
        knocks = select.select([self._server], [], [], 0.0)[0]
        return self._server.accept()[0] if knocks else None

    def shut(self) -> None:
        if self._server is not None:
            self._server.close()
        self._server = None


class _End:
    """The monitor's end of the line, turn by turn."""

    def __init__(self, monitor: VirtualMonitor, way: _Way, over: threading.Event) -> None:
        self._monitor, self._way, self._over = monitor, way, over
        self._line: socket.socket | None = None
        self._unsent = b""
        self._kept = ExitStack()
        """Connections that were left without a word."""

    def turn(self, now_s: float) -> None:
        """Let monitor and client speak."""
        link = link_of(self._monitor, now_s)
        if link in (Link.SHUT, Link.GONE):
            self._let_go(quietly=link is Link.GONE)
            self._way.shut()
        elif self._line is None:
            self._line = self._way.connect(now_s)
        heard = self._heard()
        if self._line is not None:
            self._say(self._monitor.receive(heard, now_s) + self._monitor.due(now_s))

    def close(self) -> None:
        """Close every connection."""
        self._let_go(quietly=False)
        self._way.shut()
        self._kept.close()

    def _heard(self) -> bytes:
        if self._line is None:
            self._over.wait(PACE_S)
            return b""
        ready, _, _ = select.select([self._line], [], [], PACE_S)
        if not ready:
            return b""
        try:
            heard = self._line.recv(CHUNK)
        except OSError:
            heard = b""
        if not heard:
            self._let_go(quietly=False)
        return heard

    def _say(self, said: bytes) -> None:
        """Send as much as the line takes; the rest waits for the next turn."""
        self._unsent += said
        if self._line is None or not self._unsent:
            return
        try:
            _, writable, _ = select.select([], [self._line], [], PACE_S)
            sent = self._line.send(self._unsent[:CHUNK]) if writable else 0
        except OSError:
            self._let_go(quietly=False)
        else:
            self._unsent = self._unsent[sent:]

    def _let_go(self, *, quietly: bool) -> None:
        if self._line is None:
            return
        self._unsent = b""
        if quietly:
            self._kept.callback(self._line.close)
        else:
            self._line.close()
        self._line = None


@contextmanager
def over_tcp(monitor: VirtualMonitor, clock: Callable[[], float]) -> Iterator[str]:
    """Let a monitor call a port of this machine and speak there; give the address to open."""
    with socket.create_server((LOOPBACK, 0)) as probe:
        port = probe.getsockname()[1]
    with far_end(lambda over: _turn(monitor, _Calling(port), clock, over)):
        yield f"tcp-listen://{LOOPBACK}:{port}"


@contextmanager
def answering_tcp(monitor: VirtualMonitor, clock: Callable[[], float]) -> Iterator[str]:
    """Let a monitor answer at a port of its own; give the address to open."""
    way = _Answering()
    with far_end(lambda over: _turn(monitor, way, clock, over)):
        yield f"tcp://{LOOPBACK}:{way.port}"


def _turn(monitor: VirtualMonitor, way: _Way, clock: Callable[[], float], over: threading.Event) -> None:
    end = _End(monitor, way, over)
    while not over.is_set():
        end.turn(clock())
    end.close()
