"""The bursts, measured as a test house would: envelope and spectrum against the table of the standard."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
import pytest

from barocast.plugin.sinks.burst import PATTERNS, PEAK, RATE_HZ, Sound, burst
from barocast.plugin.sinks.sound_measure import Measured, measure
from barocast.plugin.sinks.sound_ranges import RANGES, TOLERANCE_HZ, TOLERANCE_S, faults

pytestmark = pytest.mark.req("ALM-02")


@lru_cache
def measured(sound: Sound) -> Measured:
    return measure(burst(sound), RATE_HZ)


@pytest.mark.parametrize("sound", Sound)
def test_every_figure_is_inside_the_table(sound: Sound):
    assert faults(measured(sound), sound) == []


@pytest.mark.parametrize(
    ("sound", "count"), [(Sound.HIGH, 10), (Sound.MEDIUM, 3), (Sound.LOW, 2), (Sound.REMINDER, 1)]
)
def test_pulses_are_as_many_and_as_long_as_the_pattern_says(sound: Sound, count: int):
    lengths_s = [pulse.length_s for pulse in measured(sound).pulses]

    assert lengths_s == pytest.approx([PATTERNS[sound].pulse_s] * count, abs=TOLERANCE_S)


@pytest.mark.parametrize("sound", Sound)
def test_rests_between_pulses_are_those_of_the_pattern(sound: Sound):
    assert measured(sound).spacings_s == pytest.approx(PATTERNS[sound].gaps_s, abs=TOLERANCE_S)


def test_the_high_burst_is_three_and_two_twice_over():
    high = measured(Sound.HIGH)
    spacings_s = high.spacings_s

    assert spacings_s[2] == pytest.approx(2 * spacings_s[0] + high.pulses[0].length_s, abs=2 * TOLERANCE_S)
    assert 0.35 <= spacings_s[4] <= 1.30
    assert spacings_s[:4] == pytest.approx(spacings_s[5:], abs=TOLERANCE_S)


@pytest.mark.parametrize("sound", Sound)
def test_rise_and_fall_are_those_of_the_ramps(sound: Sound):
    """15 % of the pulse: within the 10 to 20 % of the table."""
    rise_s = 0.15 * PATTERNS[sound].pulse_s
    found = [(pulse.rise_s, pulse.fall_s) for pulse in measured(sound).pulses]

    assert np.allclose(found, rise_s, atol=TOLERANCE_S)


@pytest.mark.parametrize("sound", Sound)
def test_harmonics_stand_where_and_as_loud_as_they_should(sound: Sound):
    for pulse in measured(sound).pulses:
        hertz, below_db = zip(*pulse.components, strict=True)

        assert hertz == pytest.approx(PATTERNS[sound].fundamental_hz * np.arange(1, 6), abs=TOLERANCE_HZ)
        assert below_db == pytest.approx([0, 3, 6, 9, 12], abs=0.5)


@pytest.mark.parametrize("sound", Sound)
def test_nothing_clips_and_a_burst_begins_and_ends_in_silence(sound: Sound):
    samples = burst(sound)

    assert measured(sound).peak == pytest.approx(PEAK)
    assert not measured(sound).clipped
    assert (samples[0], abs(samples[-1]) < 0.01) == (0.0, True)


@pytest.mark.parametrize("sound", Sound)
def test_rest_between_bursts_is_that_of_the_table_even_when_told_5_s_late(sound: Sound):
    low_s, high_s = RANGES[sound].interval_s

    assert low_s <= PATTERNS[sound].interval_s
    assert PATTERNS[sound].interval_s + 5.0 <= high_s


def test_priorities_differ_in_pitch_and_the_most_urgent_is_the_highest():
    pitches = [measured(sound).pulses[0].fundamental_hz for sound in (Sound.HIGH, Sound.MEDIUM, Sound.LOW)]

    assert all(above > below for above, below in pairwise(pitches))
