"""Calibrators of every kind and a conformal band, through a signed manifest to the bedside."""

from __future__ import annotations

import numpy as np
import pytest
from builders import elderly_patient, series
from toy_bundle import toy_bundle

from barocast.calibration.calibrators import Calibrators
from barocast.calibration.conformal import ConformalBand
from barocast.calibration.parametric import Beta, Platt, TemperatureBias
from barocast.calibration.stepwise import Isotonic, Knots, VennAbers
from barocast.runtime.bundle import default_bundle, read_bundle
from barocast.runtime.domain import Patient, Risk
from barocast.runtime.engines import OrtEngine
from barocast.runtime.errors import BundleError
from barocast.runtime.pipeline import Pipeline
from barocast.runtime.trust import trusted_keys

TABLE = Knots((-1.0, 2.0), (0.1, 0.7))
STEPS = Knots((0.3,), (0.05, 0.9)), Knots((-0.2,), (0.1, 1.0))
KINDS = (
    Platt((1.0, 1.1, 1.2), (0.0, 0.1, 0.2)),
    Beta(0.5, 1.5, 0.1),
    Isotonic((TABLE,) * 3),
    VennAbers((STEPS[0],) * 3, (STEPS[1],) * 3),
)


def _last_risk(bundle, patient: Patient | None = None) -> Risk:
    """The toy's logits are 0, 0.5 and 1 on this steady pressure, its quantiles 70, 75 and 80 mmHg."""
    bed = Pipeline(bundle, OrtEngine(bundle), patient)
    risk = (bed.feed(series([74.95 + 0.1 * (i % 2) for i in range(100)])) + bed.finish())[-1]
    assert isinstance(risk, Risk)
    return risk


def test_the_shipped_bundle_goes_on_loading():
    bundle = read_bundle(default_bundle(), trusted_keys().values())

    assert isinstance(bundle.calibrators.default, TemperatureBias)
    assert bundle.calibrators.patterns == {}
    assert bundle.band is None


@pytest.mark.parametrize("calibrator", KINDS, ids=lambda one: one.to_dict()["kind"])
def test_every_kind_is_applied_at_the_bedside(tmp_path, calibrator):
    bundle = toy_bundle(tmp_path / "b", calibrator=calibrator.to_dict()).read()

    assert bundle.calibrators == Calibrators(calibrator)
    assert _last_risk(bundle).p == pytest.approx(calibrator(np.array([0.0, 0.5, 1.0])), abs=1e-6)


def test_a_patient_without_a_text_is_calibrated_as_such(tmp_path):
    with_text, plain = TemperatureBias(1.0, 1.0), TemperatureBias(1.0, -1.0)
    calibrators = Calibrators(TemperatureBias(), {"series+text": with_text, "series": plain})
    bundle = toy_bundle(tmp_path / "b", calibrator=calibrators.to_dict()).read()
    logits = np.array([0.0, 0.5, 1.0])

    assert _last_risk(bundle).p == pytest.approx(plain(logits), abs=1e-6)
    assert _last_risk(bundle, elderly_patient()).p == pytest.approx(with_text(logits), abs=1e-6)


def test_the_band_is_widened_step_by_step(tmp_path):
    band = ConformalBand(tuple(0.1 * step for step in range(30)))
    plain = _last_risk(toy_bundle(tmp_path / "plain").read()).forecast

    told = _last_risk(toy_bundle(tmp_path / "wide", band=band.to_dict()).read()).forecast

    np.testing.assert_allclose(plain.q10 - told.q10, band.widenings_mmhg, atol=1e-6)
    np.testing.assert_allclose(told.q90 - plain.q90, band.widenings_mmhg, atol=1e-6)
    np.testing.assert_array_equal(told.q50, plain.q50)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"calibrator": KINDS[0].to_dict() | {"scales": [1.0, -1.0, 1.0]}}, "calibrator: calibrator scale"),
        ({"calibrator": KINDS[2].to_dict() | {"tables": [TABLE.to_dict()] * 2}}, "calibrator: .* 2 tables"),
        ({"calibrator": {"kind": "isotonic"}}, "calibrator: 'tables'"),
        ({"calibrator": {"kind": "by-pattern", "default": {}, "patterns": {}}}, "calibrator kind"),
        ({"band": {"kind": "conformal", "widenings_mmhg": [1.0] * 29}}, "band: 29 widenings of 30 steps"),
        ({"band": {"kind": "conformal", "widenings_mmhg": [float("nan")] * 30}}, "band: band widenings"),
        ({"band": [1.0]}, "band: "),
    ],
)
def test_a_signed_manifest_of_impossible_numbers_is_refused(tmp_path, change, reason):
    with pytest.raises(BundleError, match=rf"manifest\.json: .*{reason}"):
        toy_bundle(tmp_path / "b", **change).read()
