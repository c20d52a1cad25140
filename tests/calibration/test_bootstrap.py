"""The patient bootstrap."""

from __future__ import annotations

import numpy as np
import pytest

from barocast.calibration.bootstrap import Estimate, draw_weights, estimate


def test_rows_of_one_patient_are_drawn_together():
    patients = np.array(["a", "b", "a", "c", "b"])

    for weights in draw_weights(patients, draws=50, seed=1):
        assert weights[0] == weights[2]
        assert weights[1] == weights[4]
        assert weights[0] + weights[1] + weights[3] == 3


def test_the_interval_of_a_mean_over_patients_is_its_standard_error():
    values = np.random.default_rng(0).normal(size=400)

    (mean,) = estimate(lambda w: np.average(values, weights=w), np.arange(400), draws=2000)

    assert mean.value == pytest.approx(values.mean())
    assert mean.high - mean.low == pytest.approx(2 * 1.96 / 20, rel=0.1)


def test_figures_of_one_statistic_share_their_draws():
    values = np.random.default_rng(0).normal(size=60)

    def pair(w):
        mean = np.average(values, weights=w)
        return mean, mean + 1, 1.0

    first, second, constant = estimate(pair, np.arange(60), draws=200)

    assert second.low - first.low == pytest.approx(1)
    assert (constant.low, constant.high) == (1, 1)


def test_the_same_seed_gives_the_same_interval():
    values = np.arange(30.0)

    def mean(w):
        return np.average(values, weights=w)

    assert estimate(mean, values, draws=50, seed=3) == estimate(mean, values, draws=50, seed=3)


def test_an_estimate_prints_as_tables_do():
    assert str(Estimate(0.8712, 0.845, 0.893)) == ".871 (.845 to .893)"
    assert str(Estimate(-0.0123, -0.02, 0.001)) == "-.012 (-.020 to .001)"
    assert str(Estimate(10.5, -20.25, 100.0)) == "10.500 (-20.250 to 100.000)"


def test_a_figure_that_exists_on_no_draw_has_no_interval():
    (found,) = estimate(lambda w: w.sum() * np.nan, np.arange(5), draws=3)

    assert np.isnan([found.value, found.low, found.high]).all()
