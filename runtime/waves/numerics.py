"""An arterial pressure wave to the numbers that a monitor would show beside it.

    WaveNumerics  WaveChunk -> Sample    ABP_SYS, ABP_DIA, ABP_MEAN once a second of wave, code `derived`

Causal, and the same for any chunking. A wave that cannot be believed gives NaN with the reason.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from barocast.runtime.domain import DERIVED, Reason, Sample, WaveChunk
from barocast.runtime.quality import TRIPLE, check_pressures
from barocast.runtime.waves.beats import RATES_HZ, BeatDetector
from barocast.runtime.waves.blocks import Blocks
from barocast.runtime.waves.quality import wave_reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from barocast.runtime.domain import Floats
    from barocast.runtime.waves.beats import Beat
    from barocast.runtime.waves.blocks import Block

EVERY_S = 1.0
"""Step of the numbers."""
WINDOW_S = 4.0
"""Stretch of wave that must be usable for a number to be shown."""
AVERAGE_S = 8.0
"""Stretch whose beats a number averages; monitors take about as long."""
LEAST_BEATS = 2
_NOTHING = (float("nan"),) * 3


class WaveNumerics:
    """Reduce an arterial wave to systolic, diastolic and mean pressure.

    Systolic and diastolic are medians over the good beats of the last AVERAGE_S; the mean is the time
    mean of the wave over those whole beats. A wave whose rate BeatDetector refuses is `invalid`.
    """

    def __init__(self) -> None:
        self._reduction: _Reduction | None = None

    def feed(self, chunk: WaveChunk) -> list[Sample]:
        """Take the next samples (mmHg); give the numbers that are due, oldest first."""
        if not RATES_HZ[0] <= chunk.rate_hz <= RATES_HZ[1]:
            return _samples(chunk.t_s, Reason.INVALID, _NOTHING)
        if self._reduction is None or self._reduction.rate_hz != chunk.rate_hz:
            self._reduction = _Reduction(chunk.rate_hz)
        return self._reduction.feed(chunk if chunk.valid else _blanked(chunk))


class _Reduction:
    """The same for one rate."""

    def __init__(self, rate_hz: float) -> None:
        self.rate_hz = rate_hz
        self._blocks = Blocks(rate_hz, EVERY_S)
        self._detector = BeatDetector(rate_hz)
        self._clear()

    def _clear(self) -> None:
        self._recent: Floats = np.empty(0)
        self._beats: deque[Beat] = deque()
        self._settled_s = float("-inf")  # only beats that began after the last bad window count

    def feed(self, chunk: WaveChunk) -> list[Sample]:
        clocked = chunk.t_s is not None
        return [sample for block in self._blocks.feed(chunk) for sample in self._step(block, clocked=clocked)]

    def _step(self, block: Block, *, clocked: bool) -> list[Sample]:
        if block.restarted:
            self._clear()
        now_s = block.t_s + len(block.values) / self.rate_hz
        self._recent = np.concatenate([self._recent, block.values])[-round(WINDOW_S * self.rate_hz) :]
        reason = wave_reason(self._recent, self.rate_hz)
        if reason is not None:
            self._settled_s = now_s
        self._take(self._detector.feed(_chunk(block, self.rate_hz)), now_s)
        reason = reason or _too_few(self._beats)
        values = _NOTHING if reason else _average([beat for beat in self._beats if beat.quality is None])
        return _samples(now_s if clocked else None, reason or check_pressures(*values), values)

    def _take(self, beats: list[Beat], now_s: float) -> None:
        self._beats.extend(beats)
        while self._beats and self._beats[0].t_s < max(now_s - AVERAGE_S, self._settled_s):
            self._beats.popleft()


def _too_few(beats: Sequence[Beat]) -> Reason | None:
    bad = Counter(beat.quality for beat in beats if beat.quality is not None)
    if len(beats) - bad.total() >= LEAST_BEATS:
        return None
    return bad.most_common(1)[0][0] if bad else Reason.MISSING


def _average(beats: Sequence[Beat]) -> tuple[float, float, float]:
    """Give systolic, diastolic, mean of good beats."""
    systolic = float(np.median([beat.systolic for beat in beats]))
    diastolic = float(np.median([beat.diastolic for beat in beats]))
    mean = np.average([beat.mean for beat in beats], weights=[beat.interval_s for beat in beats])
    return systolic, diastolic, float(mean)


def _samples(t_s: float | None, reason: Reason | None, values: tuple[float, float, float]) -> list[Sample]:
    return [
        Sample(name, DERIVED, t_s, value if reason is None else float("nan"), "mmHg", reason is None, reason)
        for name, value in zip(TRIPLE, values, strict=True)
    ]


def _chunk(block: Block, rate_hz: float) -> WaveChunk:
    return WaveChunk("ABP_WAVE", DERIVED, block.t_s, rate_hz, block.values, "mmHg")


def _blanked(chunk: WaveChunk) -> WaveChunk:
    return replace(chunk, values=np.full(len(chunk.values), np.nan))
