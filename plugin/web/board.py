"""The board: the newest state of every bed, and who watches it. Safe between the beds' loops and the page's.

    publish(bed, state)      from the bed's loop: the JSON text is made once, for all who watch
    watching(bed)            in the page's event loop: a Watcher; BoardFullError beyond MOST_WATCHERS
    newest(bed)              from any thread

Nothing queues. A watcher that falls behind is given the newest state next and never hears of those between:
memory is bounded by the number of beds, whatever a client does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MOST_WATCHERS: Final = 100
"""Screens that follow a bed at one time; a hospital's ward has a few. Each costs a connection."""
MAY_ACT: Final = "may_act"
"""The one field that differs from client to client: the state itself is published without it."""
EVERY_BED: Final = ""
"""No bed's slug."""


class BoardFullError(Exception):
    """As many watch as may."""


@dataclass(frozen=True, slots=True)
class Posted:
    """One bed's state as it was published."""

    number: int
    """Rises with every state of this bed."""
    text: str
    """A JSON object with at least one field, without MAY_ACT."""

    def seen_by(self, *, may_act: bool) -> str:
        """Give the JSON text for one client."""
        return f'{self.text[:-1]},"{MAY_ACT}":{json.dumps(may_act)}}}'


@dataclass(eq=False, slots=True)
class Watcher:
    """One client's place before the board; lives in the page's event loop."""

    bed: str
    board: Board
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    _seen: int = 0
    """Number of the last state that it was given."""

    async def next(self, within_s: float) -> Posted | None:
        """Give the newest state once it is another than the last; None after `within_s` without one."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.woken.wait(), within_s)
        self.woken.clear()
        posted = self.board.newest(self.bed)
        if posted is None or posted.number == self._seen:
            return None
        self._seen = posted.number
        return posted


class Board:
    """What every bed last said of itself."""

    def __init__(self) -> None:
        self._posted: dict[str, Posted] = {}
        self._watchers: set[Watcher] = set()
        self._lock = threading.Lock()
        """Around the loop and its pending call: taken for microseconds."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._due: set[str] = set()
        """Beds whose watchers will be woken by a call that is already on its way."""
        self.closed = False

    def publish(self, bed: str, state: Mapping[str, Any]) -> None:
        """Post a state and wake who watches. `state` has a field and no NaN, else ValueError."""
        text = json.dumps(state, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        before = self._posted.get(bed)
        self._posted[bed] = Posted(before.number + 1 if before else 1, text)
        self._call(bed)

    def newest(self, bed: str) -> Posted | None:
        """Give what the bed last said; None before the first."""
        return self._posted.get(bed)

    @contextlib.contextmanager
    def watching(self, bed: str) -> Iterator[Watcher]:
        """Watch a bed from within the page's event loop. Raises BoardFullError."""
        if len(self._watchers) >= MOST_WATCHERS:
            raise BoardFullError
        watcher = Watcher(bed, self)
        watcher.woken.set()
        with self._lock:
            self._loop = asyncio.get_running_loop()
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)

    def close(self) -> None:
        """Send everybody home; for good."""
        self.closed = True
        self._call(EVERY_BED)

    def _call(self, bed: str) -> None:
        """Have the page's loop wake the bed's watchers: at most one call is on its way for a bed."""
        with self._lock:
            if self._loop is None or bed in self._due:
                return
            with contextlib.suppress(RuntimeError):  # its loop has ended: nobody is there to be woken
                self._loop.call_soon_threadsafe(self._wake, bed)
                self._due.add(bed)

    def _wake(self, bed: str) -> None:
        with self._lock:
            self._due.discard(bed)
        for watcher in self._watchers:
            if bed in (watcher.bed, EVERY_BED):
                watcher.woken.set()
