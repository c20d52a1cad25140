"""In which unit a source's values are stated, and what its channel's sensor can report; found out once.

(channel or None, unit code or None)  ->  unit, conversion to it, plausible range
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from barocast.runtime.decoders import intellivue_codes as codes
from barocast.runtime.domain import Reason
from barocast.runtime.tracks import CHANNELS

MAX_SCALES: Final = 1024
"""Pairs of channel and unit that are remembered: some dozens on a monitor, more is noise."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How the values of one source are stated: value * gain + offset, in `unit`."""

    unit: str
    gain: float = 1.0
    offset: float = 0.0
    foreign: bool = False
    """The channel has another unit, and there is no way to it."""
    low: float = -math.inf
    """Lowest plausible value, in `unit`."""
    high: float = math.inf

    def doubt(self, low: float, high: float) -> Reason | None:
        """Say what forbids values from `low` to `high` that their own state allows."""
        if self.foreign:
            return Reason.UNIT
        return None if self.low <= low and high <= self.high else Reason.RANGE


@lru_cache(maxsize=MAX_SCALES)
def scale_of(channel: str | None, unit: int | None) -> Scale:
    """Give the scale of a source; the feed's own unit where there is no channel, or no way to its unit."""
    own = "1" if unit is None else codes.UNIT_TEXT.get(unit, f"{unit:04X}")
    if channel is None:
        return Scale(own)
    track = CHANNELS[channel]
    code = codes.DIMENSIONLESS if unit is None else unit
    if (code, track.unit) not in codes.CONVERSIONS:
        return Scale(own, foreign=own != track.unit, low=track.low, high=track.high)
    gain, offset = codes.CONVERSIONS[code, track.unit]
    return Scale(track.unit, gain, offset, low=track.low, high=track.high)
