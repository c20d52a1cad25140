"""Labels of the further outcomes, on series made by hand on the 10 s grid."""

from __future__ import annotations

import numpy as np
import pytest

from barocast.export.cohort import Case
from barocast.export.fusion.outcomes import (
    DEFINITIONS,
    OUTCOMES,
    outcome_labels,
    outcomes_of,
)
from barocast.export.rows import make_rows
from barocast.runtime.domain import Patient

NOW = np.array([90])


def _series(usual, unusual=None, start=0, samples=0, size=200):
    series = np.full(size, float(usual))
    series[start : start + samples] = unusual
    return series


def _label(name, series, at=NOW):
    labels = outcome_labels({DEFINITIONS[name].channel: series}, at)
    return labels[:, OUTCOMES.index(name)].tolist()


@pytest.mark.parametrize(
    ("name", "usual", "unusual", "samples"),
    [
        ("map_below_55", 80, 54, 6),
        ("hypoxaemia", 98, 89, 12),
        ("bradycardia", 70, 49, 6),
        ("tachycardia", 70, 101, 6),
    ],
)
def test_an_episode_counts_from_its_own_length_and_limit_on(name, usual, unusual, samples):
    limit = DEFINITIONS[name].limit

    assert _label(name, _series(usual, unusual, 120, samples)) == [1]
    assert _label(name, _series(usual, unusual, 120, samples - 1)) == [0]
    assert _label(name, _series(usual, limit, 120, samples)) == [0]


def test_an_onset_counts_after_now_and_up_to_15_minutes_ahead():
    onsets = [91, 180, 181]

    assert [_label("map_below_55", _series(80, 50, onset, 10))[0] for onset in onsets] == [1, 1, 0]


def test_inside_an_episode_nothing_can_be_said_and_after_it_something_can():
    at = np.array([89, 90, 99, 100])

    labels = _label("bradycardia", _series(70, 45, 90, 10), at)

    assert labels[0] == 1
    assert np.isnan(labels[1:3]).all()
    assert labels[3] == 0


def test_too_little_that_follows_is_unknown_but_an_episode_is_one():
    gone = _series(70)
    gone[110:] = np.nan
    fallen = gone.copy()
    fallen[95:105] = 45

    assert np.isnan(_label("bradycardia", gone)).all()
    assert _label("bradycardia", fallen) == [1]


def test_a_channel_that_does_not_exist_has_no_label():
    labels = outcome_labels({"ABP_MEAN": _series(80)}, NOW)

    assert labels[0, OUTCOMES.index("map_below_55")] == 0
    assert np.isnan(labels[0, 1:]).all()


def _case(number, mmhg):
    return Case(str(number), str(number), "toy", mmhg, Patient(), "toy", np.nan, np.nan)


def test_each_row_is_labelled_on_its_own_case():
    cases = [_case(1, _series(80, 50, 150, 10, size=400)), _case(2, _series(80, size=400))]
    rows = make_rows(cases)

    labels = outcomes_of(cases, rows)[:, OUTCOMES.index("map_below_55")]

    assert (labels[(rows.case == 0) & (rows.at < 150)] == 1).all()
    assert not (labels[rows.case == 1] == 1).any()
