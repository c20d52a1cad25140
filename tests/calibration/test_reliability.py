"""Calibration figures, held against scikit-learn, statsmodels, calzone and known truths."""

from __future__ import annotations

import numpy as np
import pytest
from calzone.metrics import calculate_ece_mce, spiegelhalter_z_test
from sklearn import metrics as sk
from sklearn.linear_model import LogisticRegression
from statsmodels.nonparametric.smoothers_lowess import lowess

from barocast.calibration import reliability
from barocast.calibration.log_odds import logit, sigmoid


def _forecast(n=2000, seed=0, *, scale=1.0, shift=0.0):
    """Labels that follow a risk of known log-odds z, and the risk of scale * z + shift."""
    random = np.random.default_rng(seed)
    z = random.normal(-2, 1.3, n)
    labels = (random.random(n) < sigmoid(z)).astype(float)
    return labels, sigmoid(scale * z + shift)


@pytest.mark.parametrize("weighted", [False, True])
def test_brier_and_log_loss_equal_scikit_learn(weighted):
    labels, p = _forecast(scale=1.5)
    w = np.random.default_rng(1).integers(0, 4, p.size).astype(float) if weighted else None

    assert reliability.brier(labels, p, w) == pytest.approx(sk.brier_score_loss(labels, p, sample_weight=w))
    assert reliability.log_loss(labels, p, w) == pytest.approx(sk.log_loss(labels, p, sample_weight=w))


def test_scaled_brier_is_1_for_the_truth_and_0_for_the_prevalence():
    labels, _ = _forecast()

    assert reliability.scaled_brier(labels, labels) == 1
    assert reliability.scaled_brier(labels, np.full_like(labels, labels.mean())) == pytest.approx(0)
    assert np.isnan(reliability.scaled_brier(np.zeros(3), np.full(3, 0.1)))


def test_the_calibration_line_equals_an_unpenalised_logistic_regression():
    labels, p = _forecast(scale=0.6, shift=0.4)
    reference = LogisticRegression(C=np.inf, tol=1e-10).fit(logit(p)[:, None], labels)

    line = reliability.calibration_line(labels, p)

    assert line == pytest.approx((reference.coef_[0, 0], reference.intercept_[0]), abs=1e-4)


def test_a_calibrated_forecast_has_nothing_to_mend():
    labels, p = _forecast(60_000, seed=2)
    slope, intercept = reliability.calibration_line(labels, p)

    assert slope == pytest.approx(1, abs=0.03)
    assert intercept == pytest.approx(0, abs=0.06)
    assert reliability.observed_expected(labels, p) == pytest.approx(1, abs=0.03)
    assert reliability.calibration_in_the_large(labels, p) == pytest.approx(0, abs=0.04)
    assert abs(reliability.spiegelhalter_z(labels, p)) < 2.6
    assert reliability.ici(labels, p) < 0.01
    assert max(reliability.ece(labels, p), reliability.ece_equal_width(labels, p)) < 0.01


def test_scaled_log_odds_give_the_slope_that_undoes_them():
    labels, p = _forecast(60_000, seed=3, scale=2.0, shift=0.6)

    assert reliability.calibration_line(labels, p) == pytest.approx((0.5, -0.3), abs=0.05)


def test_a_forecast_of_twice_the_risk_has_half_the_events_expected():
    random = np.random.default_rng(4)
    p = random.uniform(0.1, 0.4, 20_000)
    labels = (random.random(p.size) < p).astype(float)

    assert reliability.observed_expected(labels, 2 * p) == pytest.approx(0.5, abs=0.02)
    assert reliability.ici(labels, 2 * p) == pytest.approx(0.25, abs=0.02)
    assert abs(reliability.spiegelhalter_z(labels, 2 * p)) > 1.96


def test_a_shifted_prevalence_is_the_shift_in_the_large():
    labels, p = _forecast(60_000, seed=5, shift=-0.8)

    assert reliability.calibration_in_the_large(labels, p) == pytest.approx(0.8, abs=0.04)
    assert reliability.observed_expected(labels, p) == pytest.approx(labels.mean() / p.mean())


def test_the_smooth_curve_is_the_loess_of_statsmodels():
    labels, p = _forecast(scale=1.6)
    expected = lowess(labels, p, frac=reliability.SMOOTH_SPAN, it=0, delta=0.0, return_sorted=False)

    at, observed = reliability.calibration_curve(labels, p)
    found = np.interp(p, at, observed)

    np.testing.assert_allclose(found, np.clip(expected, 0, 1), atol=2e-3)
    distances = np.abs(expected - p)
    assert reliability.ici(labels, p) == pytest.approx(distances.mean(), abs=5e-4)
    assert np.quantile(reliability.calibration_distances(labels, p), [0.5, 0.9]) == pytest.approx(
        np.quantile(distances, [0.5, 0.9]), abs=2e-3
    )


def test_a_forecast_that_never_changes_is_as_far_off_as_it_is():
    labels = np.array([0.0, 0.0, 1.0, 0.0])

    assert reliability.ici(labels, np.full(4, 0.4)) == pytest.approx(0.15)


def test_ece_equals_calzone():
    labels, p = _forecast(scale=1.5)
    for bins, ours in (
        (reliability.equal_mass_bins(p), reliability.ece(labels, p)),
        (reliability.equal_width_bins(p), reliability.ece_equal_width(labels, p)),
    ):
        filled = np.unique(bins)
        observed, stated = (np.array([of[bins == b].mean() for b in filled]) for of in (labels, p))
        expected, _ = calculate_ece_mce(observed, stated, np.bincount(bins)[filled])

        assert ours == pytest.approx(expected)


def test_bins_hold_equal_shares_or_equal_widths():
    p = np.array([0.0, 0.05, 0.1, 0.95, 1.0])

    assert reliability.equal_width_bins(p).tolist() == [0, 0, 1, 9, 9]
    assert np.bincount(reliability.equal_mass_bins(np.random.default_rng(0).random(95))).tolist() == [
        10, 9, 10, 9, 10, 9, 10, 9, 10, 9
    ]  # fmt: skip


def test_spiegelhalter_z_equals_calzone():
    labels, p = _forecast(scale=1.5)

    expected, _ = spiegelhalter_z_test(labels.copy(), np.stack([1 - p, p], axis=1))

    assert reliability.spiegelhalter_z(labels, p) == pytest.approx(expected)


def test_without_one_of_the_outcomes_there_is_no_line():
    p = np.array([0.1, 0.2, 0.3])

    assert np.isnan(reliability.calibration_line(np.zeros(3), p)).all()
    assert np.isnan(reliability.calibration_in_the_large(np.ones(3), p))
    assert np.isnan(reliability.spiegelhalter_z(np.ones(2), np.ones(2)))
