"""Progress: which loops must have moved lately for the watchdog to be told that all is well.

    expect(loop, within_s)   from now on
    moved(loop)              from the loop itself, each time around
    late()                   the loops that stand still, with the seconds since they last moved

A ping that a thread of its own sends would hide a wedged loop: here it is earned by every one of them.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Progress:
    """When each loop moved last. May be told from any thread."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` is monotonic seconds."""
        self._clock = clock
        self._lock = threading.Lock()
        self._within_s: dict[str, float] = {}
        self._moved_s: dict[str, float] = {}

    def expect(self, loop: str, within_s: float) -> None:
        """Expect it to move every `within_s`."""
        with self._lock:
            self._within_s[loop], self._moved_s[loop] = within_s, self._clock()

    def moved(self, loop: str) -> None:
        """Note that it went around; one that nobody expects is not watched."""
        self._moved_s[loop] = self._clock()

    def forget(self, loop: str) -> None:
        """Expect it no longer."""
        with self._lock:
            self._within_s.pop(loop, None)

    def excuse(self) -> None:
        """Let everybody begin anew: the process itself stood still."""
        with self._lock:
            self._moved_s = dict.fromkeys(self._moved_s, self._clock())

    def late(self) -> dict[str, float]:
        """Give loop -> seconds since it moved, of those that stand still."""
        now_s = self._clock()
        with self._lock:
            ages = {loop: now_s - self._moved_s[loop] for loop in self._within_s}
            return {loop: age for loop, age in ages.items() if age > self._within_s[loop]}
