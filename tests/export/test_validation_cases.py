"""The forms in which a department can lay down its cases, and what is wrong with each that is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from made_recordings import write_csv, write_wave_vital, write_wave_wfdb
from pyarrow import parquet
from shared_data import captures
from toy_cohort import write_cohort
from toy_study import toy_case, toy_map, toy_source

from barocast.export.validation.case_folder import read_folder
from barocast.export.validation.gather import Heard, account_of, gather
from barocast.export.validation.groups import groups_of
from barocast.export.validation.recorded import events_of
from barocast.export.validation.stress import raised, seen_every
from barocast.export.validation.study_case import Series, StudyCase
from barocast.export.validation.workers import Workforce
from barocast.runtime.domain import Patient
from barocast.runtime.errors import InputError, PatientError

NOTHING = Series.of_grid(np.empty(0))


def write_table(folder, *rows, header="case_id,subject_id,map_source,surgery_start_s"):
    (folder / "cases.csv").write_text("\n".join([header, *rows]) + "\n")


def write_series(folder, **cases):
    names = np.concatenate([[name] * len(t_s) for name, (t_s, _) in cases.items()])
    t_s, mmhg = (np.concatenate([np.asarray(case[i], float) for case in cases.values()]) for i in (0, 1))
    table = pa.table({"case_id": names, "t_s": t_s, "ABP_MEAN": mmhg})
    parquet.write_table(table, folder / "series.parquet")


def test_tables_give_cases_with_their_values_as_they_were_told(tmp_path):
    write_table(tmp_path, "a,p1,monitor numeric,600", "b,p1,,")
    write_series(tmp_path, a=([40, 2, 8], [np.nan, 70, 80]), b=([0], [66]))
    (tmp_path / "cohort.json").write_text('{"source": "St Elsewhere"}')
    (tmp_path / "patients").mkdir()
    (tmp_path / "patients" / "a.json").write_text('{"age_years": 70}')

    first, second = read_folder(tmp_path)

    assert (first.case_id, first.subject_id, first.source) == ("a", "p1", "St Elsewhere")
    assert first.series.t_s.tolist() == [2, 8, 40]
    assert first.series.map_mmhg.tolist() == pytest.approx([70, 80, np.nan], nan_ok=True)
    assert (first.patient.age_years, first.map_source, first.surgery_start_s) == (70, "monitor numeric", 600)
    assert second.patient == Patient()
    assert np.isnan(second.surgery_start_s)


def test_recordings_stand_alone_each_another_patient(tmp_path):
    (tmp_path / "one.csv").write_text("t_s,ABP_MEAN\n0,70\n10,71\n")
    (tmp_path / "one.json").write_text('{"sex": "F"}')
    (tmp_path / "two.csv").write_text("t_s,ABP_MEAN\n0,80\n")

    cases = read_folder(tmp_path)
    told = [event for batch in events_of(cases[0].series) for event in batch]

    assert [(case.case_id, case.subject_id, case.patient.sex) for case in cases] == [
        ("one", "one", "F"),
        ("two", "two", None),
    ]
    assert [sample.value for sample in told] == [70, 71]


def test_a_grid_is_told_as_a_feed_would_tell_it():
    (batch,) = events_of(Series.of_grid(np.array([70.0, np.nan])))

    assert [(sample.t_s, sample.valid) for sample in batch] == [(0, True), (10, False)]


def test_vitaldbs_cohort_is_read_as_it_lies(tmp_path):
    cases = read_folder(write_cohort(tmp_path, cases=6, minutes=20))

    assert len(cases) == 6
    assert {case.source for case in cases} == {"VitalDB"}
    assert cases[0].surgery_start_s == 600


def test_one_folder_of_the_cohort_can_be_judged_alone(tmp_path):
    write_cohort(tmp_path, cases=6, minutes=20)

    assert [len(read_folder(tmp_path / name)) for name in ("vitaldb_or", "vitaldb_or_more")] == [4, 2]


def _twice(folder):
    write_table(folder, "a,p1,,", "a,p2,,")
    write_series(folder, a=([0], [70]))


def _without_series(folder):
    write_table(folder, "a,p1,,", "b,p2,,")
    write_series(folder, a=([0], [70]))


def _unlisted(folder):
    write_table(folder, "a,p1,,")
    write_series(folder, a=([0], [70]), z=([0], [70]))


def _double_value(folder):
    write_table(folder, "a,p1,,")
    write_series(folder, a=([0, 10, 10], [70, 71, 72]))


def _odd_value(folder):
    write_table(folder, "a,p1,,")
    (folder / "series.csv").write_text("case_id,t_s,ABP_MEAN\na,0,\na,10,high\n")


def _odd_unit(folder):
    (folder / "cohort.json").write_text('{"source": "x", "t_unit": "fortnight"}')


def _odd_column(folder):
    (folder / "cohort.json").write_text('{"source": "x", "columns": {"pressure": "mbp"}}')


def _unlisted_recording(folder):
    write_table(folder, "a,p1,,")
    for name in ("a", "b"):
        (folder / f"{name}.csv").write_text("t_s,ABP_MEAN\n0,70\n")


def _milliseconds(folder):
    write_table(folder, "a,p1,,")
    write_series(folder, a=([0, 1.7e12], [70, 70]))


def _no_patient(folder):
    write_table(folder, "a,,,")
    write_series(folder, a=([0], [70]))


def _no_column(folder):
    write_table(folder, "a,p1,,")
    parquet.write_table(pa.table({"case_id": ["a"], "map": [70.0]}), folder / "series.parquet")


def _no_recording(folder):
    write_table(folder, "a,p1,,")
    (folder / "b.csv").write_text("t_s,ABP_MEAN\n0,70\n")


def _odd_start(folder):
    write_table(folder, "a,p1,,ten")
    write_series(folder, a=([0], [70]))


def _endless_start(folder):
    write_table(folder, "a,p1,,inf")
    write_series(folder, a=([0], [70]))


def _header_only(folder):
    write_table(folder, "a,p1,,")
    (folder / "series.csv").write_text("case_id,t_s,ABP_MEAN\n")


def _time_of_day(folder):
    write_table(folder, "a,p1,,")
    (folder / "series.csv").write_text("case_id,t_s,ABP_MEAN\na,10:00:00,70\n")


def _latin_patient(folder):
    write_table(folder, "a,p1,,")
    write_series(folder, a=([0], [70]))
    (folder / "patients").mkdir()
    (folder / "patients" / "a.json").write_bytes('{"procedure": "Gefäß"}'.encode("latin-1"))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: None, "no case in it"),
        (_twice, "'a' is there twice"),
        (_without_series, "cases.csv:3: case 'b'"),
        (_unlisted, "case 'z' is not in cases.csv"),
        (_milliseconds, "t_s must be"),
        (_no_patient, "cases.csv:2: no subject_id"),
        (_no_column, "it needs case_id, t_s, ABP_MEAN"),
        (_no_recording, "cases.csv:2: no recording a"),
        (_double_value, "case a: two values at 10 s"),
        (_odd_value, "series.csv: row 2: ABP_MEAN is 'high'; write numbers"),
        (_odd_unit, "t_unit: 'fortnight' is none of ms, s"),
        (_odd_column, "columns: 'pressure' is none of case_id"),
        (_unlisted_recording, "b.csv: not in cases.csv"),
        (_odd_start, "surgery_start_s is 'ten'"),
        (_endless_start, "cases.csv: case a: surgery_start_s is 'inf'; write s of the series"),
        (_header_only, "series.csv: has no row; add"),
        (_time_of_day, "series.csv: row 1: t_s is '10:00:00'; write numbers"),
        (_latin_patient, r"a\.json: byte 18 is no UTF-8; save it as UTF-8"),
        (lambda folder: (folder / "cohort.json").write_text("{}") and _twice(folder), "cohort.json"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(tmp_path, spoil, said):
    spoil(tmp_path)

    with pytest.raises(InputError, match=said):
        read_folder(tmp_path)


def test_a_folder_that_is_not_there_says_so(tmp_path):
    with pytest.raises(InputError, match="--cases"):
        read_folder(tmp_path / "nowhere")


def test_an_impossible_patient_is_named(tmp_path):
    (tmp_path / "one.csv").write_text("t_s,ABP_MEAN\n0,70\n")
    (tmp_path / "one.json").write_text(json.dumps({"age_years": 700}))

    with pytest.raises(PatientError, match=r"one\.json"):
        read_folder(tmp_path)


def test_nobody_is_grouped_by_a_guess():
    patient = Patient(age_years=75, sex="F", height_cm=170, weight_kg=90, asa=3, emergency=False)

    assert dict(groups_of(StudyCase("a", "p", "x", patient, NOTHING, "monitor numeric"))) == {
        "age": "75 and over",
        "sex": "F",
        "BMI": "30 and over",
        "ASA": "3 and over",
        "emergency": "no",
        "MAP source": "monitor numeric",
    }
    assert dict(groups_of(StudyCase("a", "p", "x", Patient(), NOTHING))) == {}


def test_a_wave_alone_is_judged_like_a_numeric_whatever_file_it_lies_in(tmp_path):
    source = toy_source(tmp_path)
    folder = tmp_path / "cases"
    folder.mkdir()
    write_wave_vital(folder, "vital", minutes=17)
    write_wave_wfdb(folder, "wfdb", minutes=17)  # its two segments are no cases of their own

    played = [account_of(Heard(case), source).played for case in read_folder(folder)]

    assert len(played) == 2
    for one in played:
        assert one.at.size > 0
        assert np.isfinite(one.p).all()
        assert one.now == pytest.approx(77, abs=2)


def test_damage_reaches_what_a_wave_tells(tmp_path):
    path = write_wave_vital(tmp_path, "case", minutes=3)
    sound, higher = (
        [event.value for batch in raised(mmhg)(events_of(path), "case") for event in batch if event.valid]
        for mmhg in (0, 5)
    )
    sparse = [
        event.t_s for batch in seen_every(60)(events_of(path), "case") for event in batch if event.valid
    ]

    assert higher == pytest.approx([value + 5 for value in sound])
    assert set(sparse) == {4, 60, 120, 180}  # the wave tells from its fourth second on


def test_a_csv_recording_is_judged(tmp_path):
    path = write_csv(tmp_path, "case", toy_map(0))
    case = replace(toy_case(0), series=path)

    told, given = (account_of(Heard(one), toy_source(tmp_path)).played for one in (case, toy_case(0)))

    np.testing.assert_array_equal(told.p, given.p)


def test_a_real_vital_file_is_opened_as_a_case(tmp_path):
    real = captures("vital/parsevital_test_data_demo.vital")
    (tmp_path / "real.vital").symlink_to(real)

    (case,) = read_folder(tmp_path)

    assert case.case_id == "real"
    assert sum(len(batch) for batch in events_of(case.series)) == 1006


def test_two_recordings_of_one_name_are_not_chosen_between(tmp_path):
    write_csv(tmp_path, "case", toy_map(0))
    (tmp_path / "case.vital").write_bytes(b"VITA")

    with pytest.raises(InputError, match=r"case\.vital: case\.csv has the same name"):
        read_folder(tmp_path)


def test_every_case_without_arterial_pressure_is_named(tmp_path):
    for name in ("cuff", "more"):
        (tmp_path / f"{name}.csv").write_text("t_s,ABP_MEAN,NIBP_MEAN\n0,,70\n300,,71\n")
    write_csv(tmp_path, "sound", toy_map(0))
    table = replace(toy_case(7), series=Series.of_grid(np.full(9, np.nan)))
    heard = [Heard(case) for case in (*read_folder(tmp_path), table)]

    with pytest.raises(InputError, match=r"pressure in \S*cuff\.csv, \S*more\.csv, case 'c7'; give"):
        gather(heard, toy_source(tmp_path), Workforce())


def test_what_lies_before_a_gap_is_counted_and_not_judged(tmp_path):
    before, after = (Series.of_grid(toy_map(number)) for number in (1, 2))
    gap_s = 7200.0
    t_s = np.concatenate([before.t_s, before.t_s[-1] + gap_s + after.t_s])
    case = replace(toy_case(0), series=Series(t_s, np.concatenate([before.map_mmhg, after.map_mmhg])))
    source = toy_source(tmp_path)

    broken, alone = (account_of(Heard(one), source).played for one in (case, replace(case, series=after)))

    assert (broken.forgotten, alone.forgotten) == (100, 0)  # one every 30 s of 50 minutes
    np.testing.assert_array_equal(broken.map_mmhg[-200:], alone.map_mmhg[-200:])


def test_another_sites_tables_are_read_as_they_are_called(tmp_path):
    """One value a minute, under other names and in minutes, as the cohort's ICU set has it."""
    told = [70.0 + minute % 7 for minute in range(40)]
    table = pa.table({"rec": ["x"] * 40, "t_min": list(range(40)), "map": told})
    parquet.write_table(table, tmp_path / "map_1min.parquet")
    (tmp_path / "records.csv").write_text("rec,split\nx,train\n")

    (case,) = read_folder(tmp_path)
    played = account_of(Heard(case), toy_source(tmp_path)).played

    assert (case.subject_id, case.source) == ("x", "MIMIC II (PhysioNet 2009)")
    assert case.series.t_s.tolist() == [60.0 * minute for minute in range(40)]
    assert played.at.size > 40  # every 30 s from the 15th minute on: a value holds until the next
    assert np.isfinite(played.p).all()


def test_a_site_can_say_what_its_tables_are_called(tmp_path):
    about = {
        "source": "Elsewhere",
        "cases": "who.csv",
        "series": "map.csv",
        "t_unit": "min",
        "columns": {"case_id": "id", "subject_id": "mrn", "t_s": "minute", "ABP_MEAN": "mbp"},
    }
    (tmp_path / "cohort.json").write_text(json.dumps(about))
    (tmp_path / "who.csv").write_text("id,mrn,surgery_start_s\n7,p1,10\n")
    (tmp_path / "map.csv").write_text("id,minute,mbp\n7,0,70\n7,1,71\n")

    (case,) = read_folder(tmp_path)

    assert (case.case_id, case.subject_id, case.source, case.surgery_start_s) == ("7", "p1", "Elsewhere", 600)
    assert (case.series.t_s.tolist(), case.series.map_mmhg.tolist()) == ([0, 60], [70, 71])


def test_a_series_may_be_text_and_its_ids_may_begin_with_a_nought(tmp_path):
    write_table(tmp_path, "007,p1,,")
    (tmp_path / "series.csv").write_text("case_id,t_s,ABP_MEAN\n007,0,70\n007,10,\n007,20,72\n")

    (case,) = read_folder(tmp_path)

    assert case.case_id == "007"
    assert case.series.map_mmhg.tolist() == pytest.approx([70, np.nan, 72], nan_ok=True)
