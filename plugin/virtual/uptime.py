"""How long a virtual device has been on: since it was first asked for anything."""

from __future__ import annotations

from typing import Final

_SHORT_S: Final = 1e-6
"""What sums of steps may lack of a whole second."""


class Uptime:
    """One device's, against the monotonic time that it is handed."""

    def __init__(self) -> None:
        self._begun_s: float | None = None
        self._gone = 0

    def at(self, now_s: float) -> float:
        """Give the seconds that it has been on."""
        if self._begun_s is None:
            self._begun_s = now_s
        return now_s - self._begun_s

    def passed(self, now_s: float) -> range:
        """Give the seconds (1, 2, ...) that have become full since the last call."""
        before, self._gone = self._gone, max(self._gone, int(self.at(now_s) + _SHORT_S))
        return range(before + 1, self._gone + 1)
