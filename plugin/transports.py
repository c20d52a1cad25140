"""Bytes to and from a monitor, by address. The only importer of pyserial and sockets.

    serial:///dev/ttyUSB0?baud=115200    RS-232, 8N1, no flow control (the stream is binary)
    tcp://host:port                      we connect
    tcp-listen://host:port               the gateway connects to us, one at a time

`read` gives what has come within the time-out, b"" when nothing has; a port that is gone raises
TransportLost, and the caller opens it again.
"""

from __future__ import annotations

import contextlib
import select
import socket
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import SplitResult, parse_qs, urlsplit

import serial

from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CHUNK: Final = 65536
"""Most bytes taken at once: bounds what one step has to decode."""
CONNECT_S: Final = 5.0
DEFAULT_BAUD: Final = 115200


class TransportLost(Exception):  # noqa: N818 - it names what happened, which is no programming error
    """The port or the connection is gone; open it again."""


class Transport(Protocol):
    """An open port."""

    def read(self, timeout_s: float) -> bytes:
        """Give what has come, waiting at most `timeout_s`. Raises TransportLost."""

    def write(self, data: bytes) -> None:
        """Send all of `data`. Raises TransportLost."""

    def close(self) -> None:
        """Let go of the port."""


class SerialTransport:
    """A serial port (a pty serves as one). Opened exclusively: two readers would share the bytes."""

    def __init__(self, port: str, baud: int) -> None:
        try:
            self._port = serial.Serial(port, baud, exclusive=True, write_timeout=CONNECT_S)
        except (OSError, ValueError) as error:
            raise TransportLost(f"{port}: {error}") from error

    def read(self, timeout_s: float) -> bytes:
        """Give what has come, waiting at most `timeout_s`."""
        try:
            ready, _, _ = select.select([self._port.fileno()], [], [], timeout_s)
            return bytes(self._port.read(min(self._port.in_waiting, CHUNK))) if ready else b""
        except (OSError, TypeError, ValueError) as error:
            raise TransportLost(str(error)) from error

    def write(self, data: bytes) -> None:
        """Send all of `data`."""
        try:
            self._port.write(data)
        except OSError as error:
            raise TransportLost(str(error)) from error

    def close(self) -> None:
        """Let go of the port."""
        with contextlib.suppress(OSError):
            self._port.close()


class SocketTransport:
    """A TCP connection that is open."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

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
        """Close the connection."""
        self._connection.close()


class ListeningTransport:
    """A TCP port that a gateway connects to; when it goes, the next one is taken."""

    def __init__(self, host: str, port: int) -> None:
        try:
            self._server = socket.create_server((host, port))
        except OSError as error:
            raise TransportLost(f"{host}:{port}: {error}") from error
        self._connection: SocketTransport | None = None

    @property
    def port(self) -> int:
        """The port that is really open (asking for 0 takes any)."""
        port: int = self._server.getsockname()[1]
        return port

    def read(self, timeout_s: float) -> bytes:
        """Give what has come, or accept who knocks, waiting at most `timeout_s`."""
        if self._connection is None:
            return self._accept(timeout_s)
        try:
            return self._connection.read(timeout_s)
        except TransportLost:
            self._hang_up()
            return b""

    def write(self, data: bytes) -> None:
        """Send all of `data` to whoever is connected."""
        if self._connection is None:
            return
        try:
            self._connection.write(data)
        except TransportLost:
            self._hang_up()

    def close(self) -> None:
        """Close the connection and the port."""
        self._hang_up()
        self._server.close()

    def _accept(self, timeout_s: float) -> bytes:
        ready, _, _ = select.select([self._server], [], [], timeout_s)
        if ready:
            self._connection = SocketTransport(self._server.accept()[0])
        return b""

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def check_address(address: str) -> None:
    """Raise SettingsError unless `address` can be meant."""
    parts = urlsplit(address)
    if parts.scheme not in _OPENERS:
        raise SettingsError(
            f"address {address!r}: must begin with one of {', '.join(f'{s}://' for s in _OPENERS)}"
        )
    try:
        complete = (
            bool(parts.path) if parts.scheme == "serial" else bool(parts.hostname) and parts.port is not None
        )
    except ValueError:
        complete = False
    if not complete or not _baud(parts):
        raise SettingsError(
            f"address {address!r}: write serial:///dev/ttyUSB0?baud=115200 or tcp://host:port"
        )


def open_transport(address: str) -> Transport:
    """Open an address. Raises SettingsError (cannot be meant) or TransportLost (does not answer)."""
    check_address(address)
    parts = urlsplit(address)
    return _OPENERS[parts.scheme](parts)


def _baud(parts: SplitResult) -> int:
    text = parse_qs(parts.query).get("baud", [str(DEFAULT_BAUD)])[0]
    return int(text) if text.isdecimal() else 0


def _connect(parts: SplitResult) -> Transport:
    try:
        connection = socket.create_connection((parts.hostname, parts.port), timeout=CONNECT_S)
    except OSError as error:
        raise TransportLost(f"{parts.netloc}: {error}") from error
    connection.settimeout(CONNECT_S)
    return SocketTransport(connection)


_OPENERS: Final[Mapping[str, Callable[[SplitResult], Transport]]] = MappingProxyType(
    {
        "serial": lambda parts: SerialTransport(parts.path, _baud(parts)),
        "tcp": _connect,
        "tcp-listen": lambda parts: ListeningTransport(str(parts.hostname), int(parts.port or 0)),
    }
)
