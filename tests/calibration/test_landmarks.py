"""Landmarks and labels, against an independent, slow reading of evaluation's definition."""

from __future__ import annotations

import numpy as np
import pytest

from barocast.calibration.events import find_events
from barocast.calibration.landmarks import find_all_windows, find_landmarks

STEP_S = 10.0


def _series(minutes: float, mmhg: float = 80.0):
    return np.full(round(minutes * 6), mmhg)


def _slow(series):
    """Yield (column, labels) one landmark at a time, in plain words."""
    events = find_events(series, STEP_S)
    for i in range(90, series.size, 3):
        recent, current = series[i - 89 : i + 1], series[i - 2 : i + 1]
        if np.isfinite(recent).sum() < 63 or not np.isfinite(current).any() or np.nanmean(current) < 65:
            continue
        if any(event.start <= i < event.stop + 12 for event in events):
            continue
        labels = []
        for ahead in (30, 60, 90):
            onset = any(i < event.start <= i + ahead for event in events)
            seen = np.isfinite(series[i + 1 : i + 1 + ahead]).sum() >= 0.7 * ahead
            labels.append(1.0 if onset else 0.0 if seen else np.nan)
        yield i, labels


@pytest.mark.parametrize("seed", range(6))
def test_landmarks_equal_the_definition_read_one_row_at_a_time(seed):
    random = np.random.default_rng(seed)
    walk = 74 + np.cumsum(random.normal(0, 1.5, 900)) * 0.4
    walk[random.random(900) < 0.08] = np.nan
    walk[300:340] = np.nan

    found = find_landmarks(walk, STEP_S)

    expected = list(_slow(walk))
    assert [i for i, _ in expected] == found.at.tolist()
    np.testing.assert_array_equal([labels for _, labels in expected], found.labels)


def test_an_onset_counts_from_the_first_landmark_whose_horizon_reaches_it():
    series = _series(60)
    series[240:252] = 55  # onset in column 240

    found = find_landmarks(series, STEP_S)

    positive = found.at[found.labels[:, 0] == 1]
    assert (positive.min(), positive.max()) == (210, 237)


def test_the_end_of_the_record_leaves_labels_unknown_not_negative():
    found = find_landmarks(_series(30), STEP_S)

    last = found.labels[-1]
    assert np.isnan(last).all()


def test_no_landmark_in_an_event_nor_within_two_minutes_after_it():
    series = _series(60)
    series[200:210] = 60

    found = find_landmarks(series, STEP_S)

    assert not ((found.at >= 200) & (found.at < 222)).any()
    assert 222 in found.at


def test_all_windows_keeps_hypotensive_moments_and_calls_them_positive():
    series = _series(60)
    series[200:216] = 60

    found = find_all_windows(series, STEP_S)

    inside = (found.at >= 200) & (found.at < 216)
    assert inside.any()
    assert (found.labels[inside] == 1).all()


def test_a_case_shorter_than_the_look_back_has_no_landmarks():
    assert find_landmarks(_series(14), STEP_S).at.size == 0
