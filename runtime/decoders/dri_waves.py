"""Wave sub-records of a DRI monitor: what each type is, its samples, and when they were taken.

    count i16 | status u16 (bit 0: samples were lost) | label u16, unused | count x i16
    a sample <= CODES is a control code: NaN

A packet holds what the monitor gathered since the last one: 99, 100 or 101 samples of a 100 Hz wave in a
second, for its clock and its sampling are not one. r_time has whole seconds. So a wave is timed by
counting its samples, and SampleClock draws the count towards r_time too slowly to move a sample.

Source: GE Healthcare, Datex-Ohmeda Record Specification, "Waveform data"; recordings.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.runtime.decoders.dri_record import WAVE_HEAD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from barocast.runtime.domain import Floats

CODES: Final = -32000
INVALID: Final = -32767
GAP: Final = 0x0001
CO2_WAVE: Final = 9


@dataclass(frozen=True, slots=True)
class Wave:
    """One type of wave."""

    name: str
    rate_hz: int
    unit: str
    per_unit: int
    """Counts that make one `unit`."""
    channel: str | None = None
    """None where it has none, or where a pressure's label decides."""


def _pressures(*numbers: int) -> dict[int, Wave]:
    """Name the waves of the pressure sockets after them: INVP1 belongs to P1."""
    return {kind: Wave(f"INVP{i}", 100, "mmHg", 100) for i, kind in enumerate(numbers, 1)}


WAVES: Final[Mapping[int, Wave]] = MappingProxyType(
    _pressures(4, 5, 6, 7, 16, 17, 36, 37)
    | {
        1: Wave("ECG1", 300, "mV", 1000, "ECG_WAVE"),
        2: Wave("ECG2", 300, "mV", 1000),
        3: Wave("ECG3", 300, "mV", 1000),
        8: Wave("PLETH", 100, "1", 10000, "PLETH_WAVE"),  # 1/100 % of modulation
        CO2_WAVE: Wave("CO2", 25, "%", 100, "CO2_WAVE"),
        10: Wave("O2", 25, "%", 100),
        11: Wave("N2O", 25, "%", 100),
        12: Wave("AA", 25, "%", 100),
        13: Wave("AWP", 25, "counts", 1),
        14: Wave("FLOW", 25, "counts", 1),
        15: Wave("RESP", 25, "1", 1, "RESP_WAVE"),
        32: Wave("ENTROPY", 100, "counts", 1),
        35: Wave("BIS", 300, "counts", 1),
        38: Wave("PLETH2", 100, "1", 10000),
    }
)
"""Type -> wave. A type that is not here has no rate that we know: its samples cannot be placed in time."""

SOCKETS: Final[Mapping[str, int]] = MappingProxyType(
    {f"P{wave.name[-1]}": kind for kind, wave in WAVES.items() if wave.name.startswith("INVP")}
)
"""Pressure group -> type of its wave."""


def samples(data: bytes, wave: Wave) -> tuple[Floats, bool]:
    """Read a sub-record that dri_record found sound: (count,) in the wave's unit, whether some are lost."""
    count, status, _ = WAVE_HEAD.unpack_from(data)
    counts = np.frombuffer(data, "<i2", count, WAVE_HEAD.size)
    values = counts / wave.per_unit
    if count and counts.item(counts.argmin()) <= CODES:
        values[counts <= CODES] = math.nan
    return values, bool(status & GAP)


def samples_bytes(values: Floats, wave: Wave, status: int = 0) -> bytes:
    """Write a sub-record; NaN becomes the control code, and what does not fit the nearest that does."""
    counts = np.clip(np.nan_to_num(values) * wave.per_unit, CODES + 1, 32767)
    words = np.where(np.isnan(values), INVALID, np.rint(counts)).astype("<i2")
    return WAVE_HEAD.pack(len(values), status, 0) + words.tobytes()


RESYNC_S: Final = 2.5
"""Beyond this r_time and the count no longer speak of the same second: packets are lost, or the clock set."""
SLEW_S: Final = 0.001
"""Most that one packet is drawn towards r_time: a tenth of a sample at 100 Hz."""
GAIN: Final = 0.01
"""Of the difference; r_time's whole seconds average out over a hundred packets."""


class SampleClock:
    """When each packet of one wave begins. The first one ends at its r_time."""

    def __init__(self) -> None:
        self._end_s: float | None = None

    def start(self, duration_s: float, stamp_s: float, *, missing_s: float = 0.0, gap: bool = False) -> float:
        """Give the time of a packet's first sample.

        `stamp_s` is its r_time, `missing_s` how much the lost packets before it must have held; `gap` says
        that the monitor itself lost an unknown number of samples.
        """
        stamped = stamp_s - duration_s
        counted = stamped if self._end_s is None else self._end_s + missing_s
        error = stamped - counted
        if abs(error) > RESYNC_S:
            begin = stamped
        elif gap:
            begin = max(stamped, counted)
        else:
            begin = counted + min(max(error * GAIN, -SLEW_S), SLEW_S)
        self._end_s = begin + duration_s
        return begin
