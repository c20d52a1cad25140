"""A fast clock that several threads share, and that waits for the slowest of them.

At 20 times real time a machine that is busy for half a second leaves one end of a line 10 s behind: what
was measured then would be the machine. Time goes on only as long as every hand has been read within SLACK_S.
plugin.clock.PlayClock stops with the whole machine; this one waits for a slow thread too, and for ever for
one that ended.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

SLACK_S: Final = 2.0
"""Seconds of this clock; above what a thread may wait for bytes (serve.READ_S) at 20 times real time."""


class SharedClock:
    """Monotonic seconds that pass `speed` times as fast as real ones, at most."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._lock = threading.Lock()
        self._now_s = 0.0
        self._real_s = time.monotonic()
        self._read_s: list[float] = []
        """What each hand told last."""

    def hand(self) -> Callable[[], float]:
        """Give one thread its view of the clock; time stands still until it is read."""
        number = len(self._read_s)
        self._read_s.append(self._now_s)
        return lambda: self._read(number)

    def sleep(self, seconds: float) -> None:
        """Wait `seconds` of this clock, if nothing holds it up."""
        time.sleep(seconds / self._speed)

    def _read(self, number: int) -> float:
        with self._lock:
            real_s = time.monotonic()
            passed_s = (real_s - self._real_s) * self._speed
            self._real_s = real_s
            others_s = [told_s for other, told_s in enumerate(self._read_s) if other != number]
            limit_s = min(others_s, default=self._now_s + passed_s) + SLACK_S
            self._now_s = max(self._now_s, min(self._now_s + passed_s, limit_s))
            self._read_s[number] = self._now_s
            return self._now_s
