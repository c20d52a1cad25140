"""Log-odds, and many logistic regressions at once."""

from __future__ import annotations

import numpy as np
import pytest

from barocast.calibration.log_odds import fit_lines, fit_logistic, fit_shifts, logit, sigmoid


def _counts(draws=5, cells=40, seed=0):
    random = np.random.default_rng(seed)
    x = np.linspace(-4, 2, cells)
    total = random.integers(0, 30, (draws, cells)).astype(float)
    events = random.binomial(total.astype(int), sigmoid(0.7 * x - 0.4)).astype(float)
    return x, total, events


def _one_by_one(x, total, events):
    """The same regression on rows: each cell twice, with its events and its other rows as weights."""
    design = np.stack([np.tile(x, 2), np.ones(2 * x.size)], axis=1)
    labels = np.repeat([1.0, 0.0], x.size)
    return design, labels, np.concatenate([events, total - events])


def test_many_lines_at_once_equal_one_by_one():
    x, total, events = _counts()
    expected = [fit_logistic(*_one_by_one(x, *of)) for of in zip(total, events, strict=True)]

    np.testing.assert_allclose(fit_lines(x, total, events), expected, atol=1e-6)


def test_many_shifts_at_once_equal_one_by_one():
    x, total, events = _counts()
    expected = []
    for of in zip(total, events, strict=True):
        design, labels, weights = _one_by_one(x, *of)
        expected.append(fit_logistic(design[:, 1:], labels, weights, offset=design[:, 0])[0])

    np.testing.assert_allclose(fit_shifts(x, total, events), expected, atol=1e-6)


def test_a_draw_without_events_has_no_line_and_spoils_no_other():
    x, total, events = _counts(draws=3)
    events[1] = 0
    alone = fit_lines(x, total[[0, 2]], events[[0, 2]])

    lines, shifts = fit_lines(x, total, events), fit_shifts(x, total, events)

    assert np.isnan(lines[1]).all()
    assert np.isnan(shifts[1])
    np.testing.assert_allclose(lines[[0, 2]], alone, atol=1e-6)
    assert np.isfinite(shifts[[0, 2]]).all()


def test_one_cell_tells_no_line():
    assert np.isnan(fit_lines(np.array([0.3]), np.array([[10.0]]), np.array([[4.0]]))).all()


@pytest.mark.parametrize(
    ("x", "labels"),
    [
        ([-2.0, -1.0, 1.0, 2.0], [0.0, 0.0, 1.0, 1.0]),  # told apart without an error
        ([0.3, 0.3, 0.3, 0.3], [0.0, 1.0, 0.0, 1.0]),  # one risk for all
        ([-1.0, 0.0, 1.0, 2.0], [0.0, 0.0, 0.0, 0.0]),
    ],
)
def test_a_line_that_the_rows_do_not_tell_is_no_line(x, labels):
    design = np.stack([np.array(x), np.ones(4)], axis=1)

    assert np.isnan(fit_logistic(design, np.array(labels))).all()


def test_log_odds_of_impossible_risks_are_kept_finite():
    assert np.isfinite(logit(np.array([0.0, 1.0]))).all()
    assert sigmoid(logit(np.array([0.2]))) == pytest.approx(0.2)
    assert sigmoid(np.array([-1e9, 1e9])) == pytest.approx([0, 1])
