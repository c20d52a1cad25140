"""Cross-validation: by patient, on the same rows, paired."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from barocast.calibration.comparators import COMPARATORS, NUMERIC, STATIC
from barocast.calibration.folds import FOLDS
from barocast.export import crossval
from barocast.export.cohort import Case
from barocast.export.crossval import (
    OURS,
    comparator_features,
    cross_validate,
    figures,
    folds,
)
from barocast.export.crossval_page import forecast_table, save, table
from barocast.export.recipe import Recipe
from barocast.export.rows import make_rows
from barocast.runtime.domain import Patient


def _case(number, folder="vitaldb_or", steps=420):
    random = np.random.default_rng(number)
    series = (
        random.uniform(68, 82)
        + 9 * np.sin(np.arange(steps) / random.uniform(15, 40))
        + random.normal(0, 1, steps)
    )
    labs = (("albumin_g_dl", 4.0), ("creatinine_mg_dl", 0.8), ("hb_g_dl", 10.0 + number))
    patient = Patient(
        age_years=40.0 + number,
        height_cm=170,
        weight_kg=70,
        asa=2,
        emergency=False,
        history=("diabetes",),
        labs=labs,
    )
    return Case(str(number), f"s{number}", folder, series, patient, "made up", 600.0, -300.0)


@pytest.fixture(scope="module")
def material():
    cases = [*(_case(number) for number in range(15)), _case(90, "vitaldb_or_more")]
    return SimpleNamespace(cases=cases, rows=make_rows(cases), key="made-up")


def test_folds_are_even_and_extra_patients_only_train(material):
    fold = folds(material.cases)

    assert sorted(np.bincount(fold[:15]).tolist()) == [3] * FOLDS
    assert fold[15] == -1
    assert fold.tolist() == folds(material.cases).tolist()


def test_two_cases_of_one_patient_share_a_fold():
    cases = [_case(number) for number in range(10)]
    twin = Case("twin", "s3", "vitaldb_or", *(getattr(cases[3], f) for f in Case.__slots__[3:]))

    fold = folds([*cases, twin])

    assert fold[3] == fold[10]


def test_comparators_see_the_rows_that_the_network_is_judged_on(material):
    features = comparator_features(material.cases, material.rows)

    assert features.shape == (len(material.rows), len(NUMERIC) + len(STATIC))
    one_min = features[:, NUMERIC.index("mean_1min")]
    np.testing.assert_allclose(one_min, material.rows.trend[:, 0, 0], rtol=1e-5)
    assert set(features[:, len(NUMERIC) + STATIC.index("diabetes")]) == {1.0}
    assert set(features[:, len(NUMERIC) + STATIC.index("hypertension")]) == {0.0}


@pytest.fixture(scope="module")
def pooled(material, tmp_path_factory):
    """The whole run with a network that says minus the mean of the last minute."""
    told = []

    def teach(material, without, recipe, work, say):
        told.append((frozenset(without), work))
        say("taught")
        return SimpleNamespace(model=None, texts_of=lambda cases: None)

    def predict(model, rows, texts):
        assert model is texts is None
        now = rows.trend[:, 0, 0].astype(float)
        return np.repeat(-now[:, None], 3, axis=1), np.tile(now[:, None, None], (1, 3, 30)), None

    patch = pytest.MonkeyPatch()
    patch.setattr(crossval, "teach", teach)
    patch.setattr(crossval, "predict", predict)
    work = tmp_path_factory.mktemp("work")
    said = []
    found = cross_validate(material, Recipe(), work, said.append)
    again = cross_validate(material, Recipe(), work, said.append)
    patch.undo()
    return SimpleNamespace(found=found, again=again, told=told, said=said)


def test_each_fold_is_taught_without_its_patients(pooled, material):
    held_out = [subjects for subjects, _ in pooled.told]

    assert len(held_out) == FOLDS
    assert set().union(*held_out) == {case.subject_id for case in material.cases[:15]}
    assert sum(map(len, held_out)) == 15


def test_finished_folds_are_not_taught_again(pooled):
    assert len(pooled.told) == FOLDS
    np.testing.assert_array_equal(pooled.found.scores[OURS], pooled.again.scores[OURS])


def test_every_model_scores_every_row_of_the_main_folder(pooled, material):
    rows = int((material.rows.case < 15).sum())

    assert set(pooled.found.scores) == {OURS, *COMPARATORS}
    assert all(scores.shape == (rows, 3) for scores in pooled.found.scores.values())
    assert all(np.isfinite(scores).all() for scores in pooled.found.scores.values())


def test_differences_are_paired_with_ours(pooled, tmp_path):
    report = figures(pooled.found, draws=30)
    at5 = report["discrimination"]["5"]

    save(report, tmp_path)

    assert at5[OURS]["ours_minus"] == {"value": 0, "low": 0, "high": 0}
    gap = at5[OURS]["auroc"]["value"] - at5["LepMAP"]["auroc"]["value"]
    assert at5["LepMAP"]["ours_minus"]["value"] == pytest.approx(gap)
    assert report["patients"] == 15
    assert json.loads((tmp_path / "crossval.json").read_text()) == report
    page = (tmp_path / "crossval.md").read_text()
    assert table(report) in page
    assert forecast_table(report) in page


def test_the_last_value_is_judged_as_a_point_forecast(pooled):
    forecast = figures(pooled.found, draws=5)["forecast"]

    for of in forecast.values():
        last = {name: figure["value"] for name, figure in of["last value"].items()}
        assert last["mae_mmhg"] == pytest.approx(of[OURS]["mae_mmhg"]["value"])
        assert last["crps_mmhg"] == pytest.approx(last["mae_mmhg"])
        assert last["whole_crps_mmhg"] == pytest.approx(last["mae_mmhg"], rel=1e-6)
        assert of["last_minus_ours"]["mae_mmhg"] == {"value": 0, "low": 0, "high": 0}


def test_the_forecast_is_judged_at_each_horizon_and_over_all_steps(pooled):
    future, now = pooled.found.rows.future, pooled.found.rows.trend[:, 0, 0]

    forecast = figures(pooled.found, draws=5)["forecast"]

    assert list(forecast) == ["5", "10", "15", "to 15"]
    for minutes, step in (("5", 9), ("10", 19), ("15", 29)):
        error = np.nanmean(np.abs(future[:, step] - now))
        assert forecast[minutes][OURS]["mae_mmhg"]["value"] == pytest.approx(error, rel=1e-5)
    assert forecast["to 15"][OURS]["mae_mmhg"]["value"] == pytest.approx(
        np.nanmean(np.abs(future - now[:, None])), rel=1e-5
    )
