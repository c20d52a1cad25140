"""Decision curve, held against dcurves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from dcurves import dca

from barocast.calibration.bootstrap import draw_patients
from barocast.calibration.log_odds import sigmoid
from barocast.calibration.net_benefit import (
    THRESHOLDS,
    net_benefit,
    net_benefit_draws,
    net_benefit_of_all,
)


def _rows(n=600):
    random = np.random.default_rng(0)
    z = random.normal(-1.5, 1, n)
    return (random.random(n) < sigmoid(z)).astype(float), sigmoid(z + 0.2)


def test_the_decision_curve_is_that_of_dcurves():
    labels, p = _rows()
    table = dca(
        data=pd.DataFrame({"event": labels, "p": p}),
        outcome="event",
        modelnames=["p"],
        thresholds=list(THRESHOLDS),
    )
    curves = {name: rows["net_benefit"].to_numpy() for name, rows in table.groupby("model")}

    np.testing.assert_allclose(net_benefit(labels, p, np.array(THRESHOLDS)), curves["p"])
    np.testing.assert_allclose(net_benefit_of_all(labels, np.array(THRESHOLDS)), curves["all"])
    np.testing.assert_allclose(0, curves["none"])


def test_a_risk_at_the_threshold_is_acted_on():
    benefit = net_benefit(np.array([1.0, 0.0]), np.array([0.2, 0.2]), np.array([0.2, 0.3]))

    assert benefit.tolist() == pytest.approx([0.5 - 0.5 * 0.25, 0])


def test_draws_are_the_curve_of_the_rows_drawn():
    labels, p = _rows(200)
    draws = draw_patients(np.arange(200) // 10, draws=3, seed=1)
    at = np.array([0.1, 0.3])

    found = net_benefit_draws(labels, p, at, draws)

    for of, weights in zip(found, draws.weights(), strict=True):
        rows = np.repeat(np.arange(200), weights.astype(int))
        assert of == pytest.approx(net_benefit(labels[rows], p[rows], at))
