"""TLS around a TCP connection, ours to a host or a gateway's to us.

    call(host, port, credentials)      handshake done or TransportLost; CALL_S for each address
    answering(credentials)             what a ListeningTransport makes of those who call

TLS and select() see different bytes: a record that was read in part waits inside, where no descriptor
shows it, and a descriptor may show bytes that are no data (tickets, key updates). So every read asks TLS
first and waits after. Files that have gone bad since the start are trouble of the line, not its end.
"""

from __future__ import annotations

import contextlib
import select
import ssl
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from barocast.plugin.clock import Clock, wall_s
from barocast.plugin.transports.connection import CALL_S, dial
from barocast.plugin.transports.credentials import check_dates, tls_context
from barocast.plugin.transports.tls_faults import why
from barocast.plugin.transports.transport import CHUNK, WRITE_S, TransportLost
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from barocast.plugin.transports.credentials import Credentials

LEAST_S: Final = 0.1
"""Seconds for the handshake where the connection took all of CALL_S."""
REFUSAL_S: Final = 1.0
"""Longest wait for what follows a TLS 1.3 handshake: only then we hear that our certificate is refused."""


class TlsTransport:
    """A TCP connection with TLS around it; `peer` is what the other end's certificate is for."""

    connected = True
    """Until it closes."""

    def __init__(self, line: ssl.SSLSocket, credentials: Credentials, peer: str) -> None:
        self._line, self._credentials, self._peer = line, credentials, peer
        self._first = b""
        """What came while a refusal was waited for."""
        line.settimeout(0.0)

    def fileno(self) -> int:
        """Give the descriptor to wait on."""
        return self._line.fileno()

    def shake(self, timeout_s: float = 0.0) -> bool:
        """Take the handshake as far as it goes in `timeout_s`; say whether it is done."""
        try:
            self._line.settimeout(timeout_s)
            self._line.do_handshake()
            self._line.settimeout(0.0)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except OSError as error:
            raise TransportLost(why(error, self._credentials, self._peer)) from error
        if self._line.server_side and self._peer and not _names(self._line, self._peer):
            raise TransportLost(f"its certificate is not for {self._peer}, whom [feed.tls] peer names")
        return True

    def hear_refusal(self, timeout_s: float) -> None:
        """Wait until the other end has had its say about our certificate; keep what it says first instead."""
        if self._line.version() == "TLSv1.3":
            self._first = self.read(min(REFUSAL_S, timeout_s))

    def read(self, timeout_s: float) -> bytes:
        """Give what has come, waiting at most `timeout_s`."""
        data, self._first = self._first or self._decrypted(), b""
        if not data:
            with contextlib.suppress(ValueError):  # no descriptor any more: the next line says so
                select.select([self._line], [], [], timeout_s)
            data = self._decrypted()
        return data

    def write(self, data: bytes) -> None:
        """Send all of `data`."""
        try:
            self._line.settimeout(WRITE_S)
            self._line.sendall(data)
            self._line.settimeout(0.0)
        except OSError as error:
            raise TransportLost(str(error)) from error

    def close(self) -> None:
        """Say that no more comes, wait for no answer, and hang up."""
        with contextlib.suppress(OSError, ValueError):
            self._line.settimeout(0.0)
            self._line.unwrap()
        self._line.close()

    def _decrypted(self) -> bytes:
        """Give what is there; nothing where a record is not whole yet."""
        try:
            data = self._line.recv(CHUNK)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return b""
        except ssl.SSLEOFError as error:
            raise TransportLost("the connection broke off without a TLS farewell") from error
        except ssl.SSLError as error:
            raise TransportLost(why(error, self._credentials, self._peer)) from error
        except (OSError, ValueError) as error:
            raise TransportLost(str(error)) from error
        if not data:
            raise TransportLost("the other end has closed the connection")
        return data


def call(host: str, port: int, credentials: Credentials) -> TlsTransport:
    """Call `host` and shake hands. Raises TransportLost."""
    clock = Clock()
    peer = credentials.peer or host
    context = _context(credentials, called=False)
    try:
        line = _wrapped(context, dial(host, port), peer)
        transport = TlsTransport(line, credentials, peer)
    except (OSError, ValueError) as error:
        raise TransportLost(f"{host}:{port}: {error}") from error
    try:
        transport.shake(max(CALL_S - clock(), LEAST_S))
        transport.hear_refusal(max(CALL_S - clock(), 0.0))
    except TransportLost as lost:
        transport.close()
        raise TransportLost(f"{host}:{port}: {lost}") from lost
    return transport


def answering(credentials: Credentials) -> Callable[[socket.socket], TlsTransport]:
    """Give what answers callers; each with the files as they are then."""

    def answer(connection: socket.socket) -> TlsTransport:
        line = _wrapped(_context(credentials, called=True), connection, None)
        return TlsTransport(line, credentials, credentials.peer)

    return answer


def _names(line: ssl.SSLSocket, peer: str) -> bool:
    """Say whether the caller's certificate is for `peer`, a DNS name or an IP address, as it stands there."""
    names = (line.getpeercert() or {}).get("subjectAltName", ())
    return any(_same(str(name[1]), peer) for name in names if name[0] in {"DNS", "IP Address"})


def _same(name: str, peer: str) -> bool:
    try:
        return ip_address(name) == ip_address(peer)
    except ValueError:
        return name.casefold() == peer.casefold()


def _wrapped(context: ssl.SSLContext, connection: socket.socket, peer: str | None) -> ssl.SSLSocket:
    return context.wrap_socket(
        connection,
        server_side=peer is None,
        server_hostname=peer,
        do_handshake_on_connect=False,
        suppress_ragged_eofs=False,  # an end without a farewell is no end, but a break
    )


def _context(credentials: Credentials, *, called: bool) -> ssl.SSLContext:
    try:
        check_dates(credentials, wall_s())
        return tls_context(credentials, called=called)
    except SettingsError as error:
        raise TransportLost(str(error)) from error
