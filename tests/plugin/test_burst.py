"""The bursts, measured as a test house would: envelope and spectrum against the table of the standard."""

from __future__ import annotations

import io
import wave

import numpy as np
import pytest

from barocast.plugin.sinks.burst import PATTERNS, PEAK, RATE_HZ, burst, wav
from barocast.runtime.alarm.rules import Priority

TOLERANCE_S = 0.002
TOLERANCE_HZ = 1.0

TABLE = {  # priority: pulses, t_d range, spacing range, interval range, all in seconds
    Priority.HIGH: (10, (0.075, 0.200), (0.050, 0.125), (2.5, 15.0)),
    Priority.MEDIUM: (3, (0.125, 0.250), (0.125, 0.250), (2.5, 30.0)),
    Priority.LOW: (2, (0.125, 0.250), (0.125, 0.250), (15.0, np.inf)),
}


def envelope(samples: np.ndarray, fundamental_hz: float) -> np.ndarray:
    """Level of the fundamental, demodulated and averaged over two periods, 1 at its largest."""
    t_s = np.arange(samples.size) / RATE_HZ
    mixed = samples * np.exp(-2j * np.pi * fundamental_hz * t_s)
    window = np.hanning(2 * round(RATE_HZ / fundamental_hz) + 1)
    level = np.abs(np.convolve(mixed, window, mode="same"))
    return level / level.max()


def crossings(level: np.ndarray, at: float) -> tuple[np.ndarray, np.ndarray]:
    """Seconds at which the envelope rises and falls through a level."""
    above = np.concatenate([[False], level >= at, [False]]).astype(int)
    edges = np.diff(above)
    return np.flatnonzero(edges == 1) / RATE_HZ, np.flatnonzero(edges == -1) / RATE_HZ


def measured(priority: Priority) -> tuple[np.ndarray, np.ndarray]:
    """Pulse durations and spacings between the 90 % points."""
    ups, downs = crossings(envelope(burst(priority), PATTERNS[priority].fundamental_hz), 0.9)
    return downs - ups, ups[1:] - downs[:-1]


def within(values: np.ndarray, low_high: tuple[float, float], tolerance: float = TOLERANCE_S) -> bool:
    return bool(np.all((values >= low_high[0] - tolerance) & (values <= low_high[1] + tolerance)))


@pytest.mark.parametrize("priority", Priority)
def test_number_and_length_of_the_pulses_are_those_of_the_table(priority: Priority):
    pulses, duration_s, _, _ = TABLE[priority]

    durations, _ = measured(priority)

    assert durations.size == pulses
    assert within(durations, duration_s)
    assert np.allclose(durations, PATTERNS[priority].pulse_s, atol=TOLERANCE_S)


@pytest.mark.parametrize("priority", [Priority.MEDIUM, Priority.LOW])
def test_spacing_is_that_of_the_table(priority: Priority):
    _, spacings = measured(priority)

    assert within(spacings, TABLE[priority][2])


def test_the_high_burst_is_three_and_two_twice_over():
    durations, spacings = measured(Priority.HIGH)
    spacing_s, third_s, middle_s = spacings[0], spacings[2], spacings[4]

    assert within(np.delete(spacings, [2, 4, 7]), TABLE[Priority.HIGH][2])
    assert third_s == pytest.approx(2 * spacing_s + durations[0], abs=2 * TOLERANCE_S)
    assert 0.35 <= middle_s <= 1.30
    assert spacings[:4] == pytest.approx(spacings[5:], abs=TOLERANCE_S)


@pytest.mark.parametrize("priority", Priority)
def test_pulses_rise_in_ten_to_twenty_percent_and_fall_before_the_next_rises(priority: Priority):
    level = envelope(burst(priority), PATTERNS[priority].fundamental_hz)
    low_up, low_down = crossings(level, 0.1)
    high_up, high_down = crossings(level, 0.9)
    rises, falls, spacings = high_up - low_up, low_down - high_down, high_up[1:] - high_down[:-1]

    shares = rises / (high_down - high_up)
    assert within(shares, (0.10, 0.20), TOLERANCE_S / PATTERNS[priority].pulse_s)
    assert np.all(falls[:-1] <= spacings - rises[1:] + TOLERANCE_S)


@pytest.mark.parametrize("priority", Priority)
def test_spectrum_has_four_strong_components_between_150_hz_and_4_khz(priority: Priority):
    pattern = PATTERNS[priority]
    start = int((pattern.ramp_s + 0.005) * RATE_HZ)
    plateau = burst(priority)[start : start + int(0.1 * RATE_HZ)]
    spectrum = np.abs(np.fft.rfft(plateau * np.hanning(plateau.size), n=2**19))
    step_hz = RATE_HZ / 2**19
    peak_hz, peak_db = [], []
    for order in range(1, 6):
        middle = round(order * pattern.fundamental_hz / step_hz)
        half = int(50 / step_hz)
        best = middle - half + int(np.argmax(spectrum[middle - half : middle + half]))
        peak_hz.append(best * step_hz)
        peak_db.append(20 * np.log10(spectrum[best]))

    assert np.allclose(peak_hz, pattern.fundamental_hz * np.arange(1, 6), atol=TOLERANCE_HZ)
    assert 150 <= peak_hz[0] <= 1000
    assert max(peak_hz) <= 4000
    assert max(peak_db) - sorted(peak_db)[-4] <= 15


@pytest.mark.parametrize("priority", Priority)
def test_nothing_clips_and_pulses_differ_by_less_than_10_db(priority: Priority):
    samples = burst(priority)
    level = envelope(samples, PATTERNS[priority].fundamental_hz)
    ups, downs = crossings(level, 0.5)
    peaks = [
        np.abs(samples[int(a * RATE_HZ) : int(b * RATE_HZ)]).max() for a, b in zip(ups, downs, strict=True)
    ]

    assert np.abs(samples).max() == pytest.approx(PEAK)
    assert 20 * np.log10(max(peaks) / min(peaks)) <= 10
    assert (samples[0], abs(samples[-1]) < 0.01) == (0.0, True)


@pytest.mark.parametrize("priority", Priority)
def test_rest_between_bursts_is_that_of_the_table_even_when_told_5_s_late(priority: Priority):
    low_s, high_s = TABLE[priority][3]

    assert low_s <= PATTERNS[priority].interval_s
    assert PATTERNS[priority].interval_s + 5.0 <= high_s


def test_wav_is_mono_16_bit_at_44100_hz():
    samples = burst(Priority.MEDIUM)

    with wave.open(io.BytesIO(wav(samples))) as file:
        form = (file.getnchannels(), file.getsampwidth(), file.getframerate(), file.getnframes())
        packed = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    assert form == (1, 2, 44_100, samples.size)
    assert np.allclose(packed / 32767, samples, atol=1 / 32767)
