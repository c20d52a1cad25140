"""Channels beside MAP: the teacher sees what the bedside's timeline would have shown it, and no more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from barocast.export.cohort import Case
from barocast.export.fusion.channels import seen_on
from barocast.export.fusion.outcomes import OUTCOMES, outcomes_of
from barocast.export.rows import make_rows
from barocast.runtime.domain import Patient, Sample
from barocast.runtime.timeline import STEP_S, Timeline

CHANNELS = ("ABP_MEAN", "HR", "SPO2")
UNITS = {"ABP_MEAN": "mmHg", "HR": "1/min", "SPO2": "%"}


def case(number: int, **others: np.ndarray) -> Case:
    random = np.random.default_rng(number)
    mmhg = 78 + random.normal(0, 2, 300)
    return Case(str(number), f"s{number}", "vitaldb_or", mmhg, Patient(), "made up", 0.0, 0.0, others)


@pytest.fixture
def cases() -> list[Case]:
    random = np.random.default_rng(9)
    heart, oxygen = random.uniform(55, 90, 300), np.full(300, 98.0)
    heart[random.random(300) < 0.2] = np.nan
    oxygen[200:220] = 84.0
    return [case(0, HR=heart, SPO2=oxygen), case(1)]


def on_the_timeline(given: Case, at: int) -> tuple[np.ndarray, np.ndarray]:
    timeline = Timeline(CHANNELS)
    for column in range(at + 1):
        told = {name: float(values[column]) for name, values in given.channels.items()}
        heard = [
            Sample(name, "made up", column * STEP_S, value, UNITS[name], valid=not np.isnan(value))
            for name, value in told.items()
        ]
        timeline.take(heard)
    window = timeline.window(at * STEP_S)
    return np.where(window.mask, window.values, 0), window.mask


def test_a_window_of_several_channels_is_the_timelines_own(cases):
    rows = seen_on(make_rows(cases[:1], every=8), cases, CHANNELS)

    assert len(rows) > 3
    for row in range(len(rows)):
        series, mask = on_the_timeline(cases[0], int(rows.at[row]))
        np.testing.assert_allclose(rows.series[row], series, rtol=1e-6)
        assert np.array_equal(rows.mask[row], mask)


def test_a_case_without_a_channel_shows_it_as_missing(cases):
    rows = seen_on(make_rows(cases, every=20), cases, CHANNELS)

    assert rows.mask[rows.case == 1, 1:].max() == 0
    assert rows.mask[rows.case == 0, 1:].max() == 1


def test_a_network_of_map_alone_sees_rows_as_they_are(cases):
    rows = make_rows(cases, every=20)

    assert seen_on(rows, cases, ("ABP_MEAN",)) is rows


def test_outcomes_of_channels_are_known_where_the_case_has_them(cases):
    rows = make_rows(cases, every=5)
    labels = outcomes_of(cases, rows)[:, OUTCOMES.index("hypoxaemia")]

    assert np.isnan(labels[rows.case == 1]).all()
    assert set(labels[rows.case == 0]) >= {0.0, 1.0}
    alone = outcomes_of([replace(cases[0], others={}), cases[1]], rows)
    assert np.isnan(alone[:, OUTCOMES.index("hypoxaemia")]).all()
