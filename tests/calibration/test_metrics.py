"""Metrics, held against scikit-learn and against slow independent computations."""

from __future__ import annotations

import numpy as np
import pytest

from barocast.calibration import metrics


def _rows(n=800, seed=0, rounded=2):
    random = np.random.default_rng(seed)
    score = random.normal(size=n)
    labels = (random.random(n) < metrics.sigmoid(1.3 * score - 1.5)).astype(float)
    return labels, np.round(metrics.sigmoid(score - 1), rounded), random.integers(0, 4, n).astype(float)


@pytest.mark.parametrize("weighted", [False, True])
def test_auroc_and_auprc_equal_scikit_learn_with_ties_and_weights(weighted):
    sk = pytest.importorskip("sklearn.metrics", reason="needs the validate extra")
    labels, p, times = _rows()
    w = times if weighted else None

    assert metrics.auroc(labels, p, w) == pytest.approx(sk.roc_auc_score(labels, p, sample_weight=w))
    assert metrics.auprc(labels, p, w) == pytest.approx(
        sk.average_precision_score(labels, p, sample_weight=w)
    )


def test_auroc_is_the_share_of_rightly_ordered_pairs():
    labels, p, _ = _rows(120)
    pairs = p[labels == 1][:, None] - p[labels == 0][None]

    assert metrics.auroc(labels, p) == pytest.approx(((pairs > 0) + 0.5 * (pairs == 0)).mean())


def test_without_positives_the_ranking_figures_do_not_exist():
    assert np.isnan(metrics.auroc(np.zeros(5), np.arange(5.0)))
    assert np.isnan(metrics.auprc(np.zeros(5), np.arange(5.0)))


def test_brier_and_its_scaled_form():
    labels, p, _ = _rows()
    prevalence = np.full_like(p, labels.mean())

    assert metrics.brier(labels, p) == pytest.approx(np.mean((labels - p) ** 2))
    assert metrics.scaled_brier(labels, prevalence) == pytest.approx(0)
    assert metrics.scaled_brier(labels, labels) == 1


def test_calibration_line_finds_the_distortion_that_was_put_in():
    random = np.random.default_rng(1)
    truth = random.normal(-1.5, 1.5, 40_000)
    labels = (random.random(truth.size) < metrics.sigmoid(truth)).astype(float)

    slope, intercept = metrics.calibration_line(labels, metrics.sigmoid(2 * truth + 0.6))

    assert (slope, intercept) == (pytest.approx(0.5, abs=0.02), pytest.approx(-0.3, abs=0.05))


def test_calibration_line_equals_an_unpenalised_logistic_regression():
    linear_model = pytest.importorskip("sklearn.linear_model", reason="needs the validate extra")
    labels, p, _ = _rows()
    reference = linear_model.LogisticRegression(C=np.inf, tol=1e-10).fit(metrics.logit(p)[:, None], labels)

    slope, intercept = metrics.calibration_line(labels, p)

    assert (slope, intercept) == pytest.approx((reference.coef_[0, 0], reference.intercept_[0]), abs=1e-4)


def test_a_calibrated_forecast_has_nothing_to_mend():
    random = np.random.default_rng(2)
    p = random.beta(1, 8, 60_000)
    labels = (random.random(p.size) < p).astype(float)

    assert metrics.observed_expected(labels, p) == pytest.approx(1, abs=0.03)
    assert metrics.calibration_in_the_large(labels, p) == pytest.approx(0, abs=0.04)
    assert metrics.ici(labels, p) < 0.01
    assert metrics.ece(labels, p) < 0.01


def test_ici_sees_a_doubled_risk():
    random = np.random.default_rng(3)
    p = random.uniform(0.1, 0.4, 20_000)
    labels = (random.random(p.size) < p).astype(float)

    assert metrics.ici(labels, 2 * p) == pytest.approx(0.25, abs=0.02)


def test_ece_by_hand():
    labels, p = np.array([0.0, 1.0, 1.0, 1.0]), np.array([0.1, 0.3, 0.8, 0.9])

    assert metrics.ece(labels, p, bins=2) == pytest.approx((abs(0.5 - 0.2) * 2 + abs(1 - 0.85) * 2) / 4)


def test_crps_of_a_point_forecast_is_its_absolute_error():
    observed = np.array([70.0, np.nan, 80.0])

    assert metrics.crps(observed, np.full((1, 3), 72.0), (0.5,)) == pytest.approx(5.0)
    assert metrics.mean_absolute_error(observed, np.full(3, 72.0)) == pytest.approx(5.0)


def test_crps_is_least_at_the_true_quantiles():
    observed = np.random.default_rng(4).normal(75, 8, 20_000)
    true = np.quantile(observed, metrics.QUANTILE_LEVELS)[:, None] + np.zeros((3, observed.size))
    spread = (true - 75) * 1.5 + 75

    assert metrics.crps(observed, true) < metrics.crps(observed, spread)
    assert metrics.crps(observed, true) < metrics.crps(observed, true + 2)


def test_coverage_leaves_missing_observations_out():
    observed = np.array([1.0, 2.0, np.nan, 9.0])

    assert metrics.coverage(observed, np.zeros(4), np.full(4, 5.0)) == pytest.approx(2 / 3)
