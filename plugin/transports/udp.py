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

    connected = True
    """Datagrams tell no more."""

    def __init__(self, host: str, port: int, hear: int = 0, group: str = "") -> None:
        self._sockets: list[socket.socket] = []
        try:
            family, _, _, _, peer = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
            self._peer = str(peer[0])
            self._talk = self._opened(family)
            self._talk.connect(peer)
            if hear:
                self._hear(family, hear, group)
        except (OSError, UnicodeError) as error:  # UnicodeError: a name with a label that no resolver takes
            self.close()
            raise TransportLost(f"{host}:{port}: {error}") from error

    def _hear(self, family: int, port: int, group: str) -> None:
        hearing = self._opened(family)
        # A broadcast or a group needs any address; on this machine alone its own will do.
        hearing.bind((self._peer if ip_address(self._peer).is_loopback and not group else "", port))
        if group:  # joined where the host is met: a network of its own may have no default route
            join(hearing, group, self._talk.getsockname()[0])

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


def join(hearing: socket.socket, group: str, own: str) -> None:
    """Hear an IPv4 multicast group on the interface whose address is `own`. Raises OSError."""
    member = socket.inet_aton(group) + socket.inet_aton(own)
    hearing.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
