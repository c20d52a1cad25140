"""Error of the MAP quantiles, held against scikit-learn's pinball loss and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error as sk_mae
from sklearn.metrics import mean_pinball_loss

from barocast.calibration import forecast_error

OBSERVED = np.array([[70.0, np.nan, 60.0], [90.0, 80.0, np.nan]])
MEDIAN = np.array([[74.0, 70.0, 60.0], [84.0, 80.0, 80.0]])


def test_the_error_is_over_the_steps_with_an_observation():
    seen = np.isfinite(OBSERVED)

    assert forecast_error.mean_absolute_error(OBSERVED, MEDIAN) == pytest.approx(
        sk_mae(OBSERVED[seen], MEDIAN[seen])
    )


def test_crps_is_twice_the_mean_pinball_loss_of_scikit_learn():
    random = np.random.default_rng(0)
    observed = random.normal(75, 10, 500)
    quantiles = 75 + np.sort(random.normal(0, 10, (3, 500)), axis=0)
    losses = [
        mean_pinball_loss(observed, q, alpha=level)
        for q, level in zip(quantiles, forecast_error.QUANTILE_LEVELS, strict=True)
    ]

    assert forecast_error.crps(observed, quantiles) == pytest.approx(2 * np.mean(losses))


def test_three_quantiles_of_a_perfect_normal_give_11_percent_less_than_its_crps():
    observed = np.random.default_rng(0).normal(size=400_000)
    quantiles = np.array([-1.2815516, 0.0, 1.2815516])[:, None]
    exact = 1 / np.sqrt(np.pi)  # of a standard normal forecast of itself

    assert forecast_error.crps(observed, quantiles) / exact == pytest.approx(0.89, abs=0.005)


def test_crps_of_a_point_is_its_absolute_error():
    expected = forecast_error.mean_absolute_error(OBSERVED, MEDIAN)

    assert forecast_error.crps(OBSERVED, MEDIAN[None], (0.5,)) == pytest.approx(expected)


def test_coverage_and_width_leave_out_what_was_not_observed():
    low, high = MEDIAN - 5, MEDIAN + np.array([[5, 50, 5], [5, 5, 50]])

    assert forecast_error.coverage(OBSERVED, low, high) == 0.75
    assert forecast_error.mean_width(OBSERVED, low, high) == 10


def test_without_an_observation_there_is_no_figure():
    nothing = np.full((2, 2), np.nan)

    assert np.isnan(forecast_error.coverage(nothing, nothing, nothing))
    assert np.isnan(forecast_error.mean_absolute_error(nothing, np.zeros((2, 2))))
