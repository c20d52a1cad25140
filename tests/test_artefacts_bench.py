"""The measurement of artefacts on made-up series: what it counts, and that it can fail."""

from __future__ import annotations

import numpy as np
import pytest

from barocast.runtime.bundle import default_bundle, read_bundle
from barocast.runtime.engines import OrtEngine
from barocast.runtime.quality import NumericsGate
from barocast.runtime.trust import trusted_keys
from benchmarks.artefact_hosts import Host, Plan, Told
from benchmarks.artefact_report import report
from benchmarks.artefacts import examine, plans
from benchmarks.insertions import OF_WAVE, SECONDS, shown

SECONDS_OF_CASE = 2600
RATE_HZ = 125.0


@pytest.fixture(scope="module")
def shipped():
    bundle = read_bundle(default_bundle(), trusted_keys().values())
    return bundle, OrtEngine(bundle)


def numbers(mean_mmhg: float = 76.0) -> np.ndarray:
    """A patient who wanders a little, well above any event."""
    t_s = np.arange(SECONDS_OF_CASE)
    mean = mean_mmhg + 2 * np.sin(t_s / 40) + np.random.default_rng(1).normal(0, 0.5, t_s.size)
    return np.round(np.stack([mean + 28, mean - 14, mean], axis=1))


def host(channels=(0, 1, 2), every_s=1) -> Host:
    return Host("made up", Told(numbers(), channels, every_s), None, each=1)


def plan(kind: str, seconds: int = 40, average_s: int = 8) -> Plan:
    return Plan(kind, 1200, seconds, average_s, seed=3)


@pytest.mark.req("P5")
@pytest.mark.parametrize("kind", ["flush", "zeroing", "disconnected"])
def test_an_artefact_is_shown_in_time_and_raises_no_alarm(shipped, kind):
    (found,) = examine(host(), [plan(kind)], *shipped)

    assert (found.told_in_full, found.seen, found.in_time) == (True, True, True)
    assert (found.during, found.after, found.lost) == (0, 0, 0)


@pytest.mark.req("P5")
def test_with_the_gate_switched_off_false_alarms_are_counted_and_nothing_is_shown(shipped, monkeypatch):
    monkeypatch.setattr(NumericsGate, "feed", lambda _, events: list(events))

    (found,) = examine(host(), [plan("zeroing")], *shipped)

    assert found.during + found.after > 0
    assert not found.seen


def test_a_mean_alone_does_not_claim_to_see_a_damped_line(shipped):
    (found,) = examine(host(channels=(2,), every_s=10), [plan("damped", 200)], *shipped)

    assert (found.told_in_full, found.seen) == (False, False)


def test_a_flush_that_is_shorter_than_the_average_is_not_told_in_full():
    assert host().tells(plan("flush", seconds=6, average_s=6))
    assert not host().tells(plan("flush", seconds=5, average_s=6))


def test_a_monitor_slides_into_an_artefact_and_out_of_it():
    steady = np.full((60, 1), 80.0)

    told = shown(steady, np.zeros((20, 1)), 20, 4)

    assert told[18:26, 0].tolist() == [80, 80, 60, 40, 20, 0, 0, 0]
    assert told[38:45, 0].tolist() == [0, 0, 20, 40, 60, 80, 80]


@pytest.mark.parametrize("kind", OF_WAVE)
def test_a_damped_wave_keeps_its_mean_and_every_kind_its_length(kind):
    t_s = np.arange(round(200 * RATE_HZ)) / RATE_HZ
    wave = 90 + 25 * np.sin(2 * np.pi * 1.2 * t_s)

    told = OF_WAVE[kind](wave, RATE_HZ, np.random.default_rng(5))

    assert told.shape == wave.shape
    assert not np.array_equal(told, wave)
    if kind == "damped":
        assert told.mean() == pytest.approx(90, abs=0.5)
        assert np.ptp(told) < 0.3 * np.ptp(wave)


def test_every_kind_is_drawn_at_a_place_with_history_where_the_pressure_was_measured():
    values = numbers()
    values[1500:2300] = np.nan
    gappy = Host("made up", Told(values, (0, 1, 2), 1), None, each=3)

    drawn = plans(gappy, np.random.default_rng(2))

    assert {one.kind for one in drawn} == set(SECONDS)
    assert all(one.start >= 900 and not np.isnan(values[one.start : one.stop]).any() for one in drawn)


def test_the_page_tells_how_many_were_made_by_an_artefact(shipped, monkeypatch):
    good = examine(host(), [plan("zeroing")], *shipped)
    monkeypatch.setattr(NumericsGate, "feed", lambda _, events: list(events))
    bad = examine(host(), [plan("zeroing")], *shipped)

    assert "**0 forecast alarms were made" in report(good, 1, "here", 1)
    assert "**0 forecast alarms were made" not in report(bad, 1, "here", 1)
