r"""Any sound, measured as a test house would: envelope and spectrum of each pulse.

    measure(samples, rate_hz) -> Measured

        90 % _____________          t_d between the 90 % points of a pulse's own largest level, spacing from
            /:           :\         one pulse's to the next one's, rise and fall between 10 % and 90 %
    10 % __/ :<-- t_d -->: \__

The envelope is the root mean square under a Hann window of two periods of the pulse's fundamental, whose
zeros lie on every harmonic's beat with its neighbour: what is left of the ripple is below 1 %. The spectrum
is of the plateau. A component is a local peak at most FLOOR_DB below the largest; the fundamental is the
lowest component within SPREAD_DB of the largest.

Sources: IEC 60601-1-8 (2006, A1:2012), Figure 1 and the definitions of Tables 3 and 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from barocast.runtime.domain import Floats

ROUGH_S: Final = 0.010
"""Window of the first look, which only tells pulses from rests."""
SOUNDING: Final = 0.15
"""Share of the loudest level that is a pulse: 10 dB, the most that pulses may differ, is 0.32."""
FAINTEST: Final = 1e-5
"""Of full scale: what is below is silence."""
SHORTEST_S: Final = 0.010
"""What is shorter is a click and no pulse."""
FLOOR_DB: Final = 28.0
"""Weaker peaks are the window's own side lobes (Hann: 31 dB)."""
SPREAD_DB: Final = 15.0
"""The standard's: the four largest components lie within it."""
APART_HZ: Final = 50.0
"""Least distance of two components."""
AUDIBLE_HZ: Final = (50.0, 8000.0)
"""Where components are looked for: wider than the standard's 150 to 4000 Hz, so that others show."""
POINTS: Final = 1 << 18
"""Of the padded spectrum: 0.2 Hz at 44,100 Hz."""
FULL: Final = 0.999
FULL_RUN: Final = 3
"""So many samples in a row at full scale: the sound is clipped."""
MAX_PULSES: Final = 32
"""Three times the longest burst; what has more is noise or music."""
HALF: Final = 0.7
"""Share of a pulse's largest level above which its plateau lies."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """One pulse; times in seconds from the first sample of the file."""

    begin_s: float
    """Rises through 90 %."""
    end_s: float
    """Falls through 90 %."""
    rise_s: float
    fall_s: float
    peak: float
    """Largest sample, 1 at full scale."""
    components: tuple[tuple[float, float], ...]
    """(Hz, dB below the largest), lowest first."""

    @property
    def length_s(self) -> float:
        """Effective pulse duration t_d."""
        return self.end_s - self.begin_s

    @property
    def strongest(self) -> list[tuple[float, float]]:
        """Give the four largest components, largest first."""
        return sorted(self.components, key=lambda component: component[1])[:4]

    @property
    def fundamental_hz(self) -> float:
        """The lowest strong component; NaN where there is none."""
        strong = [hertz for hertz, below_db in self.components if below_db <= SPREAD_DB]
        return min(strong, default=float("nan"))


@dataclass(frozen=True, slots=True)
class Measured:
    """One burst."""

    pulses: tuple[Pulse, ...]
    peak: float
    """Largest sample, 1 at full scale."""
    clipped: bool

    @property
    def spacings_s(self) -> tuple[float, ...]:
        """From each pulse's end to the next one's begin; one fewer than there are pulses."""
        return tuple(
            after.begin_s - before.end_s for before, after in zip(self.pulses, self.pulses[1:], strict=False)
        )

    @property
    def spread_db(self) -> float:
        """Between the loudest pulse's peak and the faintest one's."""
        peaks = [pulse.peak for pulse in self.pulses]
        return float(20 * np.log10(max(peaks) / min(peaks))) if peaks else 0.0


def measure(samples: Floats, rate_hz: int) -> Measured:
    """Measure (n,) samples between -1 and 1. Raises ValueError for too many pulses."""
    if samples.size < SHORTEST_S * rate_hz:
        return Measured((), 0.0, clipped=False)
    peak = float(np.abs(samples).max())
    pulses = tuple(
        _pulse(samples[begin:end], rate_hz, begin / rate_hz) for begin, end in _stretches(samples, rate_hz)
    )
    return Measured(pulses, peak, _clipped(samples))


def fundamental(samples: Floats, rate_hz: int) -> float:
    """Give the fundamental of a steady stretch in Hz; NaN when it is silent."""
    return Pulse(0.0, 0.0, 0.0, 0.0, 0.0, _components(samples, rate_hz)).fundamental_hz


def _stretches(samples: Floats, rate_hz: int) -> list[tuple[int, int]]:
    """Cut a burst in the middle of its rests: one (begin, end) of sample numbers for each pulse."""
    level = _level(samples, round(ROUGH_S * rate_hz))
    above = np.concatenate([[False], level > max(SOUNDING * level.max(), FAINTEST), [False]]).astype(np.int8)
    ups, downs = np.flatnonzero(np.diff(above) == 1), np.flatnonzero(np.diff(above) == -1)
    lasting = downs - ups >= SHORTEST_S * rate_hz
    ups, downs = ups[lasting], downs[lasting]
    if ups.size > MAX_PULSES:
        raise ValueError(f"{ups.size} pulses are no burst")
    middles = (downs[:-1] + ups[1:]) // 2
    begins, ends = [0, *middles.tolist()], [*middles.tolist(), samples.size]
    return list(zip(begins, ends, strict=True)) if ups.size else []


def _pulse(samples: Floats, rate_hz: int, start_s: float) -> Pulse:
    rough = _level(samples, round(ROUGH_S * rate_hz))
    plateau = np.flatnonzero(rough >= HALF * rough.max())
    components = _components(samples[plateau[0] : plateau[-1] + 1], rate_hz)
    pulse = Pulse(0.0, 0.0, 0.0, 0.0, float(np.abs(samples).max()), components)
    period_s = ROUGH_S if np.isnan(pulse.fundamental_hz) else 2 / pulse.fundamental_hz
    level = _level(samples, round(period_s * rate_hz))
    level /= level.max()
    (low_up, low_down), (up, down) = (_crossings(level, share) for share in (0.1, 0.9))
    return Pulse(
        start_s + up / rate_hz,
        start_s + down / rate_hz,
        (up - low_up) / rate_hz,
        (low_down - down) / rate_hz,
        pulse.peak,
        components,
    )


def _level(samples: Floats, window: int) -> Floats:
    """Root mean square under a Hann window of that many samples."""
    weights = np.hanning(window + 2)[1:-1]
    padded = np.pad(samples**2, window)
    squared = np.convolve(padded, weights / weights.sum(), mode="same")[window:-window]
    return np.sqrt(np.maximum(squared, 0.0))


def _crossings(level: Floats, share: float) -> tuple[float, float]:
    """Where the level first rises and last falls through a share, in samples, between two of them."""
    above = np.flatnonzero(level >= share)
    first, last = int(above[0]), int(above[-1])
    up, down = float(first), float(last)
    if first > 0:
        up -= (level[first] - share) / (level[first] - level[first - 1])
    if last < level.size - 1:
        down += (level[last] - share) / (level[last] - level[last + 1])
    return up, down


def _components(plateau: Floats, rate_hz: int) -> tuple[tuple[float, float], ...]:
    if plateau.size < SHORTEST_S * rate_hz:
        return ()
    spectrum = np.abs(np.fft.rfft(plateau * np.hanning(plateau.size), n=max(POINTS, plateau.size)))
    step_hz = rate_hz / max(POINTS, plateau.size)
    low, high = (round(edge / step_hz) for edge in AUDIBLE_HZ)
    band = 20 * np.log10(np.maximum(spectrum[low:high], 1e-12))
    if band.size == 0 or band.max() <= -200.0:  # noqa: PLR2004 - far below any 16-bit noise: silence
        return ()
    band = band.max() - band
    found: list[tuple[float, float]] = []
    for at in _dips(band):
        hertz, below_db = (low + at) * step_hz, float(band[at])
        if all(abs(hertz - other) >= APART_HZ for other, _ in found):
            found.append((hertz, below_db))
    return tuple(sorted(found))


def _dips(band: Floats) -> list[int]:
    """Give the places of local peaks above the floor, largest first (dB below the largest: a dip)."""
    inner = band[1:-1]
    dips = np.flatnonzero((inner <= band[:-2]) & (inner < band[2:]) & (inner <= FLOOR_DB)) + 1
    return [int(at) for at in dips[np.argsort(band[dips])]]


def _clipped(samples: Floats) -> bool:
    full = (np.abs(samples) >= FULL).astype(np.int8)
    return bool(np.convolve(full, np.ones(FULL_RUN, dtype=np.int8)).max() >= FULL_RUN)
