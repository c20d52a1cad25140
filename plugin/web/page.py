"""The page beside the beds: a thread with an event loop of its own.

    page = Page(board, beds)
    url = page.start("127.0.0.1:8520", token, certificate, key)    SettingsError where it cannot be served
    page.close()                                                   within CLOSE_S; screens are sent away

The port is bound and the certificate read before `start` returns, so that what is wrong is said at once and
in the main thread. A fault of the page costs the page: the thread is a daemon, and the beds go on.
"""

from __future__ import annotations

import errno
import socket
import threading
from typing import TYPE_CHECKING, Final

import uvicorn

from barocast.plugin.transports.credentials import Credentials, tls_context
from barocast.plugin.web.access import Access, Address
from barocast.plugin.web.attempts import Attempts
from barocast.plugin.web.connections import Connection
from barocast.plugin.web.door import Door
from barocast.plugin.web.events import STALLED_S
from barocast.plugin.web.server import Site
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable

    from barocast.plugin.web.bed import Bed
    from barocast.plugin.web.board import Board

CLOSE_S: Final = 3.0
"""Longest wait for the thread to end."""
BACKLOG: Final = 32
MOST_HEAD: Final = 16 * 1024
"""Bytes of a request's line and headers; a browser sends one or two thousand."""


class Page:
    """Serves the board and the desks of the beds."""

    def __init__(self, board: Board, beds: Iterable[Bed], metrics: Callable[[], str] | None = None) -> None:
        """`metrics` gives what GET /metrics answers, for Prometheus; None: nothing there."""
        self._metrics = metrics
        self._board = board
        self._beds = tuple(beds)
        self._attempts = Attempts()
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def start(self, address: str, token: str = "", certificate: str = "", key: str = "") -> str:
        """Serve at HOST:PORT, port 0 for a free one; give the URL. Raises SettingsError."""
        asked = Address.parse(address)
        access = Access.of(asked, token, certificate)
        config = _config(Site(self._board, self._beds, access, self._attempts, self._metrics))
        if certificate:
            config.ssl = _tls(certificate, key)
        listening = _listen(asked)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listening]}, name="page", daemon=True
        )
        self._thread.start()
        served = Address(asked.host, listening.getsockname()[1])
        return f"{'https' if certificate else 'http'}://{served}/"

    @property
    def trouble(self) -> str:
        """What is wrong with the page now; empty when nothing is."""
        running = self._thread is not None and self._thread.is_alive()
        return self._attempts.trouble if running else "the page is not served; restart the service"

    def close(self) -> None:
        """Send the screens away and give the port back."""
        self._board.close()
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(CLOSE_S)


def _config(site: Site) -> uvicorn.Config:
    config = uvicorn.Config(
        site.application(),
        http=Connection,
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        h11_max_incomplete_event_size=MOST_HEAD,
        timeout_graceful_shutdown=1,
    )
    config.load()
    return config


def _tls(certificate: str, key: str) -> ssl.SSLContext:
    try:
        return tls_context(Credentials(certificate, key, mutual=False), called=True)
    except SettingsError as error:
        raise SettingsError(str(error).replace("[feed.tls]", "[screen]")) from error


def _listen(address: Address) -> socket.socket:
    """Bind and listen; whoever comes before the loop runs waits in the backlog."""
    try:
        family, kind, number, _, where = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = Door(family, kind, number)
    except OSError as error:
        raise SettingsError(f"[screen] address: {address}: {error.strerror or error}") from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # A client that is gone or takes nothing is given up by the kernel too (RFC 5482); inherited by each.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(STALLED_S * 1000))
        listening.bind(where)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise SettingsError(f"[screen] address: {address}: {_mend(error)}") from error
    return listening


def _mend(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "another program has this port; stop it, or name another port"
    if error.errno == errno.EADDRNOTAVAIL:
        return "this box does not have that address; name one of its own"
    if error.errno == errno.EACCES:
        return "this port needs root; name one above 1023"
    return error.strerror or str(error)
