"""The beat detector and the numbers derived from a wave."""

from __future__ import annotations

import csv
import time
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_data import cohort

from barocast.runtime.domain import Reason, Sample, WaveChunk
from barocast.runtime.waves.beats import Beat, BeatDetector
from barocast.runtime.waves.numerics import WaveNumerics

SYS, DIA = 120.0, 70.0


def pulse_train(per_min: float, seconds: float, rate_hz: float, sys: float = SYS, dia: float = DIA):
    """A wave with a steep upstroke, an exponential run-off and a dicrotic wave a third as high, (n,) mmHg."""
    t = np.arange(int(seconds * rate_hz)) / rate_hz
    period = 60 / per_min
    into = (t % period) / min(period, 1.0)
    upstroke = np.clip(into / 0.12, 0, 1)
    runoff = np.exp(-np.clip(into - 0.12, 0, None) / 0.22)
    dicrotic = 0.3 * np.exp(-(((into - 0.45) / 0.06) ** 2))
    shape = upstroke * runoff + dicrotic
    return dia + (sys - dia) * (shape - shape.min()) / np.ptp(shape)


def chunks(wave, size: int, rate_hz: float = 125.0, start_s: float | None = 0.0) -> list[WaveChunk]:
    return [
        WaveChunk(
            "ABP_WAVE",
            "4A14",
            None if start_s is None else start_s + i / rate_hz,
            rate_hz,
            wave[i : i + size],
            "mmHg",
        )
        for i in range(0, len(wave), size)
    ]


def detect(wave, rate_hz: float = 125.0, size: int = 1000) -> list[Beat]:
    detector = BeatDetector(rate_hz)
    return [beat for chunk in chunks(wave, size, rate_hz) for beat in detector.feed(chunk)]


def derive(wave, size: int = 125, start_s: float | None = 0.0) -> list[Sample]:
    numerics = WaveNumerics()
    return [sample for chunk in chunks(wave, size, start_s=start_s) for sample in numerics.feed(chunk)]


def means(samples: list[Sample]) -> list[Sample]:
    return [sample for sample in samples if sample.channel == "ABP_MEAN"]


@pytest.mark.parametrize("rate_hz", [60.0, 100.0, 125.0, 240.0, 500.0])
@pytest.mark.parametrize("per_min", [30, 48, 75, 130, 180, 220])
def test_every_beat_is_found_once_at_any_rate(rate_hz, per_min):
    """No dicrotic wave is taken for a beat and none is lost, from 30 to 220 1/min."""
    beats = detect(pulse_train(per_min, 30, rate_hz), rate_hz)

    assert abs(len(beats) - 30 * per_min / 60) <= 2
    assert np.median([beat.interval_s for beat in beats]) == pytest.approx(60 / per_min, rel=0.03)
    assert {beat.quality for beat in beats} == {None}


def test_a_beat_carries_the_pressures_of_its_own_stretch_of_wave():
    wave = pulse_train(60, 20, 125.0)

    beat = detect(wave)[5]

    assert beat.systolic == pytest.approx(SYS, abs=0.5)
    assert beat.diastolic == pytest.approx(DIA, abs=0.5)
    assert beat.mean == pytest.approx(wave[125:250].mean(), abs=0.2)
    assert beat.t_s % 1 == pytest.approx(0.0, abs=0.04) or beat.t_s % 1 > 0.96


@pytest.mark.parametrize("size", [1, 7, 32])
def test_chunking_changes_nothing(size):
    wave = pulse_train(83, 25, 125.0) + np.random.default_rng(1).normal(0, 0.5, 3125)
    wave[1200:1210] = np.nan

    assert detect(wave, size=size) == detect(wave, size=1000)
    assert repr(derive(wave, size)) == repr(derive(wave, 1000))  # repr, because NaN is not itself


def test_a_gap_starts_anew_and_no_beat_spans_it():
    wave = pulse_train(60, 10, 125.0)
    detector = BeatDetector(125.0)

    beats = [b for start in (0.0, 100.4) for c in chunks(wave, 50, start_s=start) for b in detector.feed(c)]

    assert max(beat.interval_s for beat in beats) < 1.1
    assert min(beat.t_s for beat in beats if beat.t_s > 50) >= 100.4


def test_a_clock_that_drifts_against_the_samples_is_followed():
    """Ten parts in a thousand too slow a sampling is no gap, and the beats' times stay the device's."""
    wave = pulse_train(60, 40, 125.0)
    detector = BeatDetector(125.0)

    beats = [
        beat
        for i in range(0, len(wave), 125)
        for beat in detector.feed(
            WaveChunk("ABP_WAVE", "x", 1.01 * i / 125, 125.0, wave[i : i + 125], "mmHg")
        )
    ]

    assert len(beats) >= 36
    assert beats[-1].t_s == pytest.approx(1.01 * round(beats[-1].t_s / 1.01), abs=0.1)


def test_missing_samples_mark_the_beats_that_they_touch():
    wave = pulse_train(60, 20, 125.0)
    wave[1250 + 60 : 1250 + 70] = np.nan

    quality = Counter(beat.quality for beat in detect(wave))

    assert quality[Reason.MISSING] in {1, 2}
    assert quality[None] >= 15


def test_a_spike_marks_its_beat():
    wave = pulse_train(60, 20, 125.0)
    wave[1250 + 90] += 80

    assert Counter(beat.quality for beat in detect(wave))[Reason.SPIKE] == 1


@pytest.mark.parametrize("level", [0.0, 60.0, 300.0])
def test_a_still_line_has_no_beats(level):
    noise = np.random.default_rng(2).normal(0, 0.3, 125 * 30)

    assert detect(level + noise) == []


def test_another_sampling_rate_is_a_programming_error():
    with pytest.raises(ValueError, match="40"):
        BeatDetector(40.0)
    with pytest.raises(ValueError, match="250"):
        BeatDetector(125.0).feed(chunks(np.zeros(5), 5, 250.0)[0])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), min_size=1, max_size=40),
    st.integers(1, 400),
    st.sampled_from([0.0, 0.05, 3.0, -2.0, None]),
)
def test_no_signal_raises(values, size, jump_s):
    """Any values, any chunking, clocks that jump or stop: beats and numbers, never an exception."""
    wave = np.resize(np.array(values), 1500)
    detector, numerics = BeatDetector(125.0), WaveNumerics()
    seen: list[object] = []
    for i, chunk in enumerate(chunks(wave, size)):
        odd = i % 3 == 2
        t_s = None if jump_s is None or chunk.t_s is None else chunk.t_s + jump_s * odd
        moved = WaveChunk("ABP_WAVE", "x", t_s, 125.0, chunk.values, "mmHg")
        seen += [*detector.feed(moved), *numerics.feed(moved)]

    assert all(isinstance(item, (Beat, Sample)) for item in seen)


def test_numbers_come_once_a_second_and_agree_with_the_wave():
    wave = pulse_train(75, 60, 125.0)

    samples = derive(wave, 32)

    assert {s.code for s in samples} == {"derived"}
    assert [s.t_s for s in means(samples)] == [float(t) for t in range(1, 61)]
    last = {s.channel: s.value for s in samples[-3:]}
    assert last["ABP_SYS"] == pytest.approx(SYS, abs=0.5)
    assert last["ABP_DIA"] == pytest.approx(DIA, abs=1)
    assert last["ABP_MEAN"] == pytest.approx(wave[-1000:].mean(), abs=0.5)


def test_nothing_is_said_before_there_are_beats():
    first = means(derive(pulse_train(75, 10, 125.0)))[0]

    assert (first.valid, first.reason) == (False, Reason.MISSING)
    assert np.isnan(first.value)


FAULTS = {
    Reason.FLUSH: lambda wave: np.full(len(wave), 290.0),
    Reason.ZEROING: lambda wave: np.full(len(wave), 0.3),
    Reason.DISCONNECTED: lambda wave: np.full(len(wave), 6.0) + 0.5 * np.sin(np.arange(len(wave))),
    Reason.FLAT: lambda wave: wave.mean() + 0.1 * (wave - wave.mean()),
    Reason.MISSING: lambda wave: np.full(len(wave), np.nan),
}


@pytest.mark.parametrize("reason", FAULTS)
def test_an_artefact_is_named_and_over_soon_after_it_ends(reason):
    """From 20 to 40 s the line is at fault: nothing valid from 4 s in, valid again 8 s after, never off."""
    wave = pulse_train(75, 70, 125.0)
    truth = wave[:1000].mean()
    wave[2500:5000] = FAULTS[reason](wave[2500:5000])

    numbers = {s.t_s: s for s in means(derive(wave))}

    assert {numbers[float(t)].reason for t in range(25, 41)} == {reason}
    assert all(numbers[float(t)].valid for t in range(48, 70))
    assert all(abs(s.value - truth) < 4 for s in numbers.values() if s.valid)


def test_a_pulse_that_comes_back_large_is_not_counted_twice():
    """After a minute of damping the threshold is low; dicrotic waves must not pass for beats for long."""
    wave = pulse_train(75, 120, 125.0)
    wave[: 125 * 80] = wave.mean() + 0.25 * (wave[: 125 * 80] - wave.mean())

    after = [beat for beat in detect(wave) if beat.t_s > 83]

    assert {round(beat.interval_s, 1) for beat in after} == {0.8}


def test_a_true_low_with_a_pulse_is_kept():
    """48/28 mmHg is what the forecast is for, not an artefact."""
    samples = derive(pulse_train(110, 30, 125.0, sys=48, dia=28))

    assert samples[-1].valid
    assert samples[-1].value < 40


def test_a_chunk_that_the_monitor_marked_is_missing():
    wave = pulse_train(75, 20, 125.0)
    numerics = WaveNumerics()
    marked = [
        WaveChunk("ABP_WAVE", "x", c.t_s, 125.0, c.values, "mmHg", valid=False, reason=Reason.CALIBRATING)
        for c in chunks(wave, 125)
    ]

    samples = [s for c in marked for s in numerics.feed(c)]

    assert {s.reason for s in samples} == {Reason.MISSING}


def test_a_wave_without_a_clock_gives_numbers_without_a_time():
    samples = derive(pulse_train(75, 20, 125.0), start_s=None)

    assert {s.t_s for s in samples} == {None}
    assert samples[-1].valid


def test_a_wave_too_slow_to_place_a_foot_is_invalid_not_an_error():
    samples = WaveNumerics().feed(chunks(np.zeros(25), 25, 25.0)[0])

    assert {(s.valid, s.reason) for s in samples} == {(False, Reason.INVALID)}


def test_real_time_costs_less_than_a_hundredth_of_a_core():
    wave = pulse_train(75, 120, 125.0)

    started = time.process_time()
    derive(wave, 32)

    assert time.process_time() - started < 0.01 * 120


def test_a_real_operation_agrees_with_its_monitor():
    """MAP within 1 mmHg, systolic and diastolic within 2, on average, over half an hour of real wave."""
    wave = np.load(cohort("or_waveforms/sample_record.npz"))["abp_125hz"] / 16  # 16 counts per mmHg
    path = cohort("or_waveforms/sample_record_numerics_1hz.csv")
    with path.open() as lines:
        shown = {float(row["t_s"]): row for row in csv.DictReader(lines)}
    errors: dict[str, list[float]] = {"ABP_MEAN": [], "ABP_SYS": [], "ABP_DIA": []}
    for s in derive(wave, 128):
        if s.valid and s.t_s in shown and shown[s.t_s][str(s.channel)]:
            errors[str(s.channel)].append(abs(s.value - float(shown[s.t_s][str(s.channel)])))

    assert min(len(e) for e in errors.values()) > 1800
    assert np.mean(errors["ABP_MEAN"]) < 1
    assert np.mean(errors["ABP_SYS"]) < 2
    assert np.mean(errors["ABP_DIA"]) < 2


def test_real_intensive_care_waves_give_plausible_rates():
    records = np.load(cohort("icu_abp_2015/abp_125hz_int16_x50.npz"))
    good: list[Beat] = []
    for name in records.files[::12]:
        good += [beat for beat in detect(records[name] / 50) if beat.quality is None]

    assert len(good) > 5000
    assert np.mean([0.3 < beat.interval_s < 2 for beat in good]) > 0.98
