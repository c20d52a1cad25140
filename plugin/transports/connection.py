"""A TCP connection that is open, with the kernel told to notice when its other end is dead.

A peer that loses power or its cable says nothing, and a connection on which nothing is said stays open for
ever. Keep-alive probes find that out within DEAD_S; data that nobody acknowledges is given up as soon.
"""

from __future__ import annotations

import select
import socket
from typing import Final, Protocol

from barocast.plugin.transports.transport import CHUNK, WRITE_S, TransportLost

CALL_S: Final = 3.0
"""Seconds in which each address of a name answers a call of ours, or is lost; finding them takes longer where
the resolver is slow. One lost SYN, which is sent again after 1 s, is forgiven."""
IDLE_S: Final = 5
"""Seconds of silence before the first probe."""
PROBE_S: Final = 2
"""Seconds between probes."""
PROBES: Final = 3
"""Probes without an answer after which the other end is dead."""
DEAD_S: Final = IDLE_S + PROBES * PROBE_S
"""Seconds in which the kernel notices a dead peer; a line must be back 20 s after a fault."""
_OPTIONS: Final = (
    ("TCP_NODELAY", 1),  # an acknowledgement waits for no further data
    ("TCP_KEEPIDLE", IDLE_S),
    ("TCP_KEEPALIVE", IDLE_S),  # the same on macOS
    ("TCP_KEEPINTVL", PROBE_S),
    ("TCP_KEEPCNT", PROBES),
    ("TCP_USER_TIMEOUT", 1000 * DEAD_S),  # probes rest while data of ours is on its way
)
"""Name in `socket` and value; a platform leaves out those that it does not have."""


class Connection(Protocol):
    """A connection between the call and its end: a Transport that may have to come about first."""

    def fileno(self) -> int:
        """Give the descriptor to wait on."""

    def shake(self) -> bool:
        """Take the handshake as far as it goes now; say whether it is done. Raises TransportLost."""

    def read(self, timeout_s: float) -> bytes:
        """Give what has come, waiting at most `timeout_s`. Raises TransportLost."""

    def write(self, data: bytes) -> None:
        """Send all of `data`. Raises TransportLost."""

    def close(self) -> None:
        """Hang up."""


def kept_alive(connection: socket.socket) -> socket.socket:
    """Set a new connection's options; a write to it ends within WRITE_S."""
    connection.settimeout(WRITE_S)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _OPTIONS:
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return connection


def dial(host: str, port: int) -> socket.socket:
    """Call `host`, each of its addresses for CALL_S at most. Raises TransportLost."""
    try:
        return kept_alive(socket.create_connection((host, port), timeout=CALL_S))
    except (OSError, UnicodeError) as error:  # UnicodeError: a name with a label that no resolver takes
        raise TransportLost(f"{host}:{port}: {error}") from error


class SocketTransport:
    """A TCP connection without more around it."""

    connected = True
    """Until it closes."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def fileno(self) -> int:
        """Give the descriptor to wait on."""
        return self._connection.fileno()

    def shake(self) -> bool:
        """Say that there is nothing to agree on."""
        return True

    def read(self, timeout_s: float) -> bytes:
        """Give what has come, waiting at most `timeout_s`."""
        try:
            ready, _, _ = select.select([self._connection], [], [], timeout_s)
            data = self._connection.recv(CHUNK) if ready else None
        except (OSError, ValueError) as error:
            raise TransportLost(str(error)) from error
        if data == b"":
            raise TransportLost("the other end has closed the connection")
        return data or b""

    def write(self, data: bytes) -> None:
        """Send all of `data`."""
        try:
            self._connection.sendall(data)
        except OSError as error:
            raise TransportLost(str(error)) from error

    def close(self) -> None:
        """Hang up."""
        self._connection.close()
