"""Where cases can lie, and what is wrong with each that is rejected or refused."""

from __future__ import annotations

import argparse
import csv
import json
from types import SimpleNamespace
from urllib.error import HTTPError, URLError

import numpy as np
import pytest
from made_recordings import vital_numerics, write_wave_vital, write_wave_wfdb
from toy_cohort import write_cohort

from barocast.export.cohorts import command, vitaldb_net
from barocast.export.cohorts.built import read_built
from barocast.export.cohorts.column_map import read_column_map
from barocast.export.cohorts.entry import Unreachable
from barocast.export.cohorts.heard import hear
from barocast.export.cohorts.recordings import list_recordings
from barocast.runtime.domain import Patient
from barocast.runtime.errors import BarocastError, InputError, SettingsError

MINUTES = 20
STEPS = MINUTES * 6
MAP = {
    "time": {"column": "Time", "unit": "min"},
    "channels": {
        "ART mean": {"channel": "ABP_MEAN", "unit": "kPa"},
        "Pulse": {"channel": "HR", "unit": "bpm"},
    },
    "missing": ["--"],
}


def run(folder, source, *options):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    places = ["--out", str(folder / "out"), "--work", str(folder / "work"), "--jobs", "1"]
    said = []
    status = command.run(parser.parse_args(["--source", source, *places, *map(str, options)]), said.append)
    return status, said


def rejected(folder):
    with (folder / "out" / "rejected.csv").open(encoding="utf-8", newline="") as file:
        return {row["case_id"]: row["reason"] for row in csv.DictReader(file)}


def hospital(folder, column_map=MAP):
    """Give the folder of a hospital's CSV files and its column map."""
    (folder / "cases").mkdir()
    (folder / "map.json").write_text(json.dumps(column_map))
    return folder / "cases", folder / "map.json"


def write_table(path, values, header="Time,Note,ART mean,Pulse", **changed):
    """Write a row every 10 s, times in minutes; `changed` replaces whole lines by number, l2=..."""
    lines = [f"{at / 6:.6f},ok,{value},64" for at, value in enumerate(values)]
    lines = [header, *lines]
    for number, line in changed.items():
        lines[int(number[1:]) - 1] = line
    path.write_text("\n".join(lines) + "\n")


def kpa(mmhg=80.0):
    return [round((mmhg + at % 4) / 7.500617, 6) for at in range(STEPS)]


def csv_run(folder, cases, map_file):
    return run(folder, "csv", "--from", cases, "--map", map_file)


def test_a_column_map_gives_canonical_channels_and_units(tmp_path):
    cases, map_file = hospital(tmp_path)
    values = kpa()
    values[5] = "--"
    write_table(cases / "17.csv", values)
    (cases / "17.json").write_text('{"age_years": 71}')
    (cases / "cohort.json").write_text('{"source": "St Elsewhere"}')

    status, said = csv_run(tmp_path, cases, map_file)
    (case,) = read_built(tmp_path / "out")

    assert status == 0
    assert said[0] == "St Elsewhere: 1 cases listed"
    assert case.patient == Patient(age_years=71)
    assert case.map_source == "monitor numeric"
    assert case.map_mmhg[:7] == pytest.approx([80, 81, 82, 83, 80, np.nan, 82], abs=1e-4, nan_ok=True)
    assert said[-1].endswith("channels ABP_MEAN, HR")


def test_written_times_count_from_the_first_row(tmp_path):
    column_map = MAP | {"time": {"column": "Time", "unit": "iso8601"}}
    cases, map_file = hospital(tmp_path, column_map)
    lines = [f"2024-05-03T08:{at // 6:02}:{at % 6 * 10:02},ok,{value},64" for at, value in enumerate(kpa())]
    (cases / "a.csv").write_text("\n".join(["Time,Note,ART mean,Pulse", *lines]) + "\n")

    csv_run(tmp_path, cases, map_file)
    (case,) = read_built(tmp_path / "out")

    assert case.map_mmhg.size == STEPS
    assert np.isfinite(case.map_mmhg).all()


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"l9": "0.5,ok,10.7,64"}, "line 9, column t_s: time goes back from 60 to 30 s"),
        ({"l9": "1.0,ok,10.7"}, "line 9: 3 cells where the header has 4"),
        ({"l9": "1.0,ok,high,64"}, "line 9, column ABP_MEAN: 'high' is not a number"),
        ({"l9": "soon,ok,10.7,64"}, "line 9: Time is 'soon'"),
        ({"l1": "Times,Note,ART mean,Pulse"}, "line 1: no column 'Time'; did you mean 'Times'?"),
        ({"l121": "240,ok,10.7,64"}, "another case begins (a gap of an hour"),
    ],
)
def test_one_bad_file_is_one_line_of_rejected(changed, reason, tmp_path):
    cases, map_file = hospital(tmp_path)
    write_table(cases / "good.csv", kpa())
    write_table(cases / "bad.csv", kpa(70), **changed)

    status, _ = csv_run(tmp_path, cases, map_file)

    assert status == 0
    assert list(rejected(tmp_path)) == ["bad"]
    assert reason in rejected(tmp_path)["bad"]


def test_kilopascals_that_are_said_to_be_mmhg_are_named_with_the_mend(tmp_path):
    column_map = MAP | {"channels": {"ART mean": {"channel": "ABP_MEAN"}}}
    cases, map_file = hospital(tmp_path, column_map)
    write_table(cases / "a.csv", kpa())

    with pytest.raises(InputError) as raised:
        csv_run(tmp_path, cases, map_file)

    assert str(raised.value).endswith(
        "column 'ART mean': the median of ABP_MEAN is 10.9 mmHg, which cannot be: a whole case's lies in "
        "35 to 160; it would be 81.5 if it were in kPa: say so in the column map, or convert it"
    )


def test_an_open_transducer_before_the_patient_is_no_wrong_unit(tmp_path):
    cases, map_file = hospital(tmp_path)
    values = [*([0.1] * (2 * STEPS)), *kpa()]
    write_table(cases / "a.csv", values)

    assert csv_run(tmp_path, cases, map_file)[0] == 0
    assert rejected(tmp_path) == {}


@pytest.mark.parametrize(
    ("change", "trouble"),
    [
        ({"chanels": {}}, "chanels: unknown; did you mean 'channels'?"),
        ({"time": {"unit": "s"}}, "time: missing"),
        ({"time": {"column": "Time", "unit": "sec"}}, "time: unit 'sec'"),
        ({"channels": {}}, "channels: missing"),
        (
            {"channels": {"x": {"channel": "abp_mean"}}},
            "unknown channel 'abp_mean'; did you mean 'ABP_MEAN'?",
        ),
        ({"channels": {"x": {"channel": "ABP_MEAN", "unit": "%"}}}, "unit '%' cannot be converted"),
        ({"channels": {"x": {"channel": "HR"}}}, "no arterial pressure"),
        (
            {"channels": {"x": {"channel": "ABP_MEAN"}, "y": {"channel": "ABP_MEAN"}}},
            "two columns for ABP_MEAN",
        ),
        ({"channels": {"x": "ABP_MEAN"}}, "channels: 'x': write"),
        ({"missing": "--"}, "missing: is no list"),
    ],
)
def test_a_column_map_that_cannot_be_meant_is_refused(change, trouble, tmp_path):
    (tmp_path / "map.json").write_text(json.dumps(MAP | change))

    with pytest.raises(InputError) as raised:
        read_column_map(tmp_path / "map.json")
    assert trouble in str(raised.value)


@pytest.mark.parametrize(("text", "trouble"), [("{", "not JSON"), ("[]", "not a table")])
def test_a_column_map_that_is_none_is_refused(text, trouble, tmp_path):
    (tmp_path / "map.json").write_text(text)

    with pytest.raises(InputError, match=trouble):
        read_column_map(tmp_path / "map.json")


def test_a_mapped_column_that_no_file_has_stops_the_build_with_the_nearest(tmp_path):
    cases, map_file = hospital(tmp_path)
    write_table(cases / "a.csv", kpa(), header="Time,Note,ART  mean,Pulse")

    with pytest.raises(
        InputError, match=r"column 'ART mean' is in no file of .*; did you mean 'ART  mean'\?"
    ):
        csv_run(tmp_path, cases, map_file)


def test_waves_give_their_own_means(tmp_path):
    for suffix, write in (("vital", write_wave_vital), ("wfdb", write_wave_wfdb)):
        (tmp_path / suffix).mkdir()
        write(tmp_path / suffix, "one", MINUTES)
        run(tmp_path, suffix, "--from", tmp_path / suffix)
        (case,) = read_built(tmp_path / "out")

        assert case.map_source == "waveform mean"
        assert np.nanmean(case.map_mmhg) == pytest.approx(77, abs=1)


def test_a_folder_without_such_recordings_says_so(tmp_path):
    (tmp_path / "given").mkdir()
    write_wave_vital(tmp_path / "given", "one", 0.1)

    with pytest.raises(InputError, match=r"no \.hea recording in it"):
        run(tmp_path, "wfdb", "--from", tmp_path / "given")


CLINICAL = """caseid,subjectid,age,sex,opstart,anestart,death_inhosp
17,900,71,F,600,-300,1
18,901,45,M,,,0
"""


def downloaded(folder, *names):
    (folder / "vitaldb").mkdir()
    (folder / "vitaldb" / "clinical_data.csv").write_text(CLINICAL)
    for number, name in enumerate(names):
        level = [70.0 + number + at % 3 for at in range(MINUTES * 60)]
        (folder / "vitaldb" / f"{name}.vital").write_bytes(vital_numerics({b"ART_MBP": level}))
    return folder / "vitaldb"


def test_downloaded_vitaldb_takes_patients_from_the_clinical_table(tmp_path):
    run(tmp_path, "vitaldb", "--from", downloaded(tmp_path, "0017", "0018", "0019"))
    first, second = read_built(tmp_path / "out")

    assert (first.case_id, first.subject_id, first.patient.age_years, first.patient.sex) == (
        "17",
        "900",
        71,
        "F",
    )
    assert (first.surgery_start_s, first.anaesthesia_start_s) == (600, -300)
    assert np.isnan(second.surgery_start_s)
    assert first.map_mmhg.size == pytest.approx(STEPS, abs=1)
    assert rejected(tmp_path) == {"0019": "0019.vital: not in clinical_data.csv; name it by its case id"}


def test_one_case_id_under_two_names_is_refused(tmp_path):
    with pytest.raises(InputError, match="case '17' is there twice"):
        run(tmp_path, "vitaldb", "--from", downloaded(tmp_path, "0017", "17"))


def test_downloaded_vitaldb_without_its_table_says_what_to_do(tmp_path):
    folder = downloaded(tmp_path, "0017")
    (folder / "clinical_data.csv").unlink()

    with pytest.raises(InputError, match=r"download it from vitaldb\.net, or take --source vital"):
        run(tmp_path, "vitaldb", "--from", folder)


def test_a_clinical_table_without_a_patient_names_the_line(tmp_path):
    folder = downloaded(tmp_path, "0017")
    (folder / "clinical_data.csv").write_text("caseid,subjectid\n17,\n")

    with pytest.raises(InputError, match=r"clinical_data\.csv:2: no subjectid"):
        run(tmp_path, "vitaldb", "--from", folder)


class Table:
    """What the package's data frame gives."""

    def to_dict(self, how):
        return [{"caseid": 17, "subjectid": 900, "age": 71.0, "sex": "F", "opstart": float("nan")}]


def package(monkeypatch, load_case, load_clinical_data=lambda ids: Table()):
    fake = SimpleNamespace(load_case=load_case, load_clinical_data=load_clinical_data)
    monkeypatch.setattr(vitaldb_net, "import_module", lambda name: fake)


def fails(error):
    def raising(*_):
        raise error

    return raising


def test_vitaldb_is_fetched_track_by_track(tmp_path, monkeypatch):
    asked = []

    def load_case(case_id, tracks, interval):
        asked.append((case_id, tracks[0], interval))
        rows = np.full((MINUTES * 30, len(tracks)), np.nan)
        rows[:, 0] = 75 + np.arange(len(rows)) % 3
        return rows

    package(monkeypatch, load_case)
    run(tmp_path, "vitaldb", "--only", "17")
    (case,) = read_built(tmp_path / "out")

    assert asked == [(17, "Solar8000/ART_MBP", 2.0)]
    assert (case.case_id, case.subject_id, case.patient.age_years) == ("17", "900", 71)
    assert np.isnan(case.surgery_start_s)
    assert np.nanmean(case.map_mmhg) == pytest.approx(76, abs=0.1)


def test_all_of_vitaldb_is_named_case_by_case(monkeypatch):
    """The package's own "all" (an empty list) gives an empty table."""
    asked = []
    package(monkeypatch, None, lambda ids: asked.append(ids) or Table())
    vitaldb_net.list_cases([])

    assert asked == [list(range(1, 6389))]


def test_a_network_that_is_down_stops_the_build_and_rejects_nobody(tmp_path, monkeypatch):
    package(monkeypatch, fails(URLError("no route to host")))

    with pytest.raises(Unreachable, match=r"cannot be reached .*; check the network, or download"):
        run(tmp_path, "vitaldb", "--only", "17")
    assert list((tmp_path / "work").iterdir()) == []


def test_a_table_that_cannot_be_fetched_says_so(tmp_path, monkeypatch):
    package(monkeypatch, None, fails(URLError("no route to host")))

    with pytest.raises(Unreachable, match="check the network"):
        run(tmp_path, "vitaldb")


def test_a_case_that_vitaldb_does_not_have_is_rejected(monkeypatch):
    package(monkeypatch, fails(HTTPError("https://x", 404, "Not Found", None, None)))
    (entry,) = vitaldb_net.list_cases(["17"]).entries

    assert "no recording of case 17" in hear(entry).reason


def test_a_server_in_trouble_rejects_nobody(monkeypatch):
    package(monkeypatch, fails(HTTPError("https://x", 503, "Service Unavailable", None, None)))
    (entry,) = vitaldb_net.list_cases(["17"]).entries

    with pytest.raises(Unreachable, match="503"):
        hear(entry)


def test_a_worker_that_does_not_see_the_file_rejects_nobody(tmp_path):
    (entry,) = list_recordings(downloaded(tmp_path, "0017"), ".vital").entries
    entry.recording.path.unlink()

    with pytest.raises(Unreachable, match="every worker needs the cases at that path"):
        hear(entry)


def test_without_the_package_the_error_names_it_and_the_other_way(monkeypatch):
    monkeypatch.setattr(vitaldb_net, "import_module", fails(ImportError("vitaldb")))

    with pytest.raises(InputError, match=r"pip install vitaldb; or download .* --from"):
        vitaldb_net.list_cases([])


def test_the_shared_cohort_is_built_by_command(tmp_path):
    raw = write_cohort(tmp_path / "raw", cases=4, minutes=40)
    status, said = run(tmp_path, "shared", "--from", raw, "--only", "0", "3")

    assert status == 0
    assert [case.case_id for case in read_built(tmp_path / "out")] == ["0", "3"]
    assert said[0] == "VitalDB: 2 cases listed"


@pytest.mark.parametrize(
    ("options", "trouble"),
    [
        (("wfdb",), "--from: missing"),
        (("wfdb", "--from", "nowhere"), "no such folder"),
        (("csv",), "name the column map"),
        (("vital", "--map", "map.json"), "leave it out"),
        (("shared", "--jobs", "0"), "--jobs 0"),
        (("vitaldb", "--only", "x"), "case ids are numbers"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(options, trouble, tmp_path, monkeypatch):
    package(monkeypatch, None)

    with pytest.raises(BarocastError, match=trouble):
        run(tmp_path, *options)


def test_only_names_cases_that_are_there(tmp_path):
    raw = write_cohort(tmp_path / "raw", cases=4, minutes=40)

    with pytest.raises(SettingsError, match="--only 99: no such case in VitalDB"):
        run(tmp_path, "shared", "--from", raw, "--only", "99")
