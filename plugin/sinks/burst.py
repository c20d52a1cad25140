r"""Alarm sounds: one burst of pulses for each priority, synthesised inside the ranges of IEC 60601-1-8.

    burst(sound) -> (n,) samples at 44,100 Hz, -1 to 1

                     high                medium      low         reminder
    pulses           10: 3+2, gap, 3+2   3           2           1
    pulse t_d        75-200 ms           125-250 ms  125-250 ms  125-250 ms
    spacing t_s      50-125 ms           125-250 ms  125-250 ms
    3rd to 4th       2 t_s + t_d
    5th to 6th       0.35-1.30 s
    to next burst    2.5-15 s            2.5-30 s    >= 15 s     >= 15 s

The reminder is a low burst that says no condition: audio is off, and somebody should know.

             __________            __________
            /|        |\          /|        |\      t_d and t_s lie between the 90 % points,
         __/ |<- t_d->| \________/ |        | \__   rise and fall between 10 % and 90 %;
             |        |<--- t_s -->|                rise is 10-20 % of t_d, fall <= t_s - rise.

The spectrum is a fundamental of 150-1000 Hz with its harmonics below 4 kHz, the strongest five within
15 dB. These follow the signal ranges of Tables 3 and 4 (2006, A1:2012, A2:2020); conformity is not
claimed. The standard's recorded sounds are not ours to give: a site may mount its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from barocast.runtime.domain import Floats

RATE_HZ = 44_100

PEAK = 0.8
"""Largest sample: 2 dB of head room, so that no resampler on the way clips."""

HARMONICS_DB = (0.0, -3.0, -6.0, -9.0, -12.0)
"""Level of the fundamental and of each harmonic after it; together within 15 dB."""

RISE = 0.15
"""Rise time as a share of the pulse (10 to 20 %)."""

RAMP = 0.8
"""The part of a straight ramp that lies between its 10 % and 90 % points."""

ABOVE_SILENCE = 0.9
"""The part of a straight ramp below its 90 % point, which counts as spacing."""


class Sound(str, Enum):
    """What a loudspeaker can say. The first three are the words of Priority."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    REMINDER = "reminder"

    def __str__(self) -> str:
        """Print the word, on every Python alike."""
        return self.value


@dataclass(frozen=True, slots=True)
class Pattern:
    """One row of the table."""

    fundamental_hz: float
    pulse_s: float
    """Effective pulse duration t_d."""
    gaps_s: tuple[float, ...]
    """From the end of each pulse to the start of the next; one fewer than there are pulses."""
    interval_s: float
    """From the end of a burst to the start of the next."""

    @property
    def onsets_s(self) -> tuple[float, ...]:
        """Start of each pulse's ramp."""
        return tuple(accumulate((self.pulse_s + gap for gap in self.gaps_s), initial=0.0))

    @property
    def ramp_s(self) -> float:
        """Each ramp from silence to full level and back."""
        return RISE * self.pulse_s / RAMP

    @property
    def sounding_s(self) -> float:
        """One pulse from silence to silence: t_d is its part above 90 %."""
        return self.pulse_s + 2 * ABOVE_SILENCE * self.ramp_s

    @property
    def length_s(self) -> float:
        """The whole burst."""
        return self.onsets_s[-1] + self.sounding_s


def _high(pulse_s: float, spacing_s: float, middle_s: float) -> Pattern:
    five = (spacing_s, spacing_s, 2 * spacing_s + pulse_s, spacing_s)
    return Pattern(784.0, pulse_s, (*five, middle_s, *five), interval_s=5.0)


PATTERNS = {
    Sound.HIGH: _high(pulse_s=0.150, spacing_s=0.100, middle_s=0.500),
    Sound.MEDIUM: Pattern(659.0, 0.180, (0.180, 0.180), interval_s=10.0),
    Sound.LOW: Pattern(523.0, 0.180, (0.200,), interval_s=20.0),
    Sound.REMINDER: Pattern(523.0, 0.180, (), interval_s=60.0),
}
"""Pitch tells the priorities apart too: G5, E5, C5."""


def burst(sound: Sound) -> Floats:
    """Synthesise one burst, (n,) samples at RATE_HZ between -PEAK and PEAK."""
    pattern = PATTERNS[sound]
    envelope = _envelope(pattern)
    t_s = np.arange(envelope.size) / RATE_HZ
    tone = np.zeros_like(t_s)
    for order, level_db in enumerate(HARMONICS_DB, start=1):
        tone += 10 ** (level_db / 20) * np.sin(2 * np.pi * pattern.fundamental_hz * order * t_s)
    pulses = envelope * tone
    return np.asarray(pulses * (PEAK / float(np.abs(pulses).max())), dtype=np.float64)


def _envelope(pattern: Pattern) -> Floats:
    ramp_s = pattern.ramp_s
    corners_s, levels = [], []
    for start_s in pattern.onsets_s:
        end_s = start_s + pattern.sounding_s
        corners_s += [start_s, start_s + ramp_s, end_s - ramp_s, end_s]
        levels += [0.0, 1.0, 1.0, 0.0]
    t_s = np.arange(round(pattern.length_s * RATE_HZ)) / RATE_HZ
    return np.interp(t_s, corners_s, levels)
