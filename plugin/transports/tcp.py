"""TCP: a connection that we make, or a port that a gateway calls."""

from __future__ import annotations

import select
import socket

from barocast.plugin.transports.transport import CHUNK, CONNECT_S, TransportLost


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


def connect(host: str, port: int) -> SocketTransport:
    """Call `host`. Raises TransportLost."""
    try:
        connection = socket.create_connection((host, port), timeout=CONNECT_S)
    except OSError as error:
        raise TransportLost(f"{host}:{port}: {error}") from error
    connection.settimeout(CONNECT_S)
    return SocketTransport(connection)
