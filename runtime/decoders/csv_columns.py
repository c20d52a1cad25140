"""The columns of a case file, each with the cadence it really has: cells in, events out.

An empty cell of a numeric column is a Sample NaN `missing` when a value was due: a column that speaks
every 30 s in a file with a row every 2 s misses nothing in between. Its cadence is the median of its last
intervals; before two values have been seen every empty cell counts. In a wave column an empty cell is
simply no sample: evenly spaced cells join into runs, and a step that leaves the beat ends one. No value is
dropped.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from barocast.runtime.domain import Reason, Sample, WaveChunk
from barocast.runtime.tracks import CHANNELS

if TYPE_CHECKING:
    from barocast.runtime.domain import Event

CADENCE_INTERVALS = 9
"""Intervals whose median is a column's cadence."""
ALMOST = 0.99
"""Share of the cadence after which a value is due: times are written in decimals."""
MAX_RUN = 256
"""Samples in one WaveChunk: two seconds of a 125 Hz wave."""
MIN_STEP_S = 1e-4
"""Seconds between two samples of a wave; no physiological wave is faster."""
OFF_BEAT = 0.25
"""Share of a wave's step by which a cell may be early or late and still belong to the run."""


class NumericColumn:
    """A column of single values."""

    def __init__(self, at: int, channel: str) -> None:
        self.at = at
        """Place in the row."""
        track = CHANNELS[channel]
        self._channel, self._unit, self._low, self._high = channel, track.unit, track.low, track.high
        self._intervals: deque[float] = deque(maxlen=CADENCE_INTERVALS)
        self._last_s = -math.inf

    def read(self, t_s: float, value: float | None, events: list[Event]) -> None:
        """Take a cell, None when empty."""
        reason = None
        if value is None:
            if not self._due(t_s):
                return
            value, reason = math.nan, Reason.MISSING
        else:
            self._intervals.append(t_s - self._last_s)
            self._last_s = t_s
            if not self._low <= value <= self._high:
                reason = Reason.RANGE
        name = self._channel
        events.append(Sample(name, name, t_s, value, self._unit, reason is None, reason))

    def _due(self, t_s: float) -> bool:
        cadence = sorted(self._intervals)[(len(self._intervals) - 1) // 2] if self._intervals else math.inf
        return math.isinf(cadence) or t_s - self._last_s >= ALMOST * cadence


class WaveColumn:
    """A column of wave samples."""

    def __init__(self, at: int, channel: str) -> None:
        self.at = at
        """Place in the row."""
        self.last_s = -math.inf
        """Time of the latest sample."""
        self._channel = channel
        self._step_s = math.nan
        self._start_s = math.nan
        self._values: list[float] = []

    @property
    def lone(self) -> bool:
        """Whether there has been one sample only, so that no step was ever seen."""
        return bool(self._values) and math.isnan(self._step_s)

    def read(self, t_s: float, value: float | None, events: list[Event]) -> None:
        """Take a cell, None when empty; give the run that it ends.

        A value comes at least MIN_STEP_S after `last_s`.
        """
        if value is None:
            return
        n, self.last_s = len(self._values), t_s
        if n == 1:
            self._step_s = t_s - self._start_s
        if n and not abs(t_s - self._start_s - n * self._step_s) <= OFF_BEAT * self._step_s:
            self.end(events)
        if not self._values:
            self._start_s = t_s
        self._values.append(value)
        if len(self._values) == MAX_RUN:
            self.end(events)

    def end(self, events: list[Event]) -> None:
        """Give the run so far, which is not `lone`."""
        if self._values:
            track = CHANNELS[self._channel]
            values = np.array(self._values, dtype=np.float64)
            reason = Reason.RANGE if values.min() < track.low or values.max() > track.high else None
            name, rate = self._channel, 1 / self._step_s
            chunk = WaveChunk(name, name, self._start_s, rate, values, track.unit, reason is None, reason)
            events.append(chunk)
        self._values = []
