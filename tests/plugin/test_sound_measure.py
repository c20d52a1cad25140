"""The measurement itself: it finds what was put into a sound, and names the figure that is out of range."""

from __future__ import annotations

import numpy as np
import pytest

from barocast.plugin.sinks.burst import Sound
from barocast.plugin.sinks.sound_measure import Measured, Pulse, measure
from barocast.plugin.sinks.sound_ranges import faults

RATE_HZ = 48_000
pytestmark = pytest.mark.req("ALM-02")


def pulses(
    count: int = 3,
    length_s: float = 0.180,
    rest_s: float = 0.180,
    ramp_s: float = 0.034,
    hertz: float = 600.0,
    levels=(1.0, 0.7, 0.5, 0.35),
    loudness=None,
) -> np.ndarray:
    """Pulses with straight ramps: t_d and the rests hold between the 90 % points."""
    loudness = loudness or [0.5] * count
    corners, heights = [0.0], [0.0]
    for i in range(count):
        begin = 0.1 + i * (length_s + rest_s)  # 90 %
        corners += [begin - 0.9 * ramp_s, begin + 0.1 * ramp_s]
        corners += [begin + length_s - 0.1 * ramp_s, begin + length_s + 0.9 * ramp_s]
        heights += [0.0, loudness[i], loudness[i], 0.0]
    t_s = np.arange(round((corners[-1] + 0.1) * RATE_HZ)) / RATE_HZ
    tone = sum(a * np.sin(2 * np.pi * hertz * k * t_s) for k, a in enumerate(levels, 1))
    return np.interp(t_s, corners, heights) * tone / sum(levels)


@pytest.mark.parametrize("hertz", [160.0, 440.0, 990.0])
@pytest.mark.parametrize("length_s", [0.08, 0.2])
def test_what_was_put_in_is_measured_to_2_ms_and_1_hz(hertz: float, length_s: float):
    found = measure(pulses(length_s=length_s, rest_s=0.1, ramp_s=0.02, hertz=hertz), RATE_HZ)

    assert [pulse.length_s for pulse in found.pulses] == pytest.approx([length_s] * 3, abs=0.002)
    assert found.spacings_s == pytest.approx([0.1, 0.1], abs=0.002)
    assert [pulse.rise_s for pulse in found.pulses] == pytest.approx([0.016] * 3, abs=0.002)
    assert [pulse.fundamental_hz for pulse in found.pulses] == pytest.approx([hertz] * 3, abs=1.0)


def test_a_sound_inside_the_table_has_no_fault():
    assert faults(measure(pulses(), RATE_HZ), Sound.MEDIUM) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"count": 2}, "has 2 pulses, not 3"),
        ({"length_s": 0.320, "ramp_s": 0.06}, "pulse 1 lasts 319.6 ms, not 125 to 250 ms"),
        ({"rest_s": 0.300}, "rests 300.3 ms, not 125 to 250 ms after pulse 1"),
        ({"ramp_s": 0.006}, "pulse 1 rises in 5."),
        ({"hertz": 1500.0}, "pulse 1 has none of its four largest components in 150 to 1000 Hz"),
        ({"levels": (1.0, 0.5)}, "pulse 1 has 2 components in 150 to 4000 Hz, not 4 or more"),
        (
            {"levels": (1.0, 0.5, 0.5, 0.1)},
            "pulse 1 has its four largest components within 20.0 dB, not 15 dB",
        ),
        ({"loudness": [0.9, 0.9, 0.2]}, "has pulses that differ by 13.1 dB, not by 10 dB at most"),
    ],
)
def test_what_is_outside_is_named_with_its_figure(wrong: dict, said: str):
    found = faults(measure(pulses(**wrong), RATE_HZ), Sound.MEDIUM)

    assert any(fault.startswith(said) for fault in found), found


def test_a_high_burst_without_its_long_rest_is_told():
    found = faults(measure(pulses(10, 0.15, 0.1, 0.028), RATE_HZ), Sound.HIGH)

    assert "rests 100.2 ms, not 350 to 1300 ms after pulse 5" in found
    assert any(fault.endswith("after pulse 3") for fault in found)


def test_a_pulse_that_still_falls_when_the_next_one_rises_is_told():
    partials = tuple((600.0 * k, 3.0 * k - 3.0) for k in range(1, 5))
    two = [Pulse(start, start + 0.18, 0.03, 0.12, 0.5, partials) for start in (0.0, 0.31)]

    assert faults(Measured(tuple(two), 0.5, clipped=False), Sound.LOW) == [
        "pulse 1 falls in 120.0 ms, not 100.0 ms at most"
    ]


def test_clipping_is_seen():
    loud = np.clip(pulses() * 4, -1, 1)

    assert "clips" in faults(measure(loud, RATE_HZ), Sound.MEDIUM)


@pytest.mark.parametrize("samples", [np.zeros(RATE_HZ), np.zeros(0), np.ones(3)])
def test_silence_and_scraps_are_no_pulses(samples: np.ndarray):
    assert measure(samples, RATE_HZ).pulses == ()


def test_what_has_too_many_pulses_is_no_burst():
    with pytest.raises(ValueError, match="40 pulses are no burst"):
        measure(pulses(40, 0.03, 0.05, 0.005), RATE_HZ)
