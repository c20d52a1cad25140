"""Whether a burst is really to be heard: what a microphone or a loop-back recorded, against what was played.

    heard(recording, played) -> Heard

The first QUIET_S of the recording are the room without us. The burst is there when its loudest stretch is
ABOVE_DB over that, and the strongest component near the burst's own fundamental is within TOLERANCE_HZ of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.plugin.sinks.sound_measure import FAINTEST, fundamental, measure
from barocast.plugin.sinks.sound_ranges import TOLERANCE_HZ

if TYPE_CHECKING:
    from barocast.plugin.sinks.sound_wav import Clip
    from barocast.runtime.domain import Floats

QUIET_S: Final = 0.4
"""Of the room alone, at the beginning of a recording."""
STRETCH_S: Final = 0.1
"""Shorter than the plateau of any pulse of ours."""
ABOVE_DB: Final = 10.0
"""A burst that is no louder than this over the room is not heard from a bed away."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What the recording says."""

    above_db: float
    """Loudest stretch over the room's own level."""
    fundamental_hz: float
    """Of that stretch; NaN when it is silent."""
    expected_hz: float

    @property
    def ok(self) -> bool:
        """Whether the burst was there."""
        return self.above_db >= ABOVE_DB and abs(self.fundamental_hz - self.expected_hz) <= TOLERANCE_HZ

    @property
    def text(self) -> str:
        """Say it in one line."""
        return (
            f"{self.above_db:.1f} dB above the room ({ABOVE_DB:g} needed), "
            f"fundamental {self.fundamental_hz:.1f} Hz ({self.expected_hz:.1f} played)"
        )


def heard(recording: Clip, played: Clip) -> Heard:
    """Look for a burst in a recording that began at least QUIET_S before it."""
    samples, rate_hz = recording.samples, recording.rate_hz
    quiet = samples[: round(QUIET_S * rate_hz)]
    loudest = _loudest(samples[quiet.size :], round(STRETCH_S * rate_hz))
    ratio = max(_level(loudest), FAINTEST) / max(_level(quiet), FAINTEST)
    expected_hz = measure(played.samples, played.rate_hz).pulses[0].fundamental_hz
    return Heard(float(20 * np.log10(ratio)), fundamental(loudest, rate_hz), expected_hz)


def _loudest(samples: Floats, size: int) -> Floats:
    if samples.size <= size:
        return samples
    energy = np.concatenate([[0.0], np.cumsum(samples**2)])
    begin = int(np.argmax(energy[size:] - energy[:-size]))
    return samples[begin : begin + size]


def _level(samples: Floats) -> float:
    return float(np.sqrt(np.mean(samples**2))) if samples.size else 0.0
