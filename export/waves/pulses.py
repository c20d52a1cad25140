"""The beats of thirty seconds of arterial wave, side by side, and what is measured of each. Pure functions.

In: ABP (1500,) mmHg, NaN where missing. Out: Pulses, or None where there are too few good beats; BEAT, a
quantity of a beat -> its values (k,). Beats are those of the bedside's own detector (runtime.waves.beats), so
that what is learned here can be asked there.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.export.waves.windows import ABP_HZ
from barocast.runtime.domain import WaveChunk
from barocast.runtime.waves.beats import LONGEST_S, BeatDetector

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

LEAST_BEATS: Final = 6
"""Fewer good beats in thirty seconds describe nobody."""
BEAT_SAMPLES: Final = round(LONGEST_S * ABP_HZ)
UPSTROKE: Final = round(0.3 * ABP_HZ)
"""Samples from the foot in which the steepest rise is sought."""
NOTCH_FROM: Final = round(0.06 * ABP_HZ)
NOTCH_TO: Final = round(0.36 * ABP_HZ)
"""Samples after the peak between which the dicrotic notch is sought."""
RUN_OFF: Final = round(0.08 * ABP_HZ)
"""Samples after the notch from which the decay is exponential enough."""
LEAST_PULSE_MMHG: Final = 3.0


@dataclass(frozen=True, slots=True)
class Pulses:
    """The good beats of a window, k of them, laid side by side from their feet."""

    onset: NDArray[np.intp]
    """(k,) sample of the foot."""
    length: NDArray[np.intp]
    """(k,) samples to the next foot."""
    wave: Floats
    """(k, BEAT_SAMPLES) mmHg, NaN behind the beat's end."""
    low: Floats
    """(k,) mmHg diastolic, at the foot's side."""
    peak: NDArray[np.intp]
    """(k,) sample after the foot of the systolic peak."""
    notch: NDArray[np.intp]
    """(k,) sample after the foot of the dicrotic notch."""

    def after(self, first: NDArray[np.intp]) -> Floats:
        """Give the waves with everything before `first` (k,) as NaN."""
        return np.where(np.arange(BEAT_SAMPLES) >= first[:, None], self.wave, np.nan)

    def until(self, last: NDArray[np.intp]) -> Floats:
        """Give the waves with everything from `last` (k,) on as NaN."""
        return np.where(np.arange(BEAT_SAMPLES) < last[:, None], self.wave, np.nan)

    def at(self, place: NDArray[np.intp]) -> Floats:
        """Give the pressure (k,) at a sample of each beat, the last one where the beat is shorter."""
        return self.wave[np.arange(len(place)), np.minimum(place, self.length - 1)]

    @property
    def high(self) -> Floats:
        """(k,) mmHg systolic."""
        return self.at(self.peak)

    @property
    def mean(self) -> Floats:
        """(k,) mmHg, foot to foot."""
        return np.asarray(np.nanmean(self.wave, axis=1))

    @property
    def pulse(self) -> Floats:
        """(k,) mmHg pulse pressure, never so small that what is divided by it explodes."""
        return np.maximum(self.high - self.low, LEAST_PULSE_MMHG)


def find_pulses(abp: Floats) -> Pulses | None:
    """Give the good beats of a window, None where there are too few."""
    chunk = WaveChunk("ABP_WAVE", "window", 0.0, float(ABP_HZ), np.asarray(abp, dtype=np.float64), "mmHg")
    beats = [beat for beat in BeatDetector(float(ABP_HZ)).feed(chunk) if beat.quality is None]
    if len(beats) < LEAST_BEATS:
        return None
    onset = np.array([round(beat.t_s * ABP_HZ) for beat in beats])
    length = np.minimum([round(beat.interval_s * ABP_HZ) for beat in beats], BEAT_SAMPLES)
    wave = side_by_side(np.asarray(abp, dtype=np.float64), onset, length, BEAT_SAMPLES)
    low, peak = np.nanmin(wave, axis=1), np.nanargmax(wave, axis=1)
    return Pulses(onset, length, wave, low, peak, _notches(wave, peak, length))


def side_by_side(wave: Floats, onset: NDArray[np.intp], length: NDArray[np.intp], width: int) -> Floats:
    """Give what follows each onset (k,), NaN behind each length (k,), as rows of `width`."""
    steps = np.arange(width)
    place = np.minimum(onset[:, None] + steps, len(wave) - 1)
    return np.where(steps < length[:, None], wave[place], np.nan)


def _notches(wave: Floats, peak: NDArray[np.intp], length: NDArray[np.intp]) -> NDArray[np.intp]:
    """Give where the run-off bends upwards most, sought behind the peak and before the next foot."""
    bend = np.full_like(wave, -np.inf)
    bend[:, 2:-2] = wave[:, 4:] - 2 * wave[:, 2:-2] + wave[:, :-4]
    steps = np.arange(wave.shape[1])
    first, last = peak + NOTCH_FROM, np.minimum(peak + NOTCH_TO, length - NOTCH_FROM)
    sought = (steps >= first[:, None]) & (steps < last[:, None]) & np.isfinite(bend)
    return np.where(sought.any(axis=1), np.where(sought, bend, -np.inf).argmax(axis=1), first)


def _decay_s(pulses: Pulses) -> Floats:
    """Give the time constant of the run-off: minus the inverse slope of the logarithm of pressure."""
    tail = np.log(np.maximum(pulses.after(pulses.notch + RUN_OFF), 1.0))
    t = np.where(np.isfinite(tail), np.arange(BEAT_SAMPLES) / ABP_HZ, np.nan)
    t, y = t - row_mean(t)[:, None], tail - row_mean(tail)[:, None]
    slope = np.nansum(t * y, axis=1) / np.maximum(np.nansum(t * t, axis=1), 1e-6)
    return np.where(slope < 0, np.minimum(-1 / np.minimum(slope, -1e-6), 20.0), np.nan)


def _above(pulses: Pulses, last: NDArray[np.intp]) -> Floats:
    """Give the area between the wave and the diastole until a sample of each beat, mmHg s."""
    return np.asarray(np.nansum(pulses.until(last) - pulses.low[:, None], axis=1) / ABP_HZ)


def _steepest(pulses: Pulses) -> Floats:
    return np.asarray(np.nanmax(np.diff(pulses.wave[:, :UPSTROKE], axis=1), axis=1) * ABP_HZ)


BEAT: Final[Mapping[str, Callable[[Pulses], Floats]]] = MappingProxyType(
    {
        "MAP": lambda p: p.mean,
        "SBP": lambda p: p.high,
        "DBP": lambda p: p.low,
        "PP": lambda p: p.pulse,
        "interval_s": lambda p: p.length / ABP_HZ,
        "dpdt_max": _steepest,
        "dpdt_max_per_pp": lambda p: _steepest(p) / p.pulse,
        "dpdt_min": lambda p: np.nanmin(np.diff(p.wave, axis=1), axis=1) * ABP_HZ,
        "rise_s": lambda p: p.peak / ABP_HZ,
        "systolic_s": lambda p: p.notch / ABP_HZ,
        "systolic_share": lambda p: p.notch / p.length,
        "systolic_area": lambda p: _above(p, p.notch),
        "systolic_area_per_min": lambda p: _above(p, p.notch) / p.length * ABP_HZ * 60,
        "form_factor": lambda p: (p.mean - p.low) / p.pulse,
        "half_width_s": lambda p: np.sum(p.wave > (p.low + p.pulse / 2)[:, None], axis=1) / ABP_HZ,
        "notch_mmhg": lambda p: p.at(p.notch),
        "notch_height": lambda p: (p.at(p.notch) - p.low) / p.pulse,
        "dicrotic_rise": lambda p: (row_max(p.after(p.notch)) - p.at(p.notch)) / p.pulse,
        "late_systole": lambda p: (p.at(p.peak + NOTCH_FROM) - p.low) / p.pulse,
        "decay_s": _decay_s,
        "flow_index": lambda p: (
            p.pulse / (p.high + p.low) / p.length * ABP_HZ * 60
        ),  # Liljestrand, Zander 1928
    }
)
"""Quantity of a beat -> its values (k,)."""


def row_mean(rows: Floats) -> Floats:
    """Give each row's mean of what is known, NaN where nothing is (and no warning)."""
    known = np.isfinite(rows)
    count = known.sum(axis=1)
    total = np.where(known, rows, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def row_max(rows: Floats) -> Floats:
    """Give each row's largest known value, NaN where nothing is (and no warning)."""
    largest = np.where(np.isfinite(rows), rows, -np.inf).max(axis=1)
    return np.where(np.isfinite(largest), largest, np.nan)
