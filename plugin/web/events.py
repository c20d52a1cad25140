"""Server-sent events: one client follows one bed.

    retry: 1000                 the client comes back after a second when it is cut off
    event: state                whenever there is a new one; of several the newest
    data: {...}                 one line of JSON
    : no news                   a comment, after BEAT_S without a state

Source: WHATWG HTML, section 9.2 (Server-sent events).
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from starlette.responses import JSONResponse, Response

from barocast.plugin.web.board import MOST_WATCHERS, BoardFullError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive, Scope, Send

    from barocast.plugin.web.board import Board, Posted, Watcher

BEAT_S: Final = 1.0
"""Longest silence."""
STALLED_S: Final = 20.0
"""A client that takes nothing for this long is gone."""
RETRY: Final = b"retry: 1000\n\n"
NO_NEWS: Final = b": no news\n\n"
FULL: Final = f"{MOST_WATCHERS} screens follow this box already; close one"


class EventStream(Response):
    """A bed's states for as long as `may_see` holds; answers 503 where too many watch."""

    media_type = "text/event-stream"

    def __init__(
        self, board: Board, bed: str, may_see: Callable[[], bool], may_act: Callable[[], bool]
    ) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._board, self._bed = board, bed
        self._may_see, self._may_act = may_see, may_act

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the client, its rights or the board is gone."""
        try:
            with self._board.watching(self._bed) as watcher:
                await self._follow(watcher, receive, send)
        except BoardFullError:
            await JSONResponse({"error": FULL}, 503)(scope, receive, send)

    async def _follow(self, watcher: Watcher, receive: Receive, send: Send) -> None:
        gone = asyncio.ensure_future(_gone(receive, watcher))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await _sent(send, RETRY)
            while not gone.done() and not self._board.closed and self._may_see():
                await _sent(send, self._frame(await watcher.next(BEAT_S)))
            await _sent(send, b"", more=False)
        except asyncio.TimeoutError:
            return  # the server hangs up on an answer that was not finished
        finally:
            gone.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await gone

    def _frame(self, posted: Posted | None) -> bytes:
        if posted is None:
            return NO_NEWS
        return f"event: state\ndata: {posted.seen_by(may_act=self._may_act())}\n\n".encode()


async def _gone(receive: Receive, watcher: Watcher) -> None:
    """Wait until the client hangs up, and have that noticed at once."""
    while (await receive())["type"] != "http.disconnect":
        pass
    watcher.woken.set()


async def _sent(send: Send, data: bytes, *, more: bool = True) -> None:
    """Hand data over; TimeoutError where the client takes none."""
    await asyncio.wait_for(send({"type": "http.response.body", "body": data, "more_body": more}), STALLED_S)
