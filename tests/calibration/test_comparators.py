"""Comparators: their features by hand, and that each can be fitted and ranks as it should."""

from __future__ import annotations

import numpy as np
import pytest

from barocast.calibration.comparators import COMPARATORS, NUMERIC, STATIC, numeric_features, score

STEP_S = 10.0


def _row(series, at, name):
    return numeric_features(series, np.array([at]), STEP_S)[0, NUMERIC.index(name)]


def test_features_of_a_falling_line():
    series = 100 - 0.1 * np.arange(200.0)  # 0.6 mmHg a minute

    assert _row(series, 150, "slope_3min") == pytest.approx(-0.6)
    assert _row(series, 150, "mean_1min") == pytest.approx(series[145:151].mean())
    assert _row(series, 150, "min_5min") == pytest.approx(series[150])
    assert _row(series, 150, "max_15min") == pytest.approx(series[61])
    assert _row(series, 150, "case_min") == pytest.approx(series[150])
    assert _row(series, 150, "minutes") == pytest.approx(25.0)


def test_features_see_nothing_after_their_row():
    series = np.random.default_rng(0).normal(75, 8, 400)
    changed = series.copy()
    changed[201:] = 40

    np.testing.assert_array_equal(
        numeric_features(series, np.array([150, 200]), STEP_S),
        numeric_features(changed, np.array([150, 200]), STEP_S),
    )


def test_gaps_are_left_out_of_every_feature():
    series = np.full(200, 80.0)
    series[100:120] = np.nan
    series[120:126] = 60

    assert _row(series, 130, "case_mean") == pytest.approx((105 * 80 + 6 * 60) / 111)
    assert _row(series, 130, "past_events") == 1
    assert _row(series, 130, "samples_below_65") == 6


def test_the_72_alarm_needs_the_whole_minute():
    series = np.full(200, 80.0)
    series[145:151] = 70

    assert _row(series, 149, "below_72") == 0
    assert _row(series, 150, "below_72") == 1


@pytest.mark.parametrize("name", COMPARATORS)
def test_every_comparator_ranks_low_and_falling_pressure_as_riskier(name):
    pytest.importorskip("lightgbm", reason="needs the validate extra")
    random = np.random.default_rng(0)
    rows = random.normal(size=(3000, len(NUMERIC) + len(STATIC)))
    current, slope2, slope3 = (NUMERIC.index(c) for c in ("current", "slope_2min", "slope_3min"))
    low = random.random(3000) < 0.3
    labels = np.where(random.random(3000) < 0.02, np.nan, low.astype(float))
    rows[:, current] = np.where(low, 68, 90) + random.normal(0, 2, 3000)
    rows[:, NUMERIC.index("below_72")] = rows[:, current] < 72
    rows[:, [0, 4]] = rows[:, [current, slope2]]
    rows[:, slope3] = np.where(low, -1, 1)

    scores = score(name, (rows[:2000], labels[:2000]), rows[2000:], 10)

    assert scores.shape == (1000,)
    assert scores[low[2000:]].mean() > scores[~low[2000:]].mean()
