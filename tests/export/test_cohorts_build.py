"""The built cohort: the same bytes wherever it is made, whole or not at all, no patient on two sides."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from shared_data import cohort
from toy_cohort import write_cohort

from barocast.calibration.folds import fold_of
from barocast.export.cohort import read_cases, role
from barocast.export.cohorts import build as building
from barocast.export.cohorts import form
from barocast.export.cohorts.build import Plan, build
from barocast.export.cohorts.built import burdens_of, is_built, read_built
from barocast.export.cohorts.entry import Entry, Listing
from barocast.export.cohorts.heard import hear
from barocast.export.cohorts.patients import patient_fields
from barocast.export.cohorts.shared import GridRecording, list_cases
from barocast.export.cohorts.splits import read_splits
from barocast.export.validation.case_folder import read_folder
from barocast.export.validation.workers import Workforce
from barocast.runtime.domain import Patient
from barocast.runtime.errors import InputError, SettingsError

CASES = 6


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    return write_cohort(tmp_path_factory.mktemp("raw"), cases=CASES, minutes=40)


@pytest.fixture(scope="module")
def alone(raw, tmp_path_factory):
    """The cohort as one process builds it."""
    folder = tmp_path_factory.mktemp("alone")
    made(list_cases(raw), folder)
    return folder / "out"


def made(listing, folder, **plan):
    given = {"out": folder / "out", "work": folder / "work", "workforce": Workforce()} | plan
    return build(listing, Plan(**given), lambda *_: None)


def content(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def level(minutes, mmhg=80.0):
    return np.full(minutes * 6, mmhg) + np.arange(minutes * 6) % 3


def entry(case_id, series, subject=None, **others):
    columns = {"ABP_MEAN": np.asarray(series, float)} | others
    return Entry(case_id, subject or f"p{case_id}", Patient(), GridRecording(columns))


def test_a_built_cohort_gives_the_cases_of_the_raw_one(raw, alone):
    given, again = read_cases(raw), read_built(alone)

    assert [(c.case_id, c.subject_id, c.folder, c.map_source) for c in again] == [
        (c.case_id, c.subject_id, c.folder, c.map_source) for c in given
    ]
    assert [c.patient for c in again] == [c.patient for c in given]
    assert [c.surgery_start_s for c in again] == [c.surgery_start_s for c in given]
    for one, other in zip(again, given, strict=True):
        np.testing.assert_array_equal(one.map_mmhg, other.map_mmhg)


def test_validation_reads_it_as_it_lies(alone):
    cases = read_folder(alone)

    assert [case.source for case in cases] == ["VitalDB"] * CASES
    assert cases[0].series.t_s[:3].tolist() == [0, 10, 20]


@pytest.mark.parametrize("who", ["processes", "cluster"])
def test_two_processes_and_two_workers_of_a_cluster_give_the_same_bytes_as_one(who, raw, alone, tmp_path):
    if who == "processes":
        made(list_cases(raw), tmp_path, workforce=Workforce(jobs=2))
    else:
        distributed = pytest.importorskip("distributed", reason="the `cluster` extra is not installed")
        with distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=True
        ) as cluster:
            made(list_cases(raw), tmp_path, workforce=Workforce(scheduler=cluster.scheduler_address))

    assert content(tmp_path / "out") == content(alone)


def test_an_interrupted_build_goes_on_and_ends_the_same(raw, alone, tmp_path, monkeypatch):
    heard = []

    def interrupted(work, items, workforce):
        for item in items[:2]:
            yield work(item)
        raise KeyboardInterrupt

    def counted(work, items, workforce):
        heard.extend(items)
        return map(work, items)

    monkeypatch.setattr(building, "each", interrupted)
    with pytest.raises(KeyboardInterrupt):
        made(list_cases(raw), tmp_path)
    left = sorted(path.name for path in tmp_path.iterdir())
    monkeypatch.setattr(building, "each", counted)
    made(list_cases(raw), tmp_path)

    assert left == ["work"]
    assert len(heard) == CASES - 2
    assert content(tmp_path / "out") == content(alone)


def test_progress_counts_what_an_earlier_run_has_done(raw, tmp_path):
    told = []
    plan = Plan(tmp_path / "out", tmp_path / "work", Workforce())
    build(list_cases(raw), plan, lambda *_: None)
    build(list_cases(raw), plan, lambda *stage: told.append(stage))

    assert told == [("hearing cases", CASES, CASES)]


def test_a_kept_case_that_was_cut_short_is_heard_again(raw, alone, tmp_path):
    made(list_cases(raw), tmp_path)
    kept = next((tmp_path / "work").glob("*.npz"))
    kept.write_bytes(kept.read_bytes()[:100])
    made(list_cases(raw), tmp_path)

    assert content(tmp_path / "out") == content(alone)


def test_a_build_that_fails_leaves_the_earlier_one_alone(raw, tmp_path, monkeypatch):
    made(list_cases(raw), tmp_path)
    before = content(tmp_path / "out")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(form, "_write_series", full)

    with pytest.raises(SettingsError, match="No space left on device"):
        made(Listing("VitalDB", [entry("1", level(30))]), tmp_path)
    assert content(tmp_path / "out") == before


def test_a_replacement_that_was_cut_short_is_put_back(raw, tmp_path):
    made(list_cases(raw), tmp_path)
    frozen = (tmp_path / "out" / "splits.json").read_bytes()
    (tmp_path / "out").rename(tmp_path / ".out.old")
    made(list_cases(raw), tmp_path)

    assert (tmp_path / "out" / "splits.json").read_bytes() == frozen
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "work"]


def test_a_folder_that_holds_something_else_is_left_alone(raw, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("years of work")

    with pytest.raises(SettingsError, match="holds something else; name a new folder"):
        made(list_cases(raw), tmp_path)
    assert (tmp_path / "out" / "thesis.txt").read_text() == "years of work"


def test_roles_and_folds_are_those_that_training_goes_by(alone):
    parts = read_splits(alone / "splits.json")
    names = sorted(parts)

    assert [parts[name].role for name in names] == [role(name) for name in names]
    assert [parts[name].fold for name in names] == fold_of(np.array(names)).tolist()


def test_a_patient_who_comes_twice_stands_in_one_part(tmp_path):
    twice = [entry("a", level(30), "p"), entry("b", level(30, 90), "p"), entry("c", level(30, 70), "q")]
    made(Listing("here", twice), tmp_path)

    assert sorted(read_splits(tmp_path / "out" / "splits.json")) == ["p", "q"]


def test_frozen_parts_stay_when_patients_come_in(tmp_path):
    many = [entry(f"c{number}", level(30, 60 + number)) for number in range(12)]
    made(Listing("here", many[:7]), tmp_path)
    before = read_splits(tmp_path / "out" / "splits.json")
    made(Listing("here", many), tmp_path)
    after = read_splits(tmp_path / "out" / "splits.json")
    (tmp_path / "elsewhere").mkdir()
    made(Listing("here", many), tmp_path / "elsewhere", splits=tmp_path / "out" / "splits.json")

    assert len(after) == 12
    assert {name: after[name] for name in before} == before
    assert read_splits(tmp_path / "elsewhere" / "out" / "splits.json") == after


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ('{"p": {"role": "train", "fold": 0}, "p": {"role": "test", "fold": 1}}', "'p' stands twice"),
        ('{"p": {"role": "tran", "fold": 0}}', "role 'tran'"),
        ('{"p": {"role": "train", "fold": 7}}', "fold 7"),
        ('{"p": "train"}', "no splits"),
    ],
)
def test_splits_that_cannot_be_meant_are_refused(text, trouble, tmp_path):
    (tmp_path / "splits.json").write_text(f'{{"subjects": {text}}}')

    with pytest.raises(InputError, match=trouble):
        read_splits(tmp_path / "splits.json")


def test_events_are_found_by_the_shared_rule(tmp_path):
    series = level(40)
    series[120:127] = [64, 63, 58, np.nan, 60, 61, 62]
    series[180:185] = 60  # 50 s: too short
    built = made(Listing("here", [entry("a", series)]), tmp_path)

    (event,) = rows(tmp_path / "out" / "events.csv")
    assert event == {
        "case_id": "a",
        "subject_id": "pa",
        "role": role("pa"),
        "onset_s": "1200",
        "lasting_s": "70",
        "lowest_mmhg": "58",
    }
    assert built.record()["roles"] == {role("pa"): {"patients": 1, "cases": 1, "hours": 0.67, "events": 1}}


def test_other_channels_lie_beside_map_where_a_case_has_them(tmp_path):
    cases = [entry("a", level(30), HR=level(30, 64)), entry("b", level(30, 90))]
    made(Listing("here", cases), tmp_path)
    table = parquet.read_table(tmp_path / "out" / "series.parquet")
    record = json.loads((tmp_path / "out" / "build.json").read_text())

    assert table.schema.names == ["case_id", "t_s", "ABP_MEAN", "HR"]
    assert table["HR"].to_pylist() == [*level(30, 64).tolist(), *[None] * 180]
    assert record["channels"]["HR"] == {"unit": "1/min", "cases": 1}
    with_heart, without = read_built(tmp_path / "out")
    np.testing.assert_array_equal(with_heart.others["HR"], level(30, 64))
    assert without.others == {}


def test_the_same_series_twice_is_one_case(tmp_path):
    series = level(30)
    cases = [entry("a", series, "p"), entry("b", series, "p"), entry("c", series, "q")]
    built = made(Listing("here", cases), tmp_path)

    assert [case.entry.case_id for case in built.cases] == ["a"]
    assert rows(tmp_path / "out" / "rejected.csv") == [
        {"case_id": "b", "reason": "the very same series as case a; take one away"},
        {
            "case_id": "c",
            "reason": "the very same series as case a, yet of patient q, not p; find out whose it is",
        },
    ]


def test_too_little_map_is_rejected_with_what_is_needed(tmp_path):
    thin = level(30)
    thin[50:] = np.nan
    built = made(Listing("here", [entry("a", level(30)), entry("b", thin)]), tmp_path)

    (one,) = built.rejected
    assert one.case_id == "b"
    assert one.reason.startswith(
        "too little valid MAP: 8.3 min of 30.0; a case needs 15 min in a row of which"
    )
    assert one.reason.endswith("70% (10.5 min) are valid")


def test_a_frozen_pressure_is_taken_out_by_the_bedsides_own_gate(tmp_path):
    series = level(60)
    series[100:240] = 71.0
    made(Listing("here", [entry("a", series)]), tmp_path)
    (case,) = read_built(tmp_path / "out")

    assert np.isnan(case.map_mmhg[180:240]).all()
    np.testing.assert_array_equal(case.map_mmhg[:100], series[:100])


def test_no_case_left_is_an_error_with_the_first_reason(tmp_path):
    with pytest.raises(InputError, match="none of 1 cases is left; a: too little valid MAP"):
        made(Listing("here", [entry("a", level(5))]), tmp_path)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("entries", "trouble"),
    [
        ([], "no case to build from"),
        ([entry("a", level(30)), entry("a", level(30))], "case 'a' is there twice"),
        ([entry("../a", level(30))], "cannot name a file"),
    ],
)
def test_what_no_single_case_is_to_blame_for_stops_the_build(entries, trouble, tmp_path):
    with pytest.raises(InputError, match=trouble):
        made(Listing("here", entries), tmp_path)


def test_numbers_that_no_person_can_have_are_unknown_in_the_patient_file():
    patient = Patient(
        age_years=300, asa=2, emergency=False, labs=(("hb_g_dl", 0.0), ("k_mmol_l", 4.0)), history=("asthma",)
    )

    assert patient_fields(patient) == {
        "asa": 2,
        "emergency": False,
        "history": ("asthma",),
        "labs": {"k_mmol_l": 4.0},
    }


def test_burdens_come_from_the_series(alone):
    cases = read_built(alone)
    shares = [np.nanmean(np.where(np.isnan(c.map_mmhg), np.nan, c.map_mmhg < 65)) for c in cases]

    assert [burden.share for burden in burdens_of(cases)] == pytest.approx(shares)


def test_a_folder_that_was_not_built_is_no_built_cohort(raw):
    assert not is_built(raw)
    with pytest.raises(InputError, match="build it with barocast train cohort"):
        read_built(raw)


def test_a_patient_without_a_role_is_refused(alone, tmp_path):
    made(Listing("here", [entry("a", level(30))]), tmp_path)
    (tmp_path / "out" / "splits.json").write_text('{"subjects": {}}')

    with pytest.raises(InputError, match="no role for subject 'pa'"):
        read_built(tmp_path / "out")


def test_a_series_off_the_grid_is_refused(tmp_path):
    made(Listing("here", [entry("a", level(30))]), tmp_path)
    path = tmp_path / "out" / "series.parquet"
    table = parquet.read_table(path)
    parquet.write_table(table.set_column(1, "t_s", pa.array(np.arange(180) * 9.0)), path)

    with pytest.raises(InputError, match="case a: t_s is not every 10 s"):
        read_built(tmp_path / "out")


def test_starts_are_told_on_the_cases_grid(tmp_path):
    one = replace(entry("a", level(30)), surgery_start_s=600.0, starts_on="recording")
    made(Listing("here", [one]), tmp_path)
    (case,) = read_built(tmp_path / "out")

    assert case.surgery_start_s == 600
    assert np.isnan(case.anaesthesia_start_s)


def test_building_never_loads_torch():
    code = "import sys; from barocast.export.cohorts import build, command; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"


def test_the_real_cases_with_more_than_map_keep_it():
    listing = list_cases(cohort("vitaldb_or").parent)
    heard = [hear(one) for one in listing.entries if len(one.recording.columns) > 1]

    assert len(heard) == 3
    for one in heard:
        assert {"ABP_MEAN", "ABP_SYS", "ABP_DIA", "HR", "SPO2", "ETCO2", "RR"} <= one.columns.keys()
