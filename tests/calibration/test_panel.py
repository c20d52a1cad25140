"""Every figure with its interval: the fast way agrees with the plain one, draw by draw."""

from __future__ import annotations

import numpy as np
import pytest

from barocast.calibration import forecast_error, reliability
from barocast.calibration.bootstrap import draw_patients, intervals
from barocast.calibration.discrimination import auprc, auroc
from barocast.calibration.log_odds import sigmoid
from barocast.calibration.panel import curve_draws, forecast_draws, risk_draws, score_draws

ROWS = 4000


def _rows(seed=0):
    random = np.random.default_rng(seed)
    patients = random.integers(0, 40, ROWS)
    z = random.normal(-2, 1.3, ROWS) + random.normal(0, 0.5, 40)[patients]
    labels = (random.random(ROWS) < sigmoid(z)).astype(float)
    return labels, sigmoid(1.3 * z + 0.2), patients


def _plain(labels, p, weights):
    """Each figure by its own function, on the rows as often as they were drawn."""
    rows = np.repeat(np.arange(ROWS), weights.astype(int))
    y, x = labels[rows], p[rows]
    slope, intercept = reliability.calibration_line(y, x)
    return {
        "auroc": auroc(y, x),
        "auprc": auprc(y, x),
        "prevalence": y.mean(),
        "brier": reliability.brier(y, x),
        "scaled_brier": reliability.scaled_brier(y, x),
        "log_loss": reliability.log_loss(y, x),
        "observed_expected": reliability.observed_expected(y, x),
        "spiegelhalter_z": reliability.spiegelhalter_z(y, x),
        "slope": slope,
        "intercept": intercept,
        "in_the_large": reliability.calibration_in_the_large(y, x),
    }


def test_every_draw_is_the_figure_of_the_rows_drawn():
    labels, p, patients = _rows()
    draws = draw_patients(patients, draws=8)

    found = risk_draws(labels, p, draws)

    for place, weights in enumerate(draws.weights()):
        expected = _plain(labels, p, weights)
        assert {name: found[name][place] for name in expected} == pytest.approx(expected, abs=5e-4)


def test_a_smooth_figure_on_a_draw_is_that_of_loess_on_the_rows_drawn():
    labels, p, patients = _rows()
    draws = draw_patients(patients, draws=4)

    found = risk_draws(labels, p, draws)

    for place, weights in enumerate(draws.weights()):
        rows = np.repeat(np.arange(ROWS), weights.astype(int))
        distances = reliability.calibration_distances(labels[rows], p[rows])
        assert found["ici"][place] == pytest.approx(distances.mean(), abs=1e-3)
        assert found["e50"][place] == pytest.approx(np.median(distances), abs=2e-3)
        assert found["e90"][place] == pytest.approx(np.quantile(distances, 0.9), abs=6e-3)


def test_the_figures_themselves_are_exact():
    labels, p, patients = _rows()
    distances = reliability.calibration_distances(labels, p)

    found = {name: drawn[0] for name, drawn in risk_draws(labels, p, draw_patients(patients, 2)).items()}

    assert found == pytest.approx(
        _plain(labels, p, np.ones(ROWS))
        | {
            "ici": distances.mean(),
            "e50": np.median(distances),
            "e90": np.quantile(distances, 0.9),
            "ece": reliability.ece(labels, p),
            "ece_equal_width": reliability.ece_equal_width(labels, p),
        },
        abs=1e-9,
    )


def test_cells_move_no_smooth_figure_visibly():
    labels, p, patients = _rows()
    draws = draw_patients(patients, draws=1)
    exact = reliability.calibration_distances(labels, p)

    smooth = reliability.smoother(p)
    at, curve = curve_draws(labels, p, draws)
    cells = smooth.distances(p, curve)[0]

    np.testing.assert_allclose(at, smooth.at)
    assert cells.mean() == pytest.approx(exact.mean(), abs=5e-4)
    np.testing.assert_allclose(curve[0], reliability.calibration_curve(labels, p)[1], atol=1e-3)


def test_a_calibrated_forecast_is_inside_every_interval():
    random = np.random.default_rng(5)
    z = random.normal(-2, 1.3, ROWS)
    labels = (random.random(ROWS) < sigmoid(z)).astype(float)

    found = intervals(risk_draws(labels, sigmoid(z), draw_patients(np.arange(ROWS) // 20, 200)))

    for name, ideal in (("slope", 1), ("observed_expected", 1), ("intercept", 0), ("in_the_large", 0)):
        assert found[name].low < ideal < found[name].high
    assert found["ici"].value < 0.02


def test_scores_that_are_no_probabilities_have_areas_only():
    labels, p, patients = _rows()
    draws = draw_patients(patients, draws=3)

    scores = score_draws(labels, -80 + 10 * p, draws)

    assert set(scores) == {"auroc", "auprc"}
    np.testing.assert_allclose(scores["auroc"], risk_draws(labels, p, draws)["auroc"])


def test_the_error_of_the_forecast_on_every_draw():
    random = np.random.default_rng(6)
    observed = random.normal(75, 10, (60, 4))
    observed[random.random(observed.shape) < 0.2] = np.nan
    quantiles = 75 + np.sort(random.normal(0, 10, (3, 60, 4)), axis=0)
    draws = draw_patients(np.arange(60) // 6, draws=5)

    found = forecast_draws(observed, quantiles, draws)

    for place, weights in enumerate(draws.weights()):
        rows = np.repeat(np.arange(60), weights.astype(int))
        y, (low, middle, high) = observed[rows], quantiles[:, rows]
        assert {name: of[place] for name, of in found.items()} == pytest.approx(
            {
                "mae_mmhg": forecast_error.mean_absolute_error(y, middle),
                "crps_mmhg": forecast_error.crps(y, quantiles[:, rows]),
                "coverage_80": forecast_error.coverage(y, low, high),
                "width_80_mmhg": forecast_error.mean_width(y, low, high),
            }
        )


@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_rows_of_one_outcome_have_no_discrimination_and_no_line(outcome):
    _, p, patients = _rows()

    found = intervals(risk_draws(np.full(ROWS, outcome), p, draw_patients(patients, 3)))

    for name in ("auroc", "slope", "intercept", "in_the_large"):
        assert np.isnan([found[name].value, found[name].low]).all()
    assert found["prevalence"].value == outcome
