"""The calibrator: fitted back from a distortion, ordered, and the same after a round trip."""

from __future__ import annotations

import numpy as np
import pytest

from barocast.calibration.calibrators import Calibrator, fit_calibrator
from barocast.calibration.metrics import sigmoid


def _ordered_logits(n, seed=0):
    random = np.random.default_rng(seed)
    return random.normal(-2, 1, (n, 1)) + np.array([0.0, 0.5, 0.8])


def test_the_fit_finds_temperature_and_bias():
    random = np.random.default_rng(1)
    logits = _ordered_logits(30_000)
    labels = (random.random(logits.shape) < sigmoid(0.5 * logits - 0.3)).astype(float)
    labels[::7, 2] = np.nan

    fitted = fit_calibrator(logits, labels)

    assert (fitted.scale, fitted.bias) == (pytest.approx(0.5, abs=0.03), pytest.approx(-0.3, abs=0.05))


def test_order_over_horizons_survives():
    p = Calibrator(0.4, -1.0)(_ordered_logits(100))

    assert (np.diff(p, axis=-1) >= 0).all()


def test_what_the_manifest_holds_reads_back():
    fitted = Calibrator(0.75, -0.125)

    assert Calibrator.from_dict(fitted.to_dict()) == fitted


@pytest.mark.parametrize("scale", [0.0, -1.0, 0.049, 20.1, float("nan"), float("inf")])
def test_a_scale_that_breaks_the_order_or_leaves_only_0_and_1_is_refused(scale):
    with pytest.raises(ValueError, match="scale"):
        Calibrator(scale, 0.0)


@pytest.mark.parametrize("bias", [-20.1, 20.1, float("nan"), float("-inf")])
def test_a_bias_that_drowns_the_logits_is_refused(bias):
    with pytest.raises(ValueError, match="bias"):
        Calibrator(1.0, bias)


def test_the_widest_calibration_is_still_one():
    assert Calibrator(0.05, 20.0).to_dict() == {"kind": "temperature-bias", "scale": 0.05, "bias": 20.0}
    assert Calibrator(20.0, -20.0).scale == 20


def test_another_kind_of_calibrator_is_refused():
    with pytest.raises(ValueError, match="unknown"):
        Calibrator.from_dict({"kind": "isotonic"})


def test_extreme_logits_stay_probabilities():
    p = Calibrator()(np.array([-1e9, 0.0, 1e9]))

    assert (p >= 0).all()
    assert (p <= 1).all()
