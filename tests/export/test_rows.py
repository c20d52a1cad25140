"""Rows: made by the bedside's own path, labelled by the evaluation, stretched as a whole."""

from __future__ import annotations

import numpy as np
import pytest

from barocast.calibration.events import find_events
from barocast.calibration.landmarks import find_landmarks
from barocast.export import rows as rows_module
from barocast.export.cohort import Case
from barocast.export.provenance import behind, source
from barocast.export.rows import STRETCHES, Stretch, augment, load_or_make, make_rows, stretched
from barocast.runtime.domain import Patient, Sample
from barocast.runtime.timeline import Timeline
from barocast.runtime.tokens import trend


def _case(series, name="1"):
    return Case(
        name, name, "vitaldb_or", np.asarray(series, float), Patient(age_years=50), "made up", 0.0, 0.0
    )


def _walk(seed=0, steps=420):
    random = np.random.default_rng(seed)
    series = 78 + 10 * np.sin(np.arange(steps) / 25) + random.normal(0, 1, steps)
    series[random.random(steps) < 0.05] = np.nan
    return series


def test_one_row_for_each_eligible_landmark_with_its_labels():
    case = _case(_walk())
    landmarks = find_landmarks(case.map_mmhg, 10.0)

    rows = make_rows([case])

    assert rows.at.tolist() == landmarks.at.tolist()
    np.testing.assert_array_equal(rows.labels, landmarks.labels.astype(np.float32))


def test_a_row_holds_what_the_bedside_would_hold_at_that_moment():
    case = _case(_walk())
    rows = make_rows([case])
    row = len(rows) // 2
    timeline = Timeline(("ABP_MEAN",))
    for column in range(rows.at[row] + 1):
        value = case.map_mmhg[column]
        timeline.take([Sample("ABP_MEAN", "x", column * 10.0, value, "mmHg", valid=bool(value > 0))])

    window = timeline.window(rows.at[row] * 10.0)

    np.testing.assert_array_equal(rows.mask[row], window.mask)
    np.testing.assert_allclose(rows.series[row], np.where(window.mask, window.values, 0), rtol=1e-6)
    np.testing.assert_array_equal(rows.trend[row], trend(window))


def test_a_row_sees_nothing_that_came_after_it():
    series = _walk()
    changed = series.copy()
    changed[301:] = 90
    before, after = (make_rows([_case(s)]) for s in (series, changed))
    same = [np.flatnonzero(rows.at <= 300) for rows in (before, after)]

    assert before.at[same[0]].tolist() == after.at[same[1]].tolist()
    np.testing.assert_array_equal(before.trend[same[0]], after.trend[same[1]])


def test_the_future_is_the_mean_of_each_half_minute_and_missing_past_the_end():
    series = np.full(120, 80.0)
    series[100:103] = [70, np.nan, 74]

    rows = make_rows([_case(series)])

    row = rows.at.tolist().index(99)
    assert rows.future[row, 0] == 72
    assert rows.future[row, 1] == 80
    assert np.isnan(rows.future[row, 10:]).all()


def test_stretching_moves_the_whole_case_and_finds_its_events_anew():
    case = _case(_walk())

    moved = stretched(case, Stretch(-12.0))

    np.testing.assert_allclose(moved.map_mmhg, case.map_mmhg - 12)
    assert moved.patient == case.patient
    assert len(find_events(moved.map_mmhg, 10.0)) > len(find_events(case.map_mmhg, 10.0))


def test_what_stretching_moves_out_of_range_is_missing():
    moved = stretched(_case([25.0, 80.0, 80.0, 80.0]), Stretch(-12.0))

    assert np.isnan(moved.map_mmhg[0])
    assert moved.map_mmhg[1] == 68


def test_augmented_rows_number_the_unstretched_cases():
    cases = [_case(_walk(seed), str(seed)) for seed in range(2)]

    rows = augment(cases, every=6)

    assert set(rows.case.tolist()) == {0, 1}
    assert len(rows) > len(make_rows(cases)) * len(STRETCHES) / 12


def test_rows_of_an_earlier_run_are_read_back(tmp_path, monkeypatch):
    cases = [_case(_walk())]
    made = load_or_make(tmp_path, cases, augmented=False)
    monkeypatch.setattr(rows_module, "make_rows", None)

    found = load_or_make(tmp_path, cases, augmented=False)

    np.testing.assert_array_equal(made.trend, found.trend)
    np.testing.assert_array_equal(made.labels, found.labels)


def test_rows_of_other_cases_are_never_read_back(tmp_path):
    load_or_make(tmp_path, [_case(_walk())], augmented=False)

    found = load_or_make(tmp_path, [_case(_walk(seed=1))], augmented=False)

    np.testing.assert_array_equal(found.trend, make_rows([_case(_walk(seed=1))]).trend)


def test_stretched_rows_are_kept_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(rows_module, "STRETCHES", (Stretch(-2.0),))
    cases = [_case(_walk())]

    plain, moved = (load_or_make(tmp_path, cases, augmented=augmented) for augmented in (False, True))

    assert np.nanmean(moved.future) < np.nanmean(plain.future) - 1


def test_rows_made_by_other_code_are_never_read_back(tmp_path, monkeypatch):
    cases = [_case(_walk())]
    load_or_make(tmp_path, cases, augmented=False)
    monkeypatch.setattr(rows_module, "source", lambda module: f"edited {module}")

    load_or_make(tmp_path, cases, augmented=False)

    assert len(list(tmp_path.glob("rows-*.npz"))) == 2


ROWS_FROM = {
    "calibration.events",
    "calibration.landmarks",
    "runtime.timeline",
    "runtime.tokens",
    "export.rows",
}


@pytest.mark.parametrize(
    ("maker", "parts"),
    [
        ("export.rows", ROWS_FROM),
        ("export.teacher", ROWS_FROM | {"export.teacher", "export.cohort"}),
        ("export.recipe", ROWS_FROM | {"export.teacher", "export.train", "export.texts", "runtime.prompt"}),
    ],
)
def test_what_is_kept_is_named_after_every_module_that_made_it(maker, parts):
    assert parts <= set(behind(maker))


def test_an_edit_anywhere_behind_a_kept_file_gives_it_another_name(tmp_path):
    sources = {
        "top": "from barocast import middle",
        "middle": "def f():\n    from barocast.low import x",
        "low": "x = 1",
        "aside": "",
    }
    names = {}
    for edited in ("nothing", *sources):
        folder = tmp_path / edited
        folder.mkdir()
        for name, text in sources.items():
            (folder / f"{name}.py").write_text(text + "\n# edited" * (name == edited))
        names[edited] = source("top", folder)

    assert names["aside"] == names["nothing"]
    assert len(set(names.values())) == 4


def test_a_case_without_landmarks_gives_no_rows():
    rows = make_rows([_case(np.full(60, 80.0)), _case(_walk())])

    assert set(rows.case.tolist()) == {1}
    assert rows.take(rows.case == 0).series.shape[1:] == (1, 90)
    assert len(rows.take(rows.case == 0)) == pytest.approx(0)
