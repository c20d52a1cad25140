"""Beside the graph stands what was asked for: any kind of calibrator, one without text, a wider band."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import toy_bundle

from barocast.calibration.calibrators import KINDS, read_calibrators
from barocast.calibration.conformal import ConformalBand, fit_band
from barocast.calibration.fitting import CalibrationRows, fit_temperature_bias
from barocast.calibration.log_odds import sigmoid
from barocast.export.answers import Answers, ask, of_role
from barocast.export.calibrated import ASKABLE, Calibrated, CalibrationPlan, Heard, calibrate
from barocast.export.cohort import Case, role
from barocast.export.graphs.to_onnx import Graphs
from barocast.export.recipe import Material
from barocast.export.rows import Rows
from barocast.runtime.domain import Patient
from barocast.runtime.errors import SettingsError

STEPS = 2


def _heard(patients=30, each=60, seed=0, distort=lambda z: z, bare=lambda z: z) -> Heard:
    """Every row with text and once more without; risks are sigmoid(distort(logit)), sigmoid(bare(logit))."""
    random = np.random.default_rng(seed)
    who = np.repeat(np.arange(patients), each)
    logits = [random.normal(-1, 1.5, (who.size, 1)) + np.array([0.0, 0.5, 0.8]) for _ in range(2)]
    risks = sigmoid(np.concatenate([distort(logits[0]), bare(logits[1])]))
    labels = (random.random(risks.shape) < risks).astype(float)
    rows = CalibrationRows(np.concatenate(logits), labels, np.tile(who, 2))
    observed = 75 + random.normal(0, 8, (who.size, STEPS))
    quantiles = np.tile(np.array([70.0, 75.0, 80.0])[:, None], (who.size, 1, STEPS))
    return Heard(rows, np.repeat(["series+text", "series"], who.size), quantiles, observed)


def _as_they_came(heard: Heard) -> Heard:
    n = len(heard.observed)
    return replace(
        heard, rows=heard.rows.take(np.arange(len(heard.patterns)) < n), patterns=heard.patterns[:n]
    )


def test_by_default_it_is_temperature_and_bias_drawn_to_the_identity():
    heard = _as_they_came(_heard())

    calibrated = calibrate(CalibrationPlan(), heard)

    expected = fit_temperature_bias(heard.rows.logits, heard.rows.labels).shrunk(30)
    assert calibrated.to_record() == {
        "calibrator": expected.to_dict(),
        "band": None,
        "calibrator_choice": None,
    }
    assert calibrated.shown(heard.quantiles) is heard.quantiles


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_that_is_asked_for_is_what_the_manifest_holds(kind):
    calibrated = calibrate(CalibrationPlan(kind), _as_they_came(_heard()))

    assert calibrated.to_record()["calibrator"]["kind"] == kind
    assert read_calibrators(calibrated.to_record()["calibrator"]) == calibrated.calibrators


def test_a_choice_says_why():
    bent = _as_they_came(_heard(40, 80, distort=lambda z: np.where(z > -1, -0.5, -4.0)))

    record = calibrate(CalibrationPlan("choose"), bent).to_record()

    why = json.loads(json.dumps(record["calibrator_choice"]))
    assert why["kind"] == record["calibrator"]["kind"] != "temperature-bias"
    assert set(why["losses"]) == set(KINDS)
    assert why["losses"][why["kind"]] < why["losses"]["temperature-bias"]
    assert "one standard error" in why["rule"]


def test_rows_without_text_have_a_calibrator_of_their_own():
    heard = _heard(40, 100, bare=lambda z: 0.4 * z)

    own = calibrate(CalibrationPlan(by_pattern=True), heard).calibrators

    assert own.of("series+text") != own.of("series") != own.default
    assert own.of("series").scale < own.of("series+text").scale - 0.15


def test_the_band_is_widened_by_what_the_rows_as_they_came_showed():
    heard = _heard()
    low, _, high = np.moveaxis(heard.quantiles, 1, 0)

    calibrated = calibrate(CalibrationPlan(band=True), heard)

    assert calibrated.band == fit_band(heard.observed, low, high, heard.rows.patients[:1800])
    shown = calibrated.shown(heard.quantiles)
    inside = (shown[:, 0] <= heard.observed) & (heard.observed <= shown[:, 2])
    assert inside.mean(axis=0) == pytest.approx([0.82, 0.82], abs=0.02)
    assert (shown[:, 1] == heard.quantiles[:, 1]).all()


@pytest.mark.parametrize(
    ("plan", "patients", "complaint"),
    [
        (CalibrationPlan("choose"), 4, "--calibrator choose: 4 calibration patients; needs 5; name a kind"),
        (CalibrationPlan(by_pattern=True), 19, "--by-pattern: 19 calibration patients; needs 20"),
        (CalibrationPlan(band=True), 3, "--band: 3 calibration patients; needs 4"),
    ],
)
def test_too_few_patients_are_refused_before_anything_is_fitted(plan, patients, complaint):
    with pytest.raises(SettingsError, match=complaint):
        calibrate(plan, _heard(patients))
    assert calibrate(plan, _heard(patients + 1, 200)).calibrators


@pytest.mark.parametrize("kind", ASKABLE)
def test_too_few_events_are_one_clear_error(kind):
    heard = _heard()
    heard.rows.labels[:] = 0

    with pytest.raises(SettingsError, match=f"--calibrator {kind}: .*rows of one outcome.*more patients"):
        calibrate(CalibrationPlan(kind), heard)


def test_texts_that_nobody_has_cannot_be_left_out():
    alone = replace(_heard(), patterns=np.repeat("series", 3600))

    with pytest.raises(SettingsError, match="no text in any row"):
        calibrate(CalibrationPlan(by_pattern=True), alone)


def test_a_band_that_a_step_cannot_promise_is_refused():
    heard = _heard()
    heard.observed[60:, 1] = np.nan

    with pytest.raises(SettingsError, match="--band: 1 patients cannot promise"):
        calibrate(CalibrationPlan(band=True), heard)


def test_only_calibration_patients_are_heard_and_those_without_text_once():
    material, answers = _material(), _answers()
    of = np.array([role(case.subject_id) == "calibration" for case in material.cases])
    assert 0 < of.sum() < 40

    once, twice = (
        replace(answers, bare=bare).heard(material)
        for bare in (answers.bare, np.where(of[:, None], np.full(3, -9.0), np.nan))
    )

    np.testing.assert_array_equal(once.rows.logits, answers.logits[of])
    np.testing.assert_array_equal(once.quantiles, answers.quantiles[of])
    np.testing.assert_array_equal(
        twice.rows.logits, np.concatenate([answers.logits[of], [[-9.0] * 3] * of.sum()])
    )
    assert set(once.patterns) == {"series+text"}
    assert twice.patterns.tolist() == ["series+text"] * of.sum() + ["series"] * of.sum()
    assert {role(subject) for subject in twice.rows.patients} == {"calibration"}
    assert twice.rows.n_patients == once.rows.n_patients == of.sum()


def test_calibration_rows_with_a_text_are_asked_once_more_without_it():
    parts = toy_bundle.prefix_graph(), toy_bundle.graph(prefix=True)
    material, graphs = _material(), Graphs(*(part.SerializeToString() for part in parts))
    texts = np.ones((40, 128), np.int64)
    of = of_role(material, "calibration")
    texts[np.flatnonzero(of)[0]] = 0

    plain, more = (
        ask((graphs, graphs), material, texts, lambda _: None, bare=bare) for bare in (False, True)
    )

    assert np.isnan(plain.bare).all()
    with_text = of & texts.any(axis=1)
    (without,) = more.logits[of & ~with_text]  # all rows are alike but for their text
    np.testing.assert_array_equal(more.bare[with_text], np.tile(without, (with_text.sum(), 1)))
    assert (more.logits[with_text] != without).all()
    assert np.isnan(more.bare[~with_text]).all()
    assert (more.patterns == "series+text").tolist() == texts.any(axis=1).tolist()


def test_a_narrowed_band_is_shown_as_the_bedside_shows_it():
    shown = Calibrated(
        read_calibrators({"kind": "beta", "low": 1, "high": 1, "bias": 0}), ConformalBand((-9.0,))
    )

    assert shown.shown(np.array([[[70.0], [75.0], [90.0]]])).tolist() == [[[75.0], [75.0], [81.0]]]


def _material() -> Material:
    """Forty patients with a row each."""
    cases = [Case(str(i), str(i), "", np.zeros(0), Patient(), "", 0.0, 0.0) for i in range(40)]
    blank = np.zeros((40, 1, 90), np.float32)
    rows = Rows(
        series=blank,
        mask=blank,
        trend=np.zeros((40, 7, 6), np.float32),
        labels=np.zeros((40, 3), np.float32),
        future=np.zeros((40, 1), np.float32),
        case=np.arange(40, dtype=np.int32),
        at=np.zeros(40, np.int32),
    )
    return Material(cases, [], rows, rows, "")


def _answers() -> Answers:
    logits = np.arange(120.0).reshape(40, 3)
    quantiles = np.arange(120.0).reshape(40, 3, 1)
    return Answers(logits, logits, quantiles, np.repeat("series+text", 40), np.full((40, 3), np.nan))
