"""The device's clock seen from ours: what time it is there now, from when its data arrive here.

    (device time of a measurement, arrival) ... -> device time at any instant of arrival

Both are seconds; arrival is a monotonic clock, never the host's date. What arrives late makes
`arrival - device` larger, never smaller, so the least of the last WINDOW_S is the offset between the
clocks plus the least delay of that stretch: a minimum-delay filter. Bursts, jitter and gaps fall out, and
since it looks back no further the anchor moves along with clocks that drift apart. Where they drift by r
and something came within the window with a delay of at most j, the answer errs by at most r WINDOW_S + j.
Nothing here touches a measurement: those keep the device's own time.

Method: the clock filter of RFC 5905 (NTP), section 10, one way, over a time in place of a count.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

WINDOW_S: Final = 30.0
"""A drift of 1 ms/s costs 30 ms; thirty bursts of the fast feeds fall in it."""
GRAIN_S: Final = 1.0
"""Two minima that came closer than this are kept as one: memory is at most WINDOW_S / GRAIN_S and one."""
SET_BACK_S: Final = 5.0
"""A clock that falls back by more was set, or started anew; less is a change of the least delay."""


class ClockAnchor:
    """The offset to one device's clock, estimated anew with all that arrives."""

    def __init__(self) -> None:
        self._least: deque[tuple[float, float]] = deque()
        """(arrival, offset), both rising: each the least offset of what came from then on."""
        self._told_s = -math.inf

    def heard(self, device_s: float, arrival_s: float) -> None:
        """Tell that what was measured at `device_s` arrived at `arrival_s`, which never falls."""
        offset_s = arrival_s - device_s
        while self._least and self._least[-1][1] >= offset_s:
            self._least.pop()
        if not self._least or arrival_s - self._least[-1][0] >= GRAIN_S:
            self._least.append((arrival_s, offset_s))
        while len(self._least) > 1 and arrival_s - self._least[0][0] > WINDOW_S:
            self._least.popleft()

    @property
    def offset_s(self) -> float | None:
        """Arrival minus device time of what was delayed least; None before anything was heard."""
        return self._least[0][1] if self._least else None

    def device_s(self, arrival_s: float) -> float | None:
        """Give the device's time at an instant: never before an earlier answer, unless it was set back."""
        if self.offset_s is None:
            return None
        now_s = arrival_s - self.offset_s
        if self._told_s - now_s <= SET_BACK_S:
            now_s = max(now_s, self._told_s)
        self._told_s = now_s
        return now_s
