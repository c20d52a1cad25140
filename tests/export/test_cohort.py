"""Reading the cohort: what comes in, what never does, and who has which role."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from toy_cohort import FIELDS, write_cohort

from barocast.calibration.learned_from import hash_share
from barocast.export.cohort import read_burdens, read_cases, role, to_patient
from barocast.runtime.errors import InputError
from barocast.runtime.prompt import describe


def test_every_case_comes_with_its_series_and_description(tmp_path):
    cases = read_cases(write_cohort(tmp_path, cases=4, minutes=20))

    assert [case.case_id for case in cases] == ["0", "1", "2", "3"]
    assert [case.folder for case in cases] == ["vitaldb_or"] * 2 + ["vitaldb_or_more"] * 2
    assert all(case.map_mmhg.size == 120 for case in cases)
    assert cases[1].patient.age_years == 31
    assert cases[1].surgery_start_s == 600


def test_outcomes_and_intraoperative_totals_never_reach_the_model():
    quiet = describe(to_patient(FIELDS | {"death_inhosp": "0", "intraop_eph": "0", "caseend": "1"}))

    assert describe(to_patient(FIELDS)) == quiet


def test_static_fields_become_the_patient_that_the_bedside_would_be_told_of():
    patient = to_patient(FIELDS | {"age": "61", "emop": "1"})

    assert (patient.age_years, patient.asa, patient.emergency) == (61, 2, True)
    assert patient.history == ("hypertension",)
    assert patient.labs == (("creatinine_mg_dl", 0.9), ("hb_g_dl", 11.5))


def test_missing_fields_stay_unknown():
    patient = to_patient({})

    assert (patient.age_years, patient.sex, patient.asa, patient.emergency) == (None, None, None, None)
    assert describe(patient) == ""


def test_impossible_pressures_are_missing(tmp_path):
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    folder = write_cohort(tmp_path, cases=3, minutes=20)
    table = {"caseid": [0, 0, 0, 0], "t_s": [0, 10, 30, 40], "map": [10.0, 80.0, 250.0, float("nan")]}
    parquet.write_table(pa.table(table), folder / "vitaldb_or" / "map_10s.parquet")

    first = read_cases_of_one(folder)

    np.testing.assert_array_equal(first.map_mmhg, [np.nan, 80, np.nan, np.nan, np.nan])


def read_cases_of_one(folder):
    text = (folder / "vitaldb_or" / "cases.csv").read_text("utf-8").splitlines()
    (folder / "vitaldb_or" / "cases.csv").write_text("\n".join(text[:2]) + "\n", "utf-8")
    return read_cases(folder)[0]


def test_burdens_come_from_both_sources(tmp_path):
    burdens = read_burdens(write_cohort(tmp_path, cases=4, minutes=20))

    assert Counter(burden.source for burden in burdens) == {"samples": 4, "windows": 4}
    assert all(0 <= burden.share <= 1 for burden in burdens)


def test_an_absent_cohort_is_one_clear_error(tmp_path):
    with pytest.raises(InputError, match="BAROCAST_COHORT"):
        read_cases(tmp_path)


def test_a_patient_always_has_the_same_role():
    assert [role(str(subject)) for subject in range(50)] == [role(str(subject)) for subject in range(50)]


def test_roles_come_in_their_shares():
    counts = Counter(role(str(subject)) for subject in range(4000))

    assert counts["train"] == pytest.approx(2800, abs=120)
    assert counts["calibration"] == pytest.approx(400, abs=80)
    assert counts["selection"] == pytest.approx(400, abs=80)
    assert counts["test"] == pytest.approx(400, abs=80)


def test_the_hash_is_even_and_below_one():
    shares = [hash_share(str(i)) for i in range(2000)]

    assert 0 <= min(shares) <= max(shares) < 1
    assert np.mean(shares) == pytest.approx(0.5, abs=0.03)
