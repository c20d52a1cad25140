"""HTTP/1.1 connections that cannot use up the box: so many at a time, and each must say what it wants.

A bed's sinks and logs need files and sockets of the same process: a client that opens connections without
end, or opens them and says nothing, must not take these away. uvicorn counts requests, not connections.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from uvicorn.protocols.http.h11_impl import H11Protocol

from barocast.plugin.web.board import MOST_WATCHERS

if TYPE_CHECKING:
    import asyncio

MOST_CONNECTIONS: Final = MOST_WATCHERS + 60
"""Every screen, and its short requests."""
REQUEST_S: Final = 10.0
"""Longest wait for the whole head of a connection's first request."""


class Connection(H11Protocol):
    """One client's connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hang up at once where there are too many, and later on whom says nothing."""
        super().connection_made(cast("asyncio.Transport", transport))
        if len(self.connections) > MOST_CONNECTIONS:
            self.transport.abort()
        else:
            self.loop.call_later(REQUEST_S, self._hurry)

    def _hurry(self) -> None:
        if not self.headers:
            self.transport.abort()
