"""An arterial pressure wave to beats, and beats to the numerics that a monitor would show.

    Blocks        WaveChunk -> Block       fixed steps of the wave, so that chunking cannot matter
    BeatDetector  WaveChunk -> Beat        onset to onset, with a reason where a beat cannot be trusted
    WaveNumerics  WaveChunk -> Sample      ABP_SYS, ABP_MEAN, ABP_DIA once a second, code `derived`

The detector is the slope sum function with an adaptive threshold (Zong, Heldt, Moody, Mark, "An
open-source algorithm to detect onset of arterial blood pressure pulses", Computers in Cardiology
2003): rises of the smoothed wave are summed over the length of an upstroke, so a run-off or a dicrotic
notch counts for little. Ours differs in its threshold (half the median of the last peaks, so that one
flush does not deafen it) and in its onset (the foot itself, not a share of the slope sum).

Nothing here raises on any signal: NaN, gaps, clipped or absurd values end in fewer or marked beats.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from barocast.runtime.domain import Reason, Sample
from barocast.runtime.quality import check_pressures, has_spike, wave_reason

if TYPE_CHECKING:
    from barocast.runtime.domain import Floats, WaveChunk

RATES_HZ = (60.0, 500.0)
"""Sampling rates that the detector accepts: a slower one cannot place a foot."""
GAP_S = 0.1
"""A chunk this far from where the last one ended begins a new stretch."""
HOP_S = 0.5
"""Step in which the detector looks."""
SMOOTH_S = 0.04
UPSTROKE_S = 0.128
"""Width of the slope sum: Zong's 128 ms, about one upstroke."""
REFRACTORY_S = 0.2
"""No two onsets nearer than this: 300 1/min."""
FOOT_S = 0.25
"""How far before the threshold's crossing the foot may lie."""
PEAK_S = 0.15
"""How far after the crossing the slope sum still grows."""
LONGEST_S = 2.4
"""A beat longer than this is a pause: 25 1/min."""
LEARN_S = 4.0
"""Without recent beats the threshold comes from this much signal, two halves of at least a beat each."""
CONTEXT_S = LEARN_S + LONGEST_S
THRESHOLD_SHARE = 0.5
LEAST_RISE_MMHG = 2.0
"""A slope sum below this is noise, whatever the recent peaks were."""
PEAKS = 8
"""Recent slope sum peaks behind the threshold."""
MISSING_MARGIN_S = 0.1
"""A foot this near to a missing sample is not trusted."""

EVERY_S = 1.0
"""Step of the derived numerics."""
WINDOW_S = 4.0
"""Stretch of wave that must be usable for a number to be shown."""
AVERAGE_S = 8.0
"""Stretch whose beats a number averages; monitors take 8 to 12 s."""
LEAST_BEATS = 2


@dataclass(frozen=True, slots=True)
class Block:
    """A fixed step of a wave."""

    t_s: float
    """Seconds on the device's clock (or from the first sample, without one) of the first sample."""
    values: Floats
    """(step,) mmHg; NaN where missing."""
    restarted: bool
    """True when it does not continue the block before it."""


class Blocks:
    """Cut a wave into equal blocks, whatever the chunks; a gap drops the unfinished block."""

    def __init__(self, rate_hz: float, block_s: float) -> None:
        self.rate_hz = rate_hz
        self.size = round(block_s * rate_hz)
        self._clear(0.0)

    def _clear(self, t_s: float) -> None:
        self._origin_s = t_s
        self._given = 0
        self._pending: list[Floats] = []
        self._waiting = 0

    def feed(self, chunk: WaveChunk) -> list[Block]:
        """Take the next chunk; give the blocks that it completes."""
        if chunk.t_s is not None:
            self._follow(chunk.t_s)
        self._pending.append(np.asarray(chunk.values, dtype=np.float64))
        self._waiting += len(chunk.values)
        return self._cut() if self._waiting >= self.size else []

    def _follow(self, t_s: float) -> None:
        # Small steps are the device's clock drifting against its sampling: move along with it.
        drift_s = t_s - self._time(self._given + self._waiting)
        if abs(drift_s) > GAP_S:
            self._clear(t_s)
        elif abs(drift_s) > 0.5 / self.rate_hz:
            self._origin_s += drift_s

    def _time(self, index: int) -> float:
        return self._origin_s + index / self.rate_hz

    def _cut(self) -> list[Block]:
        values = np.concatenate(self._pending)
        blocks = []
        while len(values) >= self.size:
            blocks.append(Block(self._time(self._given), values[: self.size], restarted=not self._given))
            values = values[self.size :]
            self._given += self.size
        self._pending, self._waiting = [values], len(values)
        return blocks


@dataclass(frozen=True, slots=True)
class Beat:
    """One beat, from its foot to the next."""

    t_s: float
    """Seconds on the device's clock of the onset (the foot of the upstroke)."""
    systolic: float
    """mmHg."""
    diastolic: float
    """mmHg."""
    mean: float
    """mmHg, over time from foot to foot."""
    interval_s: float
    """Seconds to the next onset."""
    quality: Reason | None
    """Why the beat must not be used; None for a good one."""

    @property
    def pulse_pressure(self) -> float:
        """Systolic less diastolic, mmHg."""
        return self.systolic - self.diastolic


class BeatDetector:
    """Find beats in an arterial pressure wave (mmHg) of one fixed rate; the same for any chunking.

    Raises ValueError for a rate outside RATES_HZ, and for a chunk of another rate.
    """

    def __init__(self, rate_hz: float) -> None:
        if not RATES_HZ[0] <= rate_hz <= RATES_HZ[1]:
            raise ValueError(f"rate {rate_hz} Hz is outside {RATES_HZ[0]:g} to {RATES_HZ[1]:g} Hz")
        self.rate_hz = rate_hz
        self._blocks = Blocks(rate_hz, HOP_S)
        self._clear()

    def _clear(self) -> None:
        self._wave: Floats = np.empty(0)
        self._search = 1  # index into _wave from which the next onset's crossing is sought
        self._onset: int | None = None
        self._peaks: deque[float] = deque(maxlen=PEAKS)

    def feed(self, chunk: WaveChunk) -> list[Beat]:
        """Take the next samples; give the beats that they complete, oldest first."""
        if chunk.rate_hz != self.rate_hz:
            raise ValueError(f"a chunk of {chunk.rate_hz} Hz in a stream of {self.rate_hz} Hz")
        return [beat for block in self._blocks.feed(chunk) for beat in self._step(block)]

    def _step(self, block: Block) -> list[Beat]:
        if block.restarted:
            self._clear()
        start_s = block.t_s - len(self._wave) / self.rate_hz
        self._wave = np.concatenate([self._wave, block.values])
        if len(self._wave) < self._samples(LEARN_S):
            return []
        start_s += self._forget() / self.rate_hz
        return self._find(start_s)

    def _samples(self, seconds: float) -> int:
        return round(seconds * self.rate_hz)

    def _forget(self) -> int:
        dropped = max(0, len(self._wave) - self._samples(CONTEXT_S))
        self._wave = self._wave[dropped:]
        self._search = max(1, self._search - dropped)
        if self._onset is not None:
            self._onset = self._onset - dropped if self._onset >= dropped else None
        return dropped

    def _find(self, start_s: float) -> list[Beat]:
        smooth = _smoothed(self._wave, self._samples(SMOOTH_S))
        rise = slope_sum(smooth, self._samples(UPSTROKE_S))
        beats = []
        while (crossing := self._crossing(rise)) is not None:
            peak = float(rise[crossing : crossing + self._samples(PEAK_S)].max())
            foot = self._foot(smooth, crossing)
            beat = self._close(foot, start_s)
            if beat is not None:
                beats.append(beat)
            self._peaks.append(peak)
            self._onset, self._search = foot, crossing + self._samples(REFRACTORY_S)
        return beats

    def _threshold(self, rise: Floats) -> float:
        quiet = self._onset is None or len(rise) - self._onset > self._samples(LONGEST_S)
        if quiet:
            self._peaks.clear()
        half = self._samples(LEARN_S / 2)
        # The smaller of two halves: one spike cannot set it, and each holds a beat down to 30 1/min.
        typical = (
            float(np.median(self._peaks)) if self._peaks else min(rise[-half:].max(), rise[-2 * half : -half].max())
        )
        return max(THRESHOLD_SHARE * float(typical), LEAST_RISE_MMHG)

    def _crossing(self, rise: Floats) -> int | None:
        last = len(rise) - self._samples(PEAK_S)
        if self._search >= last:
            return None
        above = rise[self._search - 1 : last] > self._threshold(rise)
        edges = np.flatnonzero(above[1:] & ~above[:-1])
        return self._search + int(edges[0]) if len(edges) else None

    def _foot(self, smooth: Floats, crossing: int) -> int:
        first = crossing - self._samples(FOOT_S)
        if self._onset is not None:
            first = max(first, self._onset + self._samples(REFRACTORY_S) // 2)
        stretch = smooth[max(first, 0) : crossing + 1]
        return crossing - int(stretch[::-1].argmin())  # the last of equals

    def _close(self, foot: int, start_s: float) -> Beat | None:
        if self._onset is None or not 0 < foot - self._onset <= self._samples(LONGEST_S):
            return None
        margin = self._samples(MISSING_MARGIN_S)
        around = self._wave[max(self._onset - margin, 0) : foot + margin]
        return _beat(
            self._wave[self._onset : foot], around, self.rate_hz, start_s + self._onset / self.rate_hz
        )


def _beat(wave: Floats, around: Floats, rate_hz: float, t_s: float) -> Beat:
    known = wave[~np.isnan(wave)]
    if not len(known):
        nan = float("nan")
        return Beat(t_s, nan, nan, nan, len(wave) / rate_hz, Reason.MISSING)
    systolic, diastolic, mean = float(known.max()), float(known.min()), float(known.mean())
    quality = _beat_reason(around, rate_hz) or check_pressures(systolic, diastolic, mean)
    return Beat(t_s, systolic, diastolic, mean, len(wave) / rate_hz, quality)


def _beat_reason(around: Floats, rate_hz: float) -> Reason | None:
    if np.isnan(around).any():
        return Reason.MISSING
    return Reason.SPIKE if has_spike(around, rate_hz) else None


def _smoothed(wave: Floats, width: int) -> Floats:
    """Bridge missing samples with the last known one and average over `width`, centred, (n,) -> (n,)."""
    known = ~np.isnan(wave)
    if not known.any():
        return np.zeros(len(wave))
    last = np.maximum.accumulate(np.where(known, np.arange(len(wave)), 0))
    bridged = wave[last] if known[0] else wave[np.where(last, last, known.argmax())]
    left = width // 2
    padded = np.pad(bridged, (left, width - 1 - left), mode="edge")
    return np.convolve(padded, np.full(width, 1 / width), mode="valid")


def slope_sum(smooth: Floats, width: int) -> Floats:
    """Sum the rises of the last `width` samples at each sample, (n,) mmHg -> (n,) mmHg (Zong 2003)."""
    rises = np.maximum(np.diff(smooth, prepend=smooth[:1]), 0.0)
    total = np.concatenate([np.zeros(width), np.cumsum(rises)])
    return total[width:] - total[:-width]


class WaveNumerics:
    """Reduce an arterial wave to ABP_SYS, ABP_MEAN and ABP_DIA about once a second, as a monitor does.

    Systolic and diastolic are medians over the good beats of the last AVERAGE_S, the mean is their
    time average. When the wave is not usable all three are NaN, with the reason.
    """

    def __init__(self, code: str = "derived") -> None:
        self.code = code
        self._rate_hz = 0.0

    def feed(self, chunk: WaveChunk) -> list[Sample]:
        """Take the next samples of ABP_WAVE; give the numbers due, oldest first."""
        if not RATES_HZ[0] <= chunk.rate_hz <= RATES_HZ[1]:
            return self._unusable(chunk.t_s, Reason.INVALID)
        if chunk.rate_hz != self._rate_hz:
            self._begin(chunk.rate_hz)
        if not chunk.valid:
            chunk = _blanked(chunk)
        blocks = self._blocks.feed(chunk)
        return [sample for block in blocks for sample in self._step(block, chunk, clocked=chunk.t_s is not None)]

    def _begin(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._blocks = Blocks(rate_hz, EVERY_S)
        self._detector = BeatDetector(rate_hz)
        self._recent: Floats = np.empty(0)
        self._beats: deque[Beat] = deque()
