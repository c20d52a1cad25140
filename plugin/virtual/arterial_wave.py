"""Beats to waves: what a transducer and a finger clip would record, vectorised over samples.

The pulse is a two-element windkessel (d p/dt = (R q - p) / RC) filled by a skewed half sine of ejection
and closed by a dicrotic notch, scaled so that its lowest value is 0 and its highest 1. Each beat
stretches its systole and its diastole apart, because systole hardly shortens when the heart is fast.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from barocast.runtime.domain import Floats

SYSTOLE = 0.36
"""Share of the template that is systole."""
_POINTS = 500
_DECAY = 0.40
"""Windkessel time constant, in cycles."""


def _template() -> Floats:
    phase = np.linspace(0.0, 1.0, _POINTS + 1)
    flow = np.where(phase < SYSTOLE, np.sin(np.pi * np.clip(phase / SYSTOLE, 0, 1) ** 0.45), 0.0)
    pressure = np.zeros(_POINTS + 1)
    for _cycle in range(12):  # long enough to forget the start
        pressure[0] = pressure[-1]
        for i in range(_POINTS):
            pressure[i + 1] = pressure[i] + (6 * flow[i] - pressure[i]) / (_DECAY * _POINTS)
    notch = -0.08 * np.exp(-(((phase - 0.37) / 0.02) ** 2)) + 0.07 * np.exp(-(((phase - 0.43) / 0.03) ** 2))
    shape = pressure / np.ptp(pressure) + notch
    shape -= shape[0] + phase * (shape[-1] - shape[0])
    shape = np.maximum(shape, 0.0)
    return np.asarray(shape / shape.max())


SHAPE = _template()
"""(501,) one pulse over phase 0 to 1."""
_CUT = round(SYSTOLE * _POINTS)
SYSTOLIC_MEAN = float(SHAPE[: _CUT + 1].mean())
DIASTOLIC_MEAN = float(SHAPE[_CUT:].mean())


@dataclass(frozen=True, slots=True)
class Beats:
    """A run of beats, oldest first; every array is (beat,)."""

    onset_s: Floats
    """Seconds since the start."""
    interval_s: Floats
    mean: Floats
    """mmHg."""
    pulse: Floats
    """Pulse pressure, mmHg."""

    @property
    def systole(self) -> Floats:
        """Share of the beat that is systole (Weissler: left ventricular ejection time over rate)."""
        return np.clip((0.413 - 0.0017 * 60 / self.interval_s) / self.interval_s, 0.2, 0.6)

    @property
    def diastolic(self) -> Floats:
        """mmHg, such that the wave's mean over the beat is `mean`."""
        share = self.systole * SYSTOLIC_MEAN + (1 - self.systole) * DIASTOLIC_MEAN
        return np.asarray(self.mean - share * self.pulse)

    def between(self, first_s: float, last_s: float) -> Beats:
        """Give the beats with an onset in (first, last]."""
        low, high = np.searchsorted(self.onset_s, (first_s, last_s), side="right")
        return self._cut(slice(low, high))

    def under(self, t_s: Floats) -> Beats:
        """Give the beat that each time falls into, with the neighbours that the wave joins on to."""
        low, high = np.searchsorted(self.onset_s, (t_s[0], t_s[-1]), side="right")
        return self._cut(slice(max(low - 1, 0), high + 1))

    def _cut(self, part: slice) -> Beats:
        return Beats(self.onset_s[part], self.interval_s[part], self.mean[part], self.pulse[part])

    def joined(self, more: Beats) -> Beats:
        """Give these beats and then `more`."""
        pairs = zip(self._arrays(), more._arrays(), strict=True)
        return Beats(*(np.concatenate(pair) for pair in pairs))

    def _arrays(self) -> tuple[Floats, Floats, Floats, Floats]:
        return self.onset_s, self.interval_s, self.mean, self.pulse


def pulses(beats: Beats, t_s: Floats) -> tuple[Floats, Floats, NDArray[np.intp]]:
    """Give the unit pulse (n,), the phase (n,) and the beat's index (n,) at times inside `beats`."""
    index = np.clip(np.searchsorted(beats.onset_s, t_s, side="right") - 1, 0, len(beats.onset_s) - 2)
    phase = np.clip((t_s - beats.onset_s[index]) / np.diff(beats.onset_s)[index], 0.0, 1.0)
    systole = beats.systole[index]
    warped = np.where(
        phase < systole, phase * SYSTOLE / systole, 1 - (1 - phase) * (1 - SYSTOLE) / (1 - systole)
    )
    return SHAPE[np.minimum((warped * _POINTS + 0.5).astype(np.intp), _POINTS)], phase, index


def arterial(beats: Beats, t_s: Floats) -> Floats:
    """Give the arterial pressure at times inside `beats`, (n,) mmHg; a beat runs off to the next foot."""
    beats = beats.under(t_s)
    pulse, phase, index = pulses(beats, t_s)
    foot = beats.diastolic
    return np.asarray(foot[index] + (foot[index + 1] - foot[index]) * phase + beats.pulse[index] * pulse)


def pleth(beats: Beats, t_s: Floats) -> Floats:
    """Give the plethysmogram at times inside `beats`, (n,) without unit; blunter than the pressure."""
    beats = beats.under(t_s)
    pulse, _phase, index = pulses(beats, t_s)
    return np.asarray(50 + beats.pulse[index] * (np.sqrt(pulse) - 0.4))
