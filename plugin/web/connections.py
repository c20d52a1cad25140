"""HTTP/1.1 connections of which each must say what it wants: whoever begins a request must end its head.

How many there may be at a time is the door's (door.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

REQUEST_S: Final = 10.0
"""Longest wait for the whole head of a request, from its first byte or the connection's beginning."""


class Connection(H11Protocol):
    """One client's connection."""

    _waiting = False
    """For a head."""
    _heads = 0
    """That were waited for so far."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first head."""
        super().connection_made(cast("asyncio.Transport", transport))
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Wait for no head that is begun and not ended."""
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._await_head()
        else:
            self._waiting = False

    def _await_head(self) -> None:
        if not self._waiting:
            self._waiting, self._heads = True, self._heads + 1
            self.loop.call_later(REQUEST_S, self._hurry, self._heads)

    def _hurry(self, head: int) -> None:
        if self._waiting and head == self._heads:
            self.transport.abort()
