"""An arterial pressure wave to beats.

    BeatDetector  WaveChunk -> Beat    foot to foot, with a reason where a beat cannot be trusted

Causal, and the same for any chunking. The detector is the slope sum function with an adaptive
threshold (Zong 2003, see slope_sum). Ours differs in the threshold, half of what the last peaks
typically were, so that one flush does not deafen it, and in the onset, which is the foot itself.

No signal raises: NaN, gaps, clipped or absurd values end in fewer beats, or in marked ones.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from barocast.runtime.domain import Reason, WaveChunk
from barocast.runtime.quality import check_pressures
from barocast.runtime.waves.blocks import Blocks
from barocast.runtime.waves.quality import has_spike
from barocast.runtime.waves.slope_sum import slope_sum, smoothed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from barocast.runtime.domain import Floats
    from barocast.runtime.waves.blocks import Block

RATES_HZ = (50.0, 500.0)
"""Sampling rates that the detector accepts: a slower one cannot place a foot."""
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
NEWEST = 4
"""The newest of them, which a pulse that comes back large is judged by."""
NEWEST_SHARE = 0.8
MISSING_MARGIN_S = 0.1
"""A foot this near to a missing sample is not trusted."""


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
        smooth = smoothed(self._wave, self._samples(SMOOTH_S))
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
        if self._onset is None or len(rise) - self._onset > self._samples(LONGEST_S):
            self._peaks.clear()
        typical = _typical(self._peaks) if self._peaks else self._learn(rise)
        return max(THRESHOLD_SHARE * typical, LEAST_RISE_MMHG)

    def _learn(self, rise: Floats) -> float:
        # The smaller of two halves: one spike cannot set it, and each holds a beat down to 30 1/min.
        half = self._samples(LEARN_S / 2)
        return float(min(rise[-half:].max(), rise[-2 * half : -half].max()))

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


def _typical(peaks: Sequence[float]) -> float:
    # The second largest of the newest follows a pulse that comes back large, so that its dicrotic waves
    # do not pass for beats; the largest is left out, because it may be a spike.
    newest = sorted(list(peaks)[-NEWEST:])
    return max(float(np.median(peaks)), NEWEST_SHARE * newest[max(0, len(newest) - 2)])


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
