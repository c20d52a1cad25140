"""Progress for a person: at most one line a second, however fast the steps are."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

QUIET_S: Final = 1.0
"""Between two lines."""


class Progress:
    """Steps taken -> lines."""

    def __init__(
        self,
        say: Callable[[str], None],
        first: int,
        last: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with `first` of `last` steps taken."""
        self._say, self._clock = say, clock
        self._first, self._last = first, last
        self._started = self._spoke = clock()

    def took(self, step: int, loss: float) -> None:
        """Tell of a step (1 for the first); the last one is always told."""
        now = self._clock()
        if now - self._spoke < QUIET_S and step < self._last:
            return
        self._spoke = now
        rate = (step - self._first) / max(now - self._started, 1e-9)
        left_s = (self._last - step) / rate
        self._say(f"step {step}/{self._last}: loss {loss:.4f}, {rate:.3g} steps/s, {_span(left_s)} left")


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
