"""Brings entries to the ledger and the ledger through a bad disk; knows no thread and no clock.

    write(entries, now) -> ""  they are on the disk, all of them
                        -> why they are not, none of them; call again later with the same ones
    tend(now)           -> what is due without rows: signing, pruning; "" or what failed

On a full disk the reserve is given up and the rows are tried again at once. After any other failure the
ledger is closed, and opened anew by the next call: a disk that was unmounted comes back as another file.
Then the rows of the failed commit may stand twice, where the disk had taken them and not said so.
"""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol

from barocast.plugin.audit.ledger import FAILURES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from barocast.plugin.audit.clock_state import Moment
    from barocast.plugin.audit.reserve import Reserve
    from barocast.plugin.audit.row import Entry

PRUNE_S: Final = 60.0
"""Between two looks for old rows."""


class Book(Protocol):
    """What a scribe writes in: the Ledger, or a test's."""

    def append(self, entries: Sequence[Entry], now_s: float) -> None:
        """Write entries, all or none."""

    def publish(self) -> None:
        """Keep the newest seal outside."""

    def prune(self, before_wall: str, now: Moment) -> int:
        """Delete old rows."""

    def close(self, *, sealed: bool) -> None:
        """End."""


class Scribe:
    """Writes one log. Raises nothing that a disk can cause."""

    def __init__(
        self,
        opened: Callable[[Moment], Book],
        log_days: float,
        reserve: Reserve | None = None,
    ) -> None:
        self._opened = opened
        self._log_days = log_days
        self._reserve = reserve
        self._book: Book | None = None
        self._prune_s = 0.0

    def write(self, entries: Sequence[Entry], now: Moment) -> str:
        """Bring entries to the disk."""
        trouble = self._guarded(lambda: self._append(entries, now))
        if _is_full(trouble) and self._reserve is not None and self._reserve.free():
            trouble = self._guarded(lambda: self._append(entries, now))
        return trouble

    def tend(self, now: Moment) -> str:
        """Do what time alone makes due."""
        trouble = self.write([], now) or self._guarded(self._publish)
        if trouble or self._book is None or now.t_s < self._prune_s:
            return trouble
        self._prune_s = now.t_s + PRUNE_S
        book, before = self._book, _days_before(now.wall, self._log_days)
        return self._guarded(lambda: book.prune(before, now))

    def close(self) -> None:
        """Sign and close what is open."""
        if self._book is not None:
            with contextlib.suppress(*FAILURES):
                self._book.close(sealed=True)
        self._book = None

    def _append(self, entries: Sequence[Entry], now: Moment) -> None:
        if self._book is None:
            self._book = self._opened(now)
        self._book.append(entries, now.t_s)

    def _publish(self) -> None:
        if self._book is not None:
            self._book.publish()

    def _guarded(self, act: Callable[[], object]) -> str:
        try:
            act()
        except FAILURES as error:
            trouble = str(error)
            if not _is_full(trouble):
                self._abandon()
            return trouble or type(error).__name__
        return ""

    def _abandon(self) -> None:
        if self._book is not None:
            with contextlib.suppress(*FAILURES):
                self._book.close(sealed=False)
        self._book = None


def _is_full(trouble: str) -> bool:
    """Whether it is space that is missing, in SQLite's words or the system's."""
    return "is full" in trouble or "No space left" in trouble or "quota exceeded" in trouble


def _days_before(wall: str, days: float) -> str:
    return (datetime.fromisoformat(wall) - timedelta(days=days)).isoformat(timespec="milliseconds")
