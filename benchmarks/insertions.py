"""What happens to an arterial line, put into a real series: shapes of artefacts, in mmHg.

    of_wave(kind)(wave, rate_hz, random)       -> the wave as the transducer would tell it, (n,) -> (n,)
    of_numbers(kind)(numbers, random)          -> systole, diastole, mean once a second, (n, 3) -> (n, 3)
    shown(numbers, told, start, average_s)     -> what a monitor shows, which averages over `average_s`

Each shape fills the whole stretch that it is given. Lengths are drawn from `SECONDS`. The shapes follow what
is described of arterial lines (flush: a plateau of the pressure bag, then ringing; zeroing: open to air;
disconnected: noise around nothing, or a rail; damped: mean kept, pulse gone; clamped: no pulse, slow drift),
and nothing in here is taken from the rules that have to find them.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.random import Generator

    from barocast.runtime.domain import Floats

    OfWave: TypeAlias = Callable[[Floats, float, Generator], Floats]
    OfNumbers: TypeAlias = Callable[[Floats, Generator], Floats]

AVERAGES_S: Final = (4, 12)
"""Over which monitors average what they show: shortest, longest."""
BAG_MMHG: Final = (260.0, 320.0)
"""Pressure of a flush, by the bag."""
RAILS_MMHG: Final = (-40.0, 350.0)
"""What an amplifier shows without a transducer."""
RINGING: Final = (12.0, 0.15, 40.0)
"""Hz, seconds, mmHg of a catheter after a flush."""
BEAT_S: Final = 1.2
"""A little more than a beat: what a damped line averages over."""
KINK_S: Final = 5.0
"""In which the pulse of a kinked line dies away."""
SHIFT_MMHG: Final = (12.0, 30.0)
"""A transducer that slid off its holder, or was lifted."""

SECONDS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {
        "flush": (3, 15),
        "zeroing": (10, 60),
        "disconnected": (10, 180),
        "damped": (120, 300),
        "clamped": (20, 180),
        "level": (60, 300),
    }
)
"""Shortest and longest of each kind."""


# --- waves --------------------------------------------------------------------------------------


def _flush_wave(wave: Floats, rate_hz: float, random: Generator) -> Floats:
    hertz, decay_s, mmhg = RINGING
    ringing = min(len(wave) // 2, round(5 * decay_s * rate_hz))
    after_s = np.arange(ringing) / rate_hz
    told = np.full(len(wave), random.uniform(*BAG_MMHG)) + random.normal(0, 0.5, len(wave))
    swing = mmhg * np.exp(-after_s / decay_s) * np.cos(2 * np.pi * hertz * after_s)
    told[len(wave) - ringing :] = wave[len(wave) - ringing :] + swing
    return told


def _zeroing_wave(wave: Floats, rate_hz: float, random: Generator) -> Floats:  # noqa: ARG001 - as the others
    return random.uniform(-1, 1) + random.normal(0, 0.2, len(wave))


def _disconnected_wave(wave: Floats, rate_hz: float, random: Generator) -> Floats:  # noqa: ARG001 - likewise
    if random.random() < 0.5:  # noqa: PLR2004 - a coin
        return np.full(len(wave), random.choice(RAILS_MMHG))
    return random.uniform(-5, 5, len(wave))


def _damped_wave(wave: Floats, rate_hz: float, random: Generator) -> Floats:
    left = random.uniform(0.02, 0.15)
    mean = _moving_mean(wave, round(BEAT_S * rate_hz))
    return np.asarray(mean + left * (wave - mean))


def _clamped_wave(wave: Floats, rate_hz: float, random: Generator) -> Floats:
    mean = _moving_mean(wave, round(BEAT_S * rate_hz))[0]
    t_s = np.arange(len(wave)) / rate_hz
    level = mean + random.uniform(-0.1, 0.1) * t_s
    return np.asarray(level + (wave - mean) * np.exp(-t_s / (KINK_S / 3)) + random.normal(0, 0.2, len(wave)))


def _level_wave(wave: Floats, rate_hz: float, random: Generator) -> Floats:  # noqa: ARG001 - likewise
    return np.asarray(wave + _shift(random))


# --- numbers ------------------------------------------------------------------------------------


def _flush_numbers(numbers: Floats, random: Generator) -> Floats:
    return np.asarray(random.uniform(*BAG_MMHG) + random.normal(0, 0.5, numbers.shape))


def _zeroing_numbers(numbers: Floats, random: Generator) -> Floats:
    return np.asarray(random.uniform(-1, 1) + np.sort(random.normal(0, 0.2, numbers.shape))[:, [2, 0, 1]])


def _disconnected_numbers(numbers: Floats, random: Generator) -> Floats:
    if random.random() < 0.5:  # noqa: PLR2004 - a coin
        return np.full(numbers.shape, random.choice(RAILS_MMHG))
    return np.sort(random.uniform(-5, 5, numbers.shape))[:, [2, 0, 1]]


def _damped_numbers(numbers: Floats, random: Generator) -> Floats:
    mean = numbers[:, 2:]
    return np.asarray(mean + random.uniform(0.02, 0.15) * (numbers - mean))


def _clamped_numbers(numbers: Floats, random: Generator) -> Floats:
    t_s = np.arange(len(numbers))[:, None]
    level = numbers[0, 2] + random.uniform(-0.1, 0.1) * t_s
    return np.asarray(level + (numbers[0] - numbers[0, 2]) * np.exp(-t_s / (KINK_S / 3)))


def _level_numbers(numbers: Floats, random: Generator) -> Floats:
    return np.asarray(numbers + _shift(random))


def _shift(random: Generator) -> float:
    return float(random.choice((-1.0, 1.0)) * random.uniform(*SHIFT_MMHG))


def _moving_mean(wave: Floats, width: int) -> Floats:
    padded = np.pad(wave, (width // 2, width - 1 - width // 2), mode="edge")
    return np.asarray(np.convolve(padded, np.full(width, 1 / width), mode="valid"))


OF_WAVE: Final[Mapping[str, OfWave]] = MappingProxyType(
    {
        "flush": _flush_wave,
        "zeroing": _zeroing_wave,
        "disconnected": _disconnected_wave,
        "damped": _damped_wave,
        "clamped": _clamped_wave,
        "level": _level_wave,
    }
)
OF_NUMBERS: Final[Mapping[str, OfNumbers]] = MappingProxyType(
    {
        "flush": _flush_numbers,
        "zeroing": _zeroing_numbers,
        "disconnected": _disconnected_numbers,
        "damped": _damped_numbers,
        "clamped": _clamped_numbers,
        "level": _level_numbers,
    }
)


def shown(numbers: Floats, told: Floats, start: int, average_s: int) -> Floats:
    """Give numbers (n, k), one a second, as a monitor shows them whose line told `told` from `start` on.

    What the monitor shows is an average of the last `average_s`: it slides into an artefact and out of it.
    """
    off = np.zeros_like(numbers)
    off[start : start + len(told)] = told - numbers[start : start + len(told)]
    off = np.where(np.isnan(off), 0.0, off)
    total = np.cumsum(np.vstack([np.zeros((average_s, numbers.shape[1])), off]), axis=0)
    return np.asarray(numbers + (total[average_s:] - total[:-average_s]) / average_s)
