"""The simulated patient: repeatable, on time, and one story in numbers, waves and artefacts."""

from __future__ import annotations

import time

import numpy as np
import pytest

from barocast.plugin.virtual.physiology import SimulatedPatient, onset_s
from barocast.plugin.virtual.scenario import SCENARIOS, Act, Fault, Happening, LineFault, Scenario
from barocast.runtime.domain import Patient, Reason, Sample, WaveChunk
from barocast.runtime.quality import NumericsGate
from barocast.runtime.tracks import CHANNELS, plausible
from barocast.runtime.waves.beats import BeatDetector
from barocast.runtime.waves.numerics import WaveNumerics

RATE_HZ = 125.0
ABP = ("ABP_SYS", "ABP_DIA", "ABP_MEAN")
MAINTENANCE = (Happening(0, Act.PROPOFOL, 3.0), Happening(0, Act.REMIFENTANIL, 3.0))


def short(*faults: LineFault, happenings: tuple[Happening, ...] = MAINTENANCE) -> Scenario:
    return Scenario("short", 600.0, Patient(), happenings, faults)


def derived(patient: SimulatedPatient, first_s: int, last_s: int) -> list[Sample]:
    numerics = WaveNumerics()
    return [
        sample
        for t in range(first_s, last_s)
        for sample in numerics.feed(
            WaveChunk("ABP_WAVE", "x", float(t), RATE_HZ, patient.wave("ABP_WAVE", t, 125, RATE_HZ), "mmHg")
        )
    ]


def ten_second_means(name: str, seed: int):
    scenario = SCENARIOS[name]
    return SimulatedPatient(scenario, seed).mean_pressure(scenario.duration_s).reshape(-1, 10).mean(axis=1)


def test_the_same_seed_is_the_same_patient_and_another_is_not():
    one, same, other = (SimulatedPatient(SCENARIOS["slow_bleed"], seed) for seed in (3, 3, 4))

    assert one.numerics(1500.0) == same.numerics(1500.0)
    assert one.mean_pressure(300.0).tolist() != other.mean_pressure(300.0).tolist()


def test_how_often_one_asks_changes_nothing():
    """Straight to the end, or second by second with waves in between: the same numbers."""
    often, once = (SimulatedPatient(SCENARIOS["slow_bleed"], 1) for _ in range(2))
    for t in range(0, 900, 7):
        often.numerics(float(t))
        often.wave("ABP_WAVE", float(t), 40, RATE_HZ)

    assert often.numerics(900.0) == once.numerics(900.0)
    assert often.numerics(300.0) == once.numerics(300.0)


@pytest.mark.parametrize("channel", ["ABP_WAVE", "PLETH_WAVE"])
@pytest.mark.parametrize("size", [1, 7, 32])
def test_waves_are_contiguous_however_they_are_cut(channel, size):
    whole = SimulatedPatient(SCENARIOS["stable"], 2).wave(channel, 0.0, 2100, RATE_HZ)
    patient = SimulatedPatient(SCENARIOS["stable"], 2)
    pieces = [patient.wave(channel, i / RATE_HZ, size, RATE_HZ) for i in range(0, 2100, size)]

    assert np.array_equal(np.concatenate(pieces)[:2100], whole)


def test_a_wave_that_is_not_simulated_is_missing():
    assert np.isnan(SimulatedPatient(short()).wave("ECG_WAVE", 0.0, 10, 500.0)).all()


@pytest.mark.parametrize("seed", range(6))
def test_a_slow_bleed_falls_late_and_below_65_for_more_than_three_minutes(seed):
    onset = onset_s(SCENARIOS["slow_bleed"], seed)
    grid = ten_second_means("slow_bleed", seed)

    assert onset is not None
    assert 32.5 * 60 <= onset <= 36 * 60
    assert (grid[int(onset / 10) :] < 65).sum() >= 18
    assert 80 <= grid[: 22 * 6].mean() <= 92
    assert grid[-6:].min() > 70


@pytest.mark.parametrize("seed", range(6))
def test_deep_anaesthesia_falls_by_vasodilation(seed):
    onset = onset_s(SCENARIOS["deep_anaesthesia"], seed)

    assert onset is not None
    assert 31.5 * 60 <= onset <= 36 * 60
    assert (ten_second_means("deep_anaesthesia", seed) < 65).sum() >= 18


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", ["stable", "artefacts"])
def test_a_stable_patient_stays_above_68(name, seed):
    assert onset_s(SCENARIOS[name], seed) is None
    assert ten_second_means(name, seed).min() >= 68


def test_a_fall_is_slow_at_first_and_accelerates():
    """The last three minutes before the onset fall at least twice as fast as the seven before them."""
    early, late = [], []
    for seed in range(6):
        onset = onset_s(SCENARIOS["slow_bleed"], seed)
        assert onset is not None
        minutes = (
            ten_second_means("slow_bleed", seed)[: int(onset / 10)].reshape(-1)[-60:].reshape(10, 6).mean(1)
        )
        early.append((minutes[0] - minutes[7]) / 7)
        late.append((minutes[7] - minutes[9]) / 2)

    assert np.mean(early) > 0
    assert np.mean(late) > 2 * np.mean(early)


def test_a_stable_pressure_wanders_as_real_ones_do():
    """About 3 to 5 mmHg over twenty minutes, and more at long times than at short ones."""
    grids = [ten_second_means("stable", seed)[48:168] for seed in range(8)]
    spread = np.mean([grid.std() for grid in grids])
    quick = np.mean([np.diff(grid).std() for grid in grids])

    assert 2.5 < spread < 5.0
    assert 0.5 < quick < spread


def test_a_bleed_is_answered_by_the_heart_and_a_pressor_lifts_the_pressure():
    bleeding = (*MAINTENANCE, Happening(60, Act.BLEED, 90.0))
    rescued = (*bleeding, Happening(420, Act.PHENYLEPHRINE, 150.0))
    dry, wet = SimulatedPatient(short(happenings=bleeding)), SimulatedPatient(short(happenings=rescued))

    assert dry.numerics(400.0)["HR"] > dry.numerics(50.0)["HR"]
    assert wet.numerics(520.0)["ABP_MEAN"] > dry.numerics(520.0)["ABP_MEAN"] + 5


def test_induction_lowers_the_pressure_of_a_patient_awake():
    patient = SimulatedPatient(SCENARIOS["induction"], 1)

    awake, asleep = patient.numerics(120.0), patient.numerics(400.0)

    assert awake["ABP_MEAN"] > 95
    assert awake["BIS"] > 90
    assert asleep["ABP_MEAN"] < awake["ABP_MEAN"] - 15


def test_every_number_is_a_canonical_channel_and_plausible():
    numbers = SimulatedPatient(SCENARIOS["slow_bleed"], 5).numerics(1234.0)

    assert set(numbers) <= set(CHANNELS)
    assert {"ABP_MEAN", "HR", "SPO2", "ETCO2", "RR", "TEMP", "NIBP_MEAN"} <= set(numbers)
    assert all(plausible(channel, value) for channel, value in numbers.items())


def test_the_cuff_measures_every_five_minutes():
    patient = SimulatedPatient(SCENARIOS["slow_bleed"], 5)

    readings = [patient.numerics(float(t))["NIBP_MEAN"] for t in range(0, 2700, 50)]

    assert all(len(set(readings[i : i + 6])) == 1 for i in range(0, len(readings) - 6, 6))
    assert len(set(readings)) > 4


@pytest.mark.parametrize("seed", range(3))
def test_the_wave_and_the_numbers_tell_one_story(seed):
    """What the detector reads off the wave is what the monitor shows, within 2 mmHg, through a bleed."""
    patient = SimulatedPatient(SCENARIOS["slow_bleed"], seed)
    errors: dict[str, list[float]] = {name: [] for name in ABP}
    for first in (60, 1500, 2040):
        for sample in derived(patient, first, first + 60):
            if sample.valid and sample.t_s is not None:
                shown = patient.numerics(sample.t_s)[str(sample.channel)]
                errors[str(sample.channel)].append(abs(sample.value - shown))

    assert all(len(e) > 140 for e in errors.values())
    assert all(np.mean(e) < 1 for e in errors.values())
    assert all(np.percentile(e, 95) < 2 for e in errors.values())


def test_the_beats_of_the_wave_come_at_the_heart_rate_shown():
    patient = SimulatedPatient(SCENARIOS["stable"], 4)
    chunk = WaveChunk("ABP_WAVE", "x", 0.0, RATE_HZ, patient.wave("ABP_WAVE", 0.0, 7500, RATE_HZ), "mmHg")

    beats = BeatDetector(RATE_HZ).feed(chunk)

    assert {beat.quality for beat in beats} == {None}
    assert 60 / np.mean([b.interval_s for b in beats]) == pytest.approx(patient.numerics(60.0)["HR"], abs=3)


NAMED = {
    Fault.FLUSH: Reason.FLUSH,
    Fault.ZEROING: Reason.ZEROING,
    Fault.DAMPING: Reason.FLAT,
    Fault.CUFF: Reason.FLAT,
    Fault.DISCONNECT: Reason.DISCONNECTED,
}


@pytest.mark.parametrize("fault", list(Fault))
def test_an_artefact_is_recognised_on_the_wave(fault):
    patient = SimulatedPatient(short(LineFault(120.0, 60.0, fault)), 1)

    means = {s.t_s: s for s in derived(patient, 60, 240) if s.channel == "ABP_MEAN"}

    assert {means[float(t)].reason for t in range(135, 165)} == {NAMED[fault]}
    assert all(means[float(t)].valid for t in [*range(70, 120), *range(195, 240)])


@pytest.mark.parametrize("fault", list(Fault))
def test_an_artefact_is_recognised_on_the_numbers(fault):
    patient = SimulatedPatient(short(LineFault(120.0, 60.0, fault)), 1)
    gate = NumericsGate()

    reasons = {}
    for t in range(60, 240):
        numbers = patient.numerics(float(t))
        marked = gate.feed([Sample(n, n, float(t), numbers[n], "mmHg") for n in ABP])
        reasons[t] = marked[2].reason

    assert {reasons[t] for t in range(135, 165)} == {NAMED[fault]}
    assert {reasons[t] for t in [*range(60, 120), *range(195, 240)]} == {None}


def test_a_simulation_runs_five_hundred_times_faster_than_life():
    patient = SimulatedPatient(SCENARIOS["slow_bleed"], 0)

    started = time.process_time()
    for t in range(600):
        patient.numerics(float(t))
        patient.wave("ABP_WAVE", float(t), 125, RATE_HZ)

    assert time.process_time() - started < 600 / 500


@pytest.mark.parametrize("seed", range(1, 9))
def test_a_drift_takes_its_time_and_ends_in_hypotension(seed):
    """Deepening anaesthesia and a small bleed: low-normal pressures for minutes before the event."""
    onset = onset_s(SCENARIOS["drift"], seed)

    assert onset is not None
    assert 20 * 60 <= onset <= 45 * 60
    assert ten_second_means("drift", seed)[-18:].mean() > 70
