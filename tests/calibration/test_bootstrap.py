"""The patient bootstrap."""

from __future__ import annotations

import numpy as np
import pytest

from barocast.calibration.bootstrap import Estimate, draw_patients, estimate, interval, intervals


def test_rows_of_one_patient_are_drawn_together():
    patients = np.array(["a", "b", "a", "c", "b", "d", "e"])

    everyone, *drawn = draw_patients(patients, draws=50, seed=1).weights()

    assert everyone.tolist() == [1] * 7
    assert len(drawn) == 50
    for weights in drawn:
        assert weights[0] == weights[2]
        assert weights[1] == weights[4]
        assert weights[0] + weights[1] + weights[3:].sum() - weights[4] == 5


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


@pytest.mark.parametrize(("patients", "told"), [(1, False), (4, False), (5, True)])
def test_few_patients_have_a_figure_and_no_interval(patients, told):
    values = np.random.default_rng(0).normal(size=100)

    (mean,) = estimate(lambda w: np.average(values, weights=w), np.arange(100) % patients, draws=100)

    assert mean.value == pytest.approx(values.mean())
    assert np.isfinite([mean.low, mean.high]).tolist() == [told, told]


def test_a_figure_that_exists_on_no_draw_has_no_interval():
    (found,) = estimate(lambda w: w.sum() * np.nan, np.arange(5), draws=3)

    assert np.isnan([found.value, found.low, found.high]).all()


def test_sums_and_counts_are_those_of_the_rows_drawn():
    random = np.random.default_rng(0)
    patients, columns = random.integers(0, 7, 90), random.normal(size=(90, 3))
    cell = random.integers(0, 4, 90)
    draws = draw_patients(patients, draws=20, seed=2)
    weights = np.array(list(draws.weights()))
    in_cell = (cell[:, None] == np.arange(4)).astype(float)

    np.testing.assert_allclose(draws.sums(columns), weights @ columns)
    np.testing.assert_allclose(draws.counts(cell, 4), weights @ in_cell)
    np.testing.assert_allclose(draws.counts(cell, 4, columns[:, 0]), weights @ (in_cell * columns[:, :1]))
    assert len(draws) == 21


def test_an_interval_leaves_out_draws_without_the_figure():
    drawn = np.array([5.0, *np.arange(101.0), np.nan])

    found = interval(drawn)

    assert (found.value, found.low, found.high) == pytest.approx((5, 2.5, 97.5))
    assert intervals({"x": drawn}) == {"x": interval(drawn)}


def test_differences_on_the_same_draws_are_paired():
    values = np.random.default_rng(0).normal(size=(50, 1))
    draws = draw_patients(np.arange(50), draws=100)
    ours, theirs = draws.sums(values + 1)[:, 0] / 50, draws.sums(values)[:, 0] / 50

    assert interval(ours - theirs).high == pytest.approx(1)
    assert interval(ours).high - interval(ours).low > 0.3
