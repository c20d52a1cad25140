"""Another site's cases in training: how their readings become a grid, and who is judged."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from barocast.calibration.folds import FOLDS
from barocast.export.cohort import Burden, Case
from barocast.export.cohorts.elsewhere import EVERY, about_elsewhere, read_elsewhere, with_elsewhere
from barocast.export.crossval import folds
from barocast.export.crossval_page import page
from barocast.export.recipe import Material
from barocast.export.rows import make_rows
from barocast.runtime.domain import Patient
from barocast.runtime.errors import InputError, SettingsError

FIGURES = Path(__file__).parents[2] / "benchmarks" / "crossval.json"
"""A report as the command left it."""


def tables(folder: Path, series: dict[str, list[tuple[float, float]]], source: str = "Another site") -> Path:
    """Write cases, each of a patient of the same name, as (second, mmHg)."""
    folder.mkdir()
    (folder / "cohort.json").write_text(json.dumps({"source": source}), "utf-8")
    rows = [(name, t_s, mmhg) for name, told in series.items() for t_s, mmhg in told]
    for file, header, lines in (
        ("cases.csv", ("case_id", "subject_id"), [(name, name) for name in series]),
        ("series.csv", ("case_id", "t_s", "ABP_MEAN"), rows),
    ):
        with (folder / file).open("w", newline="", encoding="utf-8") as out:
            csv.writer(out).writerows([header, *lines])
    return folder


def minutes(mmhg: list[float]) -> list[tuple[float, float]]:
    return [(60.0 * n, value) for n, value in enumerate(mmhg)]


def wandering(number: int, samples: int) -> list[float]:
    random = np.random.default_rng(number)
    return (75 + 9 * np.sin(np.arange(samples) / 9) + random.normal(0, 1, samples)).tolist()


def test_readings_are_joined_by_lines_and_a_longer_gap_stays_one(tmp_path):
    told = [(30.0, 80.0), (90.0, 86.0), (150.0, 80.0), (390.0, 70.0), (450.0, 10.0), (510.0, 70.0)]
    (case,) = read_elsewhere(tables(tmp_path / "site", {"a": told}))

    first = [80, 81, 82, 83, 84, 85, 86, 85, 84, 83, 82, 81, 80]
    assert case.map_mmhg[:13].tolist() == first
    assert np.isnan(case.map_mmhg[13:36]).all()
    assert case.map_mmhg[36:].tolist() == [70] * 13  # 10 mmHg is no pressure: the line passes it
    assert (case.subject_id, case.folder) == ("Another site: a", "Another site")


def test_nothing_is_known_after_the_last_reading(tmp_path):
    told = [(0.0, 80.0), (60.0, 80.0), (120.0, 10.0), (180.0, 10.0)]
    (case,) = read_elsewhere(tables(tmp_path / "site", {"a": told}))

    assert np.isfinite(case.map_mmhg).tolist() == [True] * 7 + [False] * 12


def test_a_case_without_any_pressure_teaches_nothing(tmp_path):
    (case,) = read_elsewhere(tables(tmp_path / "site", {"a": minutes([0.0] * 40)}))

    assert np.isnan(case.map_mmhg).all()
    assert not len(make_rows([case]))


def test_the_cohorts_own_patients_and_a_folder_that_is_not_there_are_refused(tmp_path):
    own = tables(tmp_path / "own", {"a": minutes([80.0] * 40)}, source="VitalDB")

    with pytest.raises(SettingsError, match="its source is 'VitalDB', the cohort's own"):
        read_elsewhere(own)
    with pytest.raises(SettingsError, match=r"--elsewhere .*nowhere: no such folder"):
        read_elsewhere(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"cases\.csv: cannot be read"):
        read_elsewhere(tmp_path)


def test_every_second_landmark_of_each_of_them_teaches_and_none_is_judged(tmp_path):
    own = [
        Case(str(n), f"s{n}", "vitaldb_or", np.array(wandering(n, 420)), Patient(), "", np.nan, np.nan)
        for n in range(FOLDS)
    ]
    burdens = [Burden(case.subject_id, case.patient, 0.1, "samples") for case in own]
    rows = make_rows(own)
    material = Material(own, burdens, rows, rows.take(np.arange(0)), "made-up")
    site = read_elsewhere(tables(tmp_path / "site", {n: minutes(wandering(int(n), 60)) for n in ("7", "8")}))
    both = with_elsewhere(material, site, tmp_path)

    assert folds(both.cases)[FOLDS:].tolist() == [-1, -1]
    theirs = make_rows(site)
    expected = [theirs.at[theirs.case == n][::EVERY].tolist() for n in (0, 1)]
    assert [both.rows.at[both.rows.case == FOLDS + n].tolist() for n in (0, 1)] == expected
    assert both.rows.at[: len(rows)].tolist() == rows.at.tolist()
    assert both.key != material.key
    assert with_elsewhere(material, site, tmp_path).key == both.key
    taught = sum(map(len, expected))
    assert about_elsewhere(both, site) == {"source": "Another site", "patients": 2, "rows": taught}


def test_the_page_says_which_network_it_is_and_who_taught_it():
    report = json.loads(FIGURES.read_text("utf-8"))
    site = {"source": "Another site", "patients": 60, "rows": 32_000}
    alone, other = page(report), page(report | {"elsewhere": site})

    assert "The network is the float parent of the shipped graph." in alone
    assert "Another site" not in alone
    assert "`barocast train crossval --elsewhere DIR` on" in other
    assert "The network is not the shipped one." in other
    assert "In every fold 60 patients of Another site taught it too, with 32,000 landmarks" in other
