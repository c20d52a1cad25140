"""A UDP port that hears whoever calls on the networks of this box, by broadcast, multicast or straight.

It is shared: a bedside service that hears the same port goes on hearing it, except what is sent to this box
alone, which only one of the two gets. Raises TransportLost where the port cannot be had.
"""

from __future__ import annotations

import contextlib
import fcntl
import select
import socket
import struct
from typing import TYPE_CHECKING, Final

from barocast.plugin.transports.transport import CHUNK, TransportLost
from barocast.plugin.transports.udp import join

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WAIT_S: Final = 60.0
"""Longest single wait: select() takes no endless number of seconds."""
_SIOCGIFADDR: Final = 0x8915
"""Of Linux (netdevice(7)): the IPv4 address of an interface."""
_NAME: Final = struct.Struct("16s24x")
"""struct ifreq, 40 bytes: the name goes in ..."""
_ADDRESS: Final = struct.Struct("20x4s16x")
"""... and the address comes out."""


def own_addresses() -> dict[str, str]:
    """Give the box's interfaces that have an IPv4 address, each with it; none where the system is another."""
    found = {}
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as asking:
        for _, name in socket.if_nameindex():
            with contextlib.suppress(OSError):
                answer = fcntl.ioctl(asking, _SIOCGIFADDR, _NAME.pack(name.encode()))
                found[name] = socket.inet_ntoa(_ADDRESS.unpack(answer)[0])
    return found


def datagrams(
    port: int, group: str, seconds: float, clock: Callable[[], float]
) -> Iterator[tuple[bytes, str]]:
    """Give each datagram that comes within `seconds`, with the host that sent it."""
    with contextlib.closing(_hearing(port, group)) as hearing:
        until_s = clock() + seconds
        while (left_s := until_s - clock()) > 0:
            ready, _, _ = select.select([hearing], [], [], min(left_s, WAIT_S))
            if ready:
                data, sender = hearing.recvfrom(CHUNK)
                yield data, sender[0]


def _hearing(port: int, group: str) -> socket.socket:
    hearing = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        hearing.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        hearing.bind(("", port))
    except (OSError, OverflowError) as error:
        hearing.close()
        raise TransportLost(f"UDP port {port}: {error}") from error
    for own in own_addresses().values() or ("0.0.0.0",):  # noqa: S104 - the system's choice of interface
        with contextlib.suppress(OSError):  # an interface without multicast still has broadcasts
            join(hearing, group, own)
    return hearing
