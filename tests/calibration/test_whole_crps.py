"""The CRPS of the distribution that three quantiles stand for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barocast.calibration.forecast_error import QUANTILE_LEVELS, crps
from barocast.calibration.whole_crps import Z_90, whole_crps


def _quantiles(middle, left_sd, right_sd):
    return np.array([middle - Z_90 * left_sd, middle, middle + Z_90 * right_sd])


def _draws(middle, left_sd, right_sd, n=40_001):
    """Even draws of the distribution: half a normal on either side."""
    levels = (np.arange(n) + 0.5) / n
    normal = np.sort(np.random.default_rng(0).normal(size=n))
    return middle + np.where(levels < 0.5, left_sd, right_sd) * normal


def test_equal_quantiles_score_their_absolute_error():
    found = whole_crps(np.array([60.0, 80.0]), np.full((3, 2), 75.0))

    assert found == pytest.approx([15.0, 5.0])


def test_a_normal_forecast_that_holds_scores_its_known_mean():
    observed = _draws(75, 6, 6)

    found = whole_crps(observed, np.repeat(_quantiles(75, 6, 6)[:, None], observed.size, axis=1)).mean()

    assert found == pytest.approx(6 / np.sqrt(np.pi), rel=0.01)


@pytest.mark.parametrize("observed", [58.0, 74.0, 75.0, 76.5, 99.0])
def test_the_score_is_that_of_draws_from_the_distribution(observed):
    x = _draws(75, 4, 9)
    ranks = 2 * np.arange(x.size) - x.size + 1
    by_draws = np.abs(x - observed).mean() - (ranks * np.sort(x)).sum() / x.size**2

    found = whole_crps(np.array([observed]), _quantiles(75, 4, 9)[:, None])

    assert found[0] == pytest.approx(by_draws, abs=0.1)


def test_three_quantiles_alone_tell_less_than_the_whole():
    observed = _draws(75, 6, 6)
    quantiles = np.repeat(_quantiles(75, 6, 6)[:, None], observed.size, axis=1)

    share = crps(observed, quantiles, QUANTILE_LEVELS) / whole_crps(observed, quantiles).mean()

    assert share == pytest.approx(0.89, abs=0.01)


def test_what_was_not_observed_has_no_score():
    assert np.isnan(whole_crps(np.array([np.nan]), np.array([[70.0], [75.0], [80.0]]))).all()


@settings(deadline=None, max_examples=100)
@given(st.floats(30, 150), st.floats(0, 20), st.floats(0, 20), st.floats(20, 200))
def test_no_score_is_below_zero_or_above_the_absolute_error_and_the_widths(middle, left, right, observed):
    found = whole_crps(np.array([observed]), _quantiles(middle, left, right)[:, None])[0]

    assert -1e-6 <= found <= abs(observed - middle) + left + right + 1e-6
