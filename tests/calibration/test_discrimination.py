"""ROC, precision and recall, held against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from barocast.calibration.discrimination import auprc, auroc, rank, threshold_at
from barocast.calibration.log_odds import sigmoid


def _rows(n=800, seed=0, rounded=2):
    random = np.random.default_rng(seed)
    score = random.normal(size=n)
    labels = (random.random(n) < sigmoid(1.3 * score - 1.5)).astype(float)
    return labels, np.round(sigmoid(score - 1), rounded), random.integers(0, 4, n).astype(float)


@pytest.mark.parametrize("weighted", [False, True])
def test_areas_equal_scikit_learn_with_ties_and_weights(weighted):
    labels, p, times = _rows()
    w = times if weighted else None
    expected = (
        sk.roc_auc_score(labels, p, sample_weight=w),
        sk.average_precision_score(labels, p, sample_weight=w),
    )

    assert (auroc(labels, p, w), auprc(labels, p, w)) == pytest.approx(expected)
    assert rank(labels, p).areas(w) == pytest.approx(expected)


def test_auroc_is_the_share_of_rightly_ordered_pairs():
    labels, p, _ = _rows(120)
    pairs = p[labels == 1][:, None] - p[labels == 0][None]

    assert auroc(labels, p) == pytest.approx(((pairs > 0) + 0.5 * (pairs == 0)).mean())


def test_without_one_of_the_outcomes_the_figures_do_not_exist():
    assert np.isnan(auroc(np.zeros(5), np.arange(5.0)))
    assert np.isnan(auprc(np.zeros(5), np.arange(5.0)))
    assert np.isnan(auroc(np.ones(5), np.arange(5.0)))
    assert np.isnan(auroc(np.zeros(0), np.zeros(0)))


def test_operating_points_equal_scikit_learn():
    labels, p, _ = _rows()
    fpr, tpr, thresholds = sk.roc_curve(labels, p, drop_intermediate=False)
    precision, recall, _ = sk.precision_recall_curve(labels, p)

    points = rank(labels, p).operating_points()

    np.testing.assert_allclose(points.thresholds, thresholds)
    np.testing.assert_allclose(points.sensitivity, tpr)
    np.testing.assert_allclose(points.specificity, 1 - fpr)
    np.testing.assert_allclose(points.precision[1:], precision[:-1][::-1])
    np.testing.assert_allclose(points.sensitivity[1:], recall[:-1][::-1])


def test_the_threshold_at_a_specificity_is_the_lowest_that_keeps_it():
    labels, p, _ = _rows()

    at = threshold_at(labels, p, 0.9)

    assert (p[labels == 0] < at).mean() >= 0.9
    assert (p[labels == 0] < np.max(p[p < at])).mean() < 0.9


def test_a_specificity_that_no_call_keeps_leaves_silence():
    assert threshold_at(np.array([1.0, 0.0]), np.array([0.4, 0.4]), 0.5) == np.inf
