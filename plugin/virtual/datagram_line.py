"""A UDP line to a virtual IntelliVue in a thread of its own, on this machine's loopback.

    over_udp(monitor, clock) -> udp:// address to open, with the port of ours on which it calls

Its calls tell that address. Both ends' clocks are the one that is handed in. The thread ends with the block.
"""

from __future__ import annotations

import select
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

from barocast.plugin.virtual.lines import CHUNK, LOOPBACK, PACE_S, far_end

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    from barocast.plugin.virtual.intellivue_lan import Address, VirtualIntelliVueLan


@contextmanager
def over_udp(monitor: VirtualIntelliVueLan, clock: Callable[[], float]) -> Iterator[str]:
    """Let a monitor speak at a port of its own; give the address to open."""
    with _bound() as line:
        hear = _free_port()
        with far_end(lambda over: _speak(monitor, line, hear, clock, over)):
            yield f"udp://{LOOPBACK}:{line.getsockname()[1]}?hear={hear}"


def _bound() -> socket.socket:
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    line.bind((LOOPBACK, 0))
    return line


def _free_port() -> int:
    with _bound() as probe:
        port: int = probe.getsockname()[1]
    return port


def _speak(
    monitor: VirtualIntelliVueLan,
    line: socket.socket,
    hear: int,
    clock: Callable[[], float],
    over: threading.Event,
) -> None:
    while not over.is_set():
        ready, _, _ = select.select([line], [], [], PACE_S)
        now_s = clock()
        if ready:
            data, sender = line.recvfrom(CHUNK)
            _send(line, monitor.receive(data, sender, now_s), sender)
        if monitor.client is not None:
            _send(line, monitor.due(now_s), monitor.client)
        _send(line, monitor.call(now_s, line.getsockname()[1]), (LOOPBACK, hear))


def _send(line: socket.socket, datagrams: list[bytes], to: Address) -> None:
    for datagram in datagrams:
        line.sendto(datagram, to)
