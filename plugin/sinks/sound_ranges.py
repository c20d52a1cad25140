"""The standard's table of alarm sounds, and what of a measured sound lies outside it, in figures.

    faults(measured, sound) -> ["pulse 2 lasts 320.4 ms, not 125 to 250 ms", ...]

Tables 3 and 4 of IEC 60601-1-8 (2006, A1:2012, A2:2020), taken from secondary sources: conformity is not
claimed. A figure that misses a range by no more than the tolerance of the measurement counts as inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.plugin.sinks.burst import Sound
from barocast.plugin.sinks.sound_measure import SPREAD_DB

if TYPE_CHECKING:
    from collections.abc import Iterator

    from barocast.plugin.sinks.sound_measure import Measured, Pulse

TOLERANCE_S: Final = 0.002
TOLERANCE_HZ: Final = 1.0
RISE: Final = (0.10, 0.20)
"""Rise time as a share of t_d."""
MIDDLE_S: Final = (0.35, 1.30)
"""High: from the 5th pulse to the 6th."""
FUNDAMENTAL_HZ: Final = (150.0, 1000.0)
"""One of the four largest components lies here."""
COMPONENTS_HZ: Final = (150.0, 4000.0)
COMPONENTS: Final = 4
"""So many at least lie there."""
LEVELS_DB: Final = 10.0
"""Most between the peaks of two pulses."""
GROUP: Final = 5
"""High: pulses before the long rest and after it."""
THIRD: Final = (2, 7)
"""High: the spacings after the 3rd pulse of each group."""


@dataclass(frozen=True, slots=True)
class Ranges:
    """One column of the table; ends included."""

    pulses: tuple[int, ...]
    """The numbers of pulses that are right."""
    length_s: tuple[float, float]
    """Effective pulse duration t_d."""
    spacing_s: tuple[float, float]
    interval_s: tuple[float, float]
    """From the end of a burst to the start of the next."""


RANGES: Final = {
    Sound.HIGH: Ranges((10,), (0.075, 0.200), (0.050, 0.125), (2.5, 15.0)),
    Sound.MEDIUM: Ranges((3,), (0.125, 0.250), (0.125, 0.250), (2.5, 30.0)),
    Sound.LOW: Ranges((1, 2), (0.125, 0.250), (0.125, 0.250), (15.0, float("inf"))),
    Sound.REMINDER: Ranges((1, 2), (0.125, 0.250), (0.125, 0.250), (15.0, float("inf"))),
}


def faults(measured: Measured, sound: Sound) -> list[str]:
    """Say each figure that is outside the ranges of that sound; an empty list: all are inside."""
    ranges = RANGES[sound]
    if len(measured.pulses) not in ranges.pulses:
        wanted = " or ".join(map(str, ranges.pulses))
        return [f"has {len(measured.pulses)} pulses, not {wanted}"]
    found = [*_levels(measured)]
    for number, pulse in enumerate(measured.pulses, start=1):
        found += [f"pulse {number} {said}" for said in _of_pulse(pulse, ranges)]
    return [*found, *_spacings(measured, sound), *_falls(measured)]


def _levels(measured: Measured) -> Iterator[str]:
    if measured.clipped:
        yield "clips"
    if measured.spread_db > LEVELS_DB:
        yield f"has pulses that differ by {measured.spread_db:.1f} dB, not by {LEVELS_DB:g} dB at most"


def _of_pulse(pulse: Pulse, ranges: Ranges) -> Iterator[str]:
    if _outside(pulse.length_s, ranges.length_s):
        yield f"lasts {_range(pulse.length_s, ranges.length_s)}"
    rises_s = (RISE[0] * pulse.length_s, RISE[1] * pulse.length_s)
    if _outside(pulse.rise_s, rises_s):
        yield f"rises in {_range(pulse.rise_s, rises_s)}"
    low, high = FUNDAMENTAL_HZ
    if not any(low - TOLERANCE_HZ <= hertz <= high + TOLERANCE_HZ for hertz, _ in pulse.strongest):
        yield f"has none of its four largest components in {low:g} to {high:g} Hz"
    low, high = COMPONENTS_HZ
    heard = [at for at in pulse.components if low - TOLERANCE_HZ <= at[0] <= high + TOLERANCE_HZ]
    if len(heard) < COMPONENTS:
        yield f"has {len(heard)} components in {low:g} to {high:g} Hz, not {COMPONENTS} or more"
    elif (spread_db := pulse.strongest[-1][1]) > SPREAD_DB:
        yield f"has its four largest components within {spread_db:.1f} dB, not {SPREAD_DB:g} dB"


def _spacings(measured: Measured, sound: Sound) -> Iterator[str]:
    spacings_s = measured.spacings_s
    special = _special(measured) if sound is Sound.HIGH else {}
    for number, spacing_s in enumerate(spacings_s):
        allowed = special.get(number, RANGES[sound].spacing_s)
        if _outside(spacing_s, allowed):
            yield f"rests {_range(spacing_s, allowed)} after pulse {number + 1}"


def _special(measured: Measured) -> dict[int, tuple[float, float]]:
    """Give the spacings of a high burst that are not its x: 2x + t_d, and the long one."""
    plain = [s for i, s in enumerate(measured.spacings_s) if i not in {*THIRD, GROUP - 1}]
    third_s = 2 * float(np.mean(plain)) + float(np.mean([pulse.length_s for pulse in measured.pulses]))
    # Three measured figures make it up: each may be off by the tolerance, one of which `_outside` gives.
    wide = (third_s - 2 * TOLERANCE_S, third_s + 2 * TOLERANCE_S)
    return {GROUP - 1: MIDDLE_S, **dict.fromkeys(THIRD, wide)}


def _falls(measured: Measured) -> Iterator[str]:
    rests = zip(measured.pulses, measured.pulses[1:], measured.spacings_s, strict=False)
    for number, (pulse, after, spacing_s) in enumerate(rests, start=1):
        most_s = spacing_s - after.rise_s
        if pulse.fall_s > most_s + TOLERANCE_S:
            yield f"pulse {number} falls in {1000 * pulse.fall_s:.1f} ms, not {1000 * most_s:.1f} ms at most"


def _outside(seconds: float, ends: tuple[float, float]) -> bool:
    return not ends[0] - TOLERANCE_S <= seconds <= ends[1] + TOLERANCE_S


def _range(seconds: float, ends: tuple[float, float]) -> str:
    return f"{1000 * seconds:.1f} ms, not {1000 * ends[0]:.0f} to {1000 * ends[1]:.0f} ms"
