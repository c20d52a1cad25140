"""Whether a feed's clock can be used to date a forecast: newest device times in, a trouble or none out.

    hear(newest_s, arrival_s)     after each turn: the newest device time that was believed, and our clock
    trouble(arrival_s)            what a step of that clock disables, empty for nothing

A step that was confirmed (steady_time) begins the case anew (timeline), so that there is no forecast until
its history is whole again: IHE SDPi R1540 asks that a function that needs the clock is disabled.
"""

from __future__ import annotations

from typing import Final

from barocast.runtime.clock_anchor import SET_BACK_S
from barocast.runtime.timeline import NEW_CASE_GAP_S, WINDOW_MIN

ANEW: Final = "the case begins anew, with no forecast until its history is whole"


class FeedClock:
    """One feed's clock, against ours."""

    def __init__(self) -> None:
        self._last: tuple[float, float] | None = None
        """(device time, arrival) of the newest."""
        self._stepped: tuple[str, float] = ("", 0.0)
        """What the latest step was, and when it arrived."""

    def hear(self, newest_s: float | None, arrival_s: float) -> None:
        """Compare with what was newest before; None: nothing was dated yet."""
        if newest_s is None:
            self._last = None
            return
        if self._last is not None and newest_s == self._last[0]:
            return
        if self._last is not None:
            moved_s, passed_s = newest_s - self._last[0], arrival_s - self._last[1]
            if moved_s < -SET_BACK_S:
                self._stepped = (f"it was set back by {-moved_s:.0f} s; {ANEW}", arrival_s)
            elif moved_s > NEW_CASE_GAP_S and moved_s - passed_s > NEW_CASE_GAP_S:
                self._stepped = (f"it was set forward by {moved_s - passed_s:.0f} s; {ANEW}", arrival_s)
        self._last = (newest_s, arrival_s)

    def forecast(self) -> None:
        """Tell that a forecast could be made: the clock serves again."""
        self._stepped = ("", 0.0)

    def trouble(self, arrival_s: float) -> str:
        """Say what is wrong; a step is over when a whole window has passed since."""
        said, since_s = self._stepped
        return said if arrival_s - since_s < WINDOW_MIN * 60 else ""
