"""UDP: datagrams with one host, all from one port of ours."""

from __future__ import annotations

import select
import socket
from ipaddress import ip_address

from barocast.plugin.transports.transport import CHUNK, TransportLost


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
                # A broadcast needs any address; on this machine alone its own will do.
                own = self._peer if ip_address(self._peer).is_loopback else ""
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
