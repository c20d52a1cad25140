"""A serial line to a virtual monitor: a pty, with the monitor at the far end in a thread.

    over_pty(monitor, clock)  -> serial:// address to open

TCP is in tcp_line, UDP in datagram_line; the thread (`far_end`) is the same. It ends with the block. Both
ends' clocks are the one that is handed in.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import tty
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from barocast.plugin.virtual.monitor import VirtualMonitor

LOOPBACK: Final = "127.0.0.1"
PACE_S: Final = 0.004
"""Longest that a virtual monitor sleeps, wall seconds."""
CHUNK: Final = 65536


@contextmanager
def over_pty(monitor: VirtualMonitor, clock: Callable[[], float]) -> Iterator[str]:
    """Let a monitor speak at one end of a pty; give the address of the other end."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    try:
        with far_end(lambda over: _speak(monitor, ours, clock, over)):
            yield f"serial://{os.ttyname(theirs)}"
    finally:
        for end in (ours, theirs):
            os.close(end)


@contextmanager
def far_end(speak: Callable[[threading.Event], None]) -> Iterator[None]:
    """Let the far end of a line speak in a thread of its own, until the event that it is given is set."""
    over = threading.Event()
    thread = threading.Thread(target=speak, args=(over,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(timeout=1.0)


def _speak(monitor: VirtualMonitor, line: int, clock: Callable[[], float], over: threading.Event) -> None:
    with contextlib.suppress(OSError):  # the other end has hung up
        while not over.is_set():
            ready, _, _ = select.select([line], [], [], PACE_S)
            heard = os.read(line, CHUNK) if ready else b""
            now_s = clock()
            _say(line, memoryview(monitor.receive(heard, now_s) + monitor.due(now_s)), over)


def _say(line: int, said: memoryview, over: threading.Event) -> None:
    while said and not over.is_set():
        _, writable, _ = select.select([], [line], [], PACE_S)
        said = said[os.write(line, said[:CHUNK]) :] if writable else said
