"""Whether a case's values can be in the unit that they are said to be in: a whole case's median says it.

In: events as they were told, before any gate: a gate would take out what is wrong and hide it. Out: nothing,
or a sentence that names the column, the median and the mend.
"""

from __future__ import annotations

import math
from array import array
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.runtime.decoders.units import to_canonical
from barocast.runtime.domain import Reason, Sample, WaveChunk
from barocast.runtime.tracks import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from barocast.runtime.domain import Event

USUAL: Final = MappingProxyType(
    {
        "ABP_MEAN": (35.0, 160.0),
        "ABP_WAVE": (35.0, 160.0),
        "ABP_SYS": (50.0, 260.0),
        "ABP_DIA": (20.0, 140.0),
        "HR": (20.0, 220.0),
        "PR": (20.0, 220.0),
        "SPO2": (50.0, 100.0),
        "ETCO2": (10.0, 90.0),
        "TEMP": (24.0, 43.0),
    }
)
"""Channel -> where the median of a whole case lies, canonical unit. Wide: it finds units, not illness."""
OTHER_UNITS: Final = ("kPa", "Pa", "cmH2O", "degF")
NO_PATIENT_MMHG: Final = 4.0
"""What an open transducer says at most; the lowest pressure of a patient is more, in kPa too."""
USED: Final = frozenset({None, Reason.RANGE})
"""A value out of its range counts here: that is what a wrong unit looks like."""


class Levels:
    """What each channel said, without what it says when nobody is attached."""

    def __init__(self) -> None:
        self._said: dict[str, array[float]] = {}
        self._column: dict[str, str] = {}

    def note(self, events: Iterable[Event]) -> None:
        """Take events as they were told."""
        for event in events:
            if isinstance(event, Sample | WaveChunk) and event.reason in USED:
                self._note(event.channel or "", event)

    def told(self, channel: str) -> bool:
        """Whether the channel said anything at all."""
        return channel in self._said

    def trouble(self) -> str | None:
        """Give the first channel's trouble."""
        return next(filter(None, map(self._trouble, self._said)), None)

    def _note(self, channel: str, event: Sample | WaveChunk) -> None:
        value = event.value if isinstance(event, Sample) else float(np.mean(event.values))
        if channel in USUAL and math.isfinite(value) and abs(value) > _silence(channel):
            self._column.setdefault(channel, event.code)
            self._said.setdefault(channel, array("d")).append(value)

    def _trouble(self, channel: str) -> str | None:
        (low, high), median = USUAL[channel], float(np.median(self._said[channel]))
        if low <= median <= high:
            return None
        unit, column = CHANNELS[channel].unit, self._column[channel]
        return (
            f"column {column!r}: the median of {channel} is {median:.3g} {unit}, which cannot be: a whole "
            f"case's lies in {low:g} to {high:g}; {_mend(channel, median)}"
        )


def _silence(channel: str) -> float:
    return NO_PATIENT_MMHG if CHANNELS[channel].unit == "mmHg" else 0.0


def _mend(channel: str, median: float) -> str:
    low, high = USUAL[channel]
    for unit in OTHER_UNITS:
        conversion = to_canonical(channel, unit)
        if conversion is not None:
            value = median * conversion[0] + conversion[1]
            if low <= value <= high:
                return (
                    f"it would be {value:.3g} if it were in {unit}: say so in the column map, or convert it"
                )
    return "correct the unit, or take the column away"
