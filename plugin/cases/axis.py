"""A case's own seconds: the device's clock, carried on where that clock leaps or starts anew.

    decided(t_s, now_s, silent)   device time and ours of a decision -> its place, None where it has none
    row_s(now_s)                  our time of an alarm row           -> its place, None before any decision

Shifts are whole columns, so that a case's grid stays one grid. After a restart our own clock begins at zero;
how long the service was away is then known by the wall alone.
"""

from __future__ import annotations

import math

from barocast.runtime.timeline import NEW_CASE_GAP_S, STEP_S


class CaseAxis:
    """Places what comes; never goes back."""

    def __init__(self, last_s: float | None = None, away_s: float = 0.0) -> None:
        """Begin, or go on after `last_s` seconds of a case that was left `away_s` seconds ago."""
        self._last_s = last_s
        self._seen_s = -away_s
        """Our time of the last decision; at first, of the one before the restart."""
        self._shift_s = 0.0
        self._told: tuple[float, float] | None = None
        """Place and our time of the last decision of this process."""

    def decided(self, t_s: float, now_s: float, *, silent: bool) -> float | None:
        """Place a decision; a `silent` one tells a time that we carried over, and moves nothing."""
        at_s = t_s + self._shift_s
        if silent:
            return at_s if self._goes_on(at_s) and self._last_s is not None else None
        if not self._goes_on(at_s):
            at_s += self._leap(at_s, now_s)
        self._last_s, self._seen_s, self._told = at_s, now_s, (at_s, now_s)
        return at_s

    def row_s(self, now_s: float) -> float | None:
        """Place what happened at an instant of ours."""
        return None if self._told is None else self._told[0] + now_s - self._told[1]

    def _goes_on(self, at_s: float) -> bool:
        return self._last_s is None or 0.0 < at_s - self._last_s <= NEW_CASE_GAP_S

    def _leap(self, at_s: float, now_s: float) -> float:
        """Give the columns, seconds, by which the device's clock has lost its place."""
        passed_s = max(now_s - self._seen_s, STEP_S)
        leap_s = math.ceil(((self._last_s or 0.0) + passed_s - at_s) / STEP_S) * STEP_S
        self._shift_s += leap_s
        return leap_s
