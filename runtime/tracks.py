"""Canonical channels: name -> unit, plausible range, ISO/IEEE 11073-10101 code. A table, not branches.

Vendors' own codes live beside the decoder that reads them; every decoder ends here.
Plausible ranges bound what a sensor can report, not what is healthy: outside them a value is
marked `range` and never used. MAP 20-200 mmHg is the evaluation's own rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Track:
    """One canonical channel."""

    name: str
    unit: str
    low: float
    """Lowest plausible value, in `unit`."""
    high: float
    """Highest plausible value, in `unit`."""
    mdc: int | None
    """ISO/IEEE 11073-10101 code (partition 2 << 16 + term), None where the standard has none."""


_TABLE = (
    Track("ABP_MEAN", "mmHg", 20, 200, 150039),
    Track("ABP_SYS", "mmHg", 20, 300, 150037),
    Track("ABP_DIA", "mmHg", 10, 200, 150038),
    Track("NIBP_MEAN", "mmHg", 20, 230, 150023),
    Track("NIBP_SYS", "mmHg", 30, 300, 150021),
    Track("NIBP_DIA", "mmHg", 10, 200, 150022),
    Track("HR", "1/min", 10, 300, 147842),
    Track("PR", "1/min", 10, 300, 149530),
    Track("SPO2", "%", 10, 100, 150456),
    Track("ETCO2", "mmHg", 0, 150, 151708),
    Track("RR", "1/min", 0, 120, 151562),
    Track("CVP_MEAN", "mmHg", -20, 60, 150087),
    Track("PAP_MEAN", "mmHg", -10, 120, 150047),
    Track("PAP_SYS", "mmHg", -10, 160, 150045),
    Track("PAP_DIA", "mmHg", -10, 100, 150046),
    Track("TEMP", "°C", 15, 45, 150344),
    Track("BIS", "1", 0, 100, None),
    Track("CO", "L/min", 0.2, 30, 150276),
    Track("ABP_WAVE", "mmHg", -50, 400, 150036),
    Track("PLETH_WAVE", "1", float("-inf"), float("inf"), 150452),
    Track("ECG_WAVE", "mV", -50, 50, 131328),
    Track("CO2_WAVE", "mmHg", -10, 200, 151724),
    Track("PAP_WAVE", "mmHg", -50, 200, 150044),
    Track("CVP_WAVE", "mmHg", -50, 100, 150084),
    Track("RESP_WAVE", "1", float("-inf"), float("inf"), 151552),
)

CHANNELS: Mapping[str, Track] = MappingProxyType({track.name: track for track in _TABLE})

BY_MDC: Mapping[int, str] = MappingProxyType(
    {track.mdc: track.name for track in _TABLE if track.mdc is not None}
)
"""MDC code -> channel, for feeds that speak ISO/IEEE 11073-10101."""


def plausible(channel: str, value: float) -> bool:
    """Say whether a sensor of this channel can report `value` (canonical unit); False for NaN."""
    track = CHANNELS[channel]
    return track.low <= value <= track.high
