"""Fits find what was put in, and tables are what their papers say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.isotonic import IsotonicRegression

from barocast.calibration.calibrators import KINDS, read_calibrators
from barocast.calibration.fitting import (
    FITS,
    CalibrationRows,
    fit,
    fit_temperature_bias,
)
from barocast.calibration.log_odds import sigmoid
from barocast.calibration.reliability import calibration_line, log_loss


def _rows(n=6000, seed=0, patients=60, distort=lambda z: z, level=0.0):
    """CalibrationRows whose risk is sigmoid(distort(logit)); patients differ by `level` in log-odds."""
    random = np.random.default_rng(seed)
    who = random.integers(0, patients, n)
    logits = random.normal(-2, 1.5, (n, 1)) + np.array([0.0, 0.5, 0.8])
    own = level * random.normal(size=patients)[who][:, None]
    labels = (random.random(logits.shape) < sigmoid(distort(logits) + own)).astype(float)
    return CalibrationRows(logits, labels, who)


def test_the_fit_finds_temperature_and_bias_and_leaves_out_unknown_labels():
    rows = _rows(30_000, distort=lambda z: 0.5 * z - 0.3)
    rows.labels[::7, 2] = np.nan

    fitted = fit_temperature_bias(rows.logits, rows.labels)

    assert (fitted.scale, fitted.bias) == (pytest.approx(0.5, abs=0.03), pytest.approx(-0.3, abs=0.05))


def test_platt_finds_a_line_of_each_horizon():
    rows = _rows(30_000, distort=lambda z: np.array([0.5, 1.0, 1.4]) * z + np.array([-0.4, 0.0, 0.3]))

    fitted = fit("platt", rows)

    assert fitted.scales == pytest.approx((0.5, 1.0, 1.4), abs=0.06)
    assert fitted.biases == pytest.approx((-0.4, 0.0, 0.3), abs=0.1)


def test_beta_finds_its_three_numbers_and_no_better_ones_exist():
    rows = _rows(30_000, distort=lambda z: -0.5 * np.logaddexp(0, -z) + 1.5 * np.logaddexp(0, z) + 0.2)

    fitted = fit("beta", rows)

    def loss(numbers):
        low, high, bias = numbers
        z = low * -np.logaddexp(0, -rows.logits) + high * np.logaddexp(0, rows.logits) + bias
        return log_loss(rows.labels.ravel(), sigmoid(z).ravel())

    best = minimize(loss, [1, 1, 0], method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-10})
    assert (fitted.low, fitted.high, fitted.bias) == pytest.approx(tuple(best.x), abs=5e-3)
    assert (fitted.low, fitted.high) == pytest.approx((0.5, 1.5), abs=0.12)


def test_beta_stops_at_the_bound_where_the_data_turn_around():
    rows = _rows(8000, distort=lambda z: 0.3 * np.logaddexp(0, -z) + np.logaddexp(0, z) - 2)

    assert fit("beta", rows).low == pytest.approx(0, abs=1e-6)


def test_isotonic_is_that_of_scikit_learn_at_the_rows():
    rows = _rows(2000, distort=lambda z: 2 * np.tanh(z))
    expected = [
        IsotonicRegression(out_of_bounds="clip").fit(x, y).predict(x)
        for x, y in zip(rows.logits.T, rows.labels.T, strict=True)
    ]

    p = fit("isotonic", rows)(rows.logits)

    np.testing.assert_allclose(p, np.maximum.accumulate(np.stack(expected, axis=1), axis=1), atol=1e-3)
    assert p.min() > 0


def test_venn_abers_is_two_isotonic_fits_with_the_new_row_in():
    """The definition (Vovk, Petej and Fedorova 2015), on logits that are rounded as the fit rounds them."""
    rows = _rows(400, distort=lambda z: 0.8 * z)
    rows = CalibrationRows(np.round(np.round(rows.logits / 0.02) * 0.02, 2), rows.labels, rows.patients)
    new = np.sort(np.random.default_rng(1).choice(rows.logits.ravel(), 12))

    def plain(column, x, label):
        logits, labels = np.append(rows.logits[:, column], x), np.append(rows.labels[:, column], label)
        return IsotonicRegression().fit(logits, labels).predict([x])[0]

    fitted = fit("venn-abers", rows)
    for place, x in enumerate(new):
        p0, p1 = fitted.interval(np.full(3, x))
        low, high = (max(plain(column, x, label) for column in range(3)) for label in (0, 1))
        assert low - 0.002 <= p0[2] <= low + 1e-9, place
        assert high - 1e-9 <= p1[2] <= high + 0.002, place


@pytest.mark.parametrize("kind", FITS)
def test_every_kind_mends_a_distorted_forecast(kind):
    learned, judged = (_rows(6000, seed, distort=lambda z: 0.5 * z - 0.5) for seed in (1, 2))

    p = fit(kind, learned)(judged.logits)

    assert (np.diff(p, axis=1) >= 0).all()
    for column in range(3):
        slope, _ = calibration_line(judged.labels[:, column], np.clip(p[:, column], 0.01, 0.99))
        assert slope == pytest.approx(1, abs=0.12)
        assert p[:, column].mean() == pytest.approx(judged.labels[:, column].mean(), abs=0.02)


def test_every_kind_that_can_be_fitted_can_be_read():
    rows = _rows(1500)

    assert set(FITS) == set(KINDS)
    for kind in FITS:
        fitted = fit(kind, rows)
        assert read_calibrators(fitted.to_dict()).default == fitted


def test_by_patient_a_patient_with_a_thousand_rows_counts_once():
    rows = _rows(3000, patients=30)
    often = np.repeat(np.arange(3000), np.where(rows.patients == 3, 40, 1))
    more = CalibrationRows(rows.logits[often], rows.labels[often], rows.patients[often])

    once, again = (fit("temperature-bias", of, by_patient=True) for of in (rows, more))

    assert (again.scale, again.bias) == pytest.approx((once.scale, once.bias), abs=1e-6)
    assert abs(fit("temperature-bias", more).bias - fit("temperature-bias", rows).bias) > 1e-3


def test_shrinking_draws_towards_the_identity_by_patients_not_rows():
    rows = _rows(6000, patients=50, distort=lambda z: 0.5 * z)

    plain, drawn = fit("temperature-bias", rows), fit("temperature-bias", rows, shrink=True)

    assert drawn.scale == pytest.approx((plain.scale + 1) / 2)


def test_a_fit_that_would_turn_risks_around_is_refused():
    with pytest.raises(ValueError, match="scale"):
        fit("temperature-bias", _rows(4000, distort=lambda z: -z - 3))


def test_too_few_events_or_an_unknown_kind_are_refused():
    rows = _rows(400)
    rows.labels[9:, 1] = 0

    with pytest.raises(ValueError, match="rows of one outcome"):
        fit("platt", rows)
    with pytest.raises(ValueError, match="unknown"):
        fit("magic", _rows(400))
