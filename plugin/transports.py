"""Bytes to and from a monitor, by address. The only importer of pyserial and sockets.

    serial:///dev/ttyUSB0?baud=115200    RS-232, 8N1, no flow control (the stream is binary)
    tcp://host:port                      we connect
    tcp-listen://host:port               the gateway connects to us, one at a time
    udp://host:port?hear=24005           datagrams, all from one port of ours; `hear`: a second port of ours,
                                         on which the host calls (an IntelliVue that wants a client)

`read` gives what has come within the time-out, b"" when nothing has; a port that is gone raises
TransportLost, and the caller opens it again. Of datagrams `read` gives one, whole, and `write` sends one.
"""

from __future__ import annotations

import contextlib
import select
import socket
from ipaddress import ip_address
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
MAX_PORT: Final = 65535


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


class DatagramTransport:
    """A UDP port of ours that speaks with one host and hears no other.

    A host that refuses is one that is not there yet: the port is kept, because the host knows us by it.
    """

    def __init__(self, host: str, port: int, hear: int = 0) -> None:
        self._sockets: list[socket.socket] = []
        try:
            family, _, _, _, peer = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
            self._peer = str(peer[0])
            self._talk = self._opened(family)
            self._talk.connect(peer)
            if hear:
                own = (
                    self._peer if ip_address(self._peer).is_loopback else ""
                )  # a broadcast needs any address
                self._opened(family).bind((own, hear))
        except OSError as error:
            self.close()
            raise TransportLost(f"{host}:{port}: {error}") from error

    def _opened(self, family: int) -> socket.socket:
        opened = socket.socket(family, socket.SOCK_DGRAM)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._sockets.append(opened)
        return opened

    def read(self, timeout_s: float) -> bytes:
        """Give one datagram, waiting at most `timeout_s`."""
        try:
            ready, _, _ = select.select(self._sockets, [], [], timeout_s)
            data, sender = ready[0].recvfrom(CHUNK) if ready else (b"", ("",))
        except ConnectionRefusedError:
            return b""
        except (OSError, ValueError) as error:
            raise TransportLost(str(error)) from error
        return data if sender[0] == self._peer else b""

    def write(self, data: bytes) -> None:
        """Send `data` as one datagram."""
        try:
            self._talk.send(data)
        except ConnectionRefusedError:  # of an earlier datagram; the protocol asks again
            return
        except OSError as error:
            raise TransportLost(str(error)) from error

    def close(self) -> None:
        """Close the ports."""
        for opened in self._sockets:
            opened.close()


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
    if not complete or not _baud(parts) or _hear(parts) is None:
        raise SettingsError(
            f"address {address!r}: write serial:///dev/ttyUSB0?baud=115200, tcp://host:port "
            "or udp://host:port?hear=24005"
        )


def open_transport(address: str) -> Transport:
    """Open an address. Raises SettingsError (cannot be meant) or TransportLost (does not answer)."""
    check_address(address)
    parts = urlsplit(address)
    return _OPENERS[parts.scheme](parts)


def _baud(parts: SplitResult) -> int:
    text = parse_qs(parts.query).get("baud", [str(DEFAULT_BAUD)])[0]
    return int(text) if text.isdecimal() else 0


def _hear(parts: SplitResult) -> int | None:
    """Give the port to hear calls on, 0 for none, None where it is no port."""
    text = parse_qs(parts.query).get("hear", ["0"])[0]
    return int(text) if text.isdecimal() and int(text) <= MAX_PORT else None


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
        "udp": lambda parts: DatagramTransport(str(parts.hostname), int(parts.port or 0), _hear(parts) or 0),
    }
)
