"""`barocast simulate` writes cases that training reads as they lie, and says that they are simulated."""

from __future__ import annotations

import argparse
import csv
import json

import numpy as np
import pytest

from barocast.plugin import simulate_command
from barocast.plugin.cli import main
from barocast.plugin.virtual import drawn
from barocast.plugin.virtual.populations import POPULATIONS
from barocast.runtime.errors import SettingsError
from barocast.runtime.patient_file import parse_patient

MINUTES = 20


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    """Cases of twenty minutes: an hour and more teaches nothing about a file."""
    monkeypatch.setattr(drawn, "SHORTEST_MIN", MINUTES)
    monkeypatch.setattr(drawn, "LONGEST_MIN", MINUTES)


def run(out, *populations, cases=2, seed=7):
    parser = argparse.ArgumentParser()
    simulate_command.add_arguments(parser)
    named = [word for name in populations for word in ("--population", name)]
    numbers = ["--cases", str(cases), "--seed", str(seed)]
    return simulate_command.run(parser.parse_args([*named, *numbers, "--out", str(out)]))


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def columns(path):
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


def test_a_folder_holds_series_patients_and_what_they_mean(tmp_path, capsys):
    status = run(tmp_path / "out", "septic", "healthy")
    names = [f"{name}-7-000{number}" for name in ("septic", "healthy") for number in (0, 1)]
    files = content(tmp_path / "out")
    said = capsys.readouterr().out.splitlines()

    assert status == 0
    assert set(files) == {
        "cases.csv",
        "cohort.json",
        "map.json",
        *(f"{name}{end}" for name in names for end in (".csv", ".json")),
    }
    assert files["cases.csv"].decode().split() == [
        "case_id,subject_id",
        *(f"{name},{name}" for name in names),
    ]
    assert json.loads(files["cohort.json"]) == {"source": "simulated by barocast, seed 7: septic, healthy"}
    assert [line.split(": ")[0] for line in said] == [
        "septic (simulated)",
        "healthy (simulated)",
        "train with",
    ]


def test_a_row_stands_every_two_seconds_and_every_channel_has_a_value(tmp_path):
    run(tmp_path / "out", "low_output", cases=1)
    course = columns(tmp_path / "out" / "low_output-7-0000.csv")
    mapped = json.loads((tmp_path / "out" / "map.json").read_text())

    assert course.pop("Time").tolist() == list(range(0, MINUTES * 60 + 1, 2))
    assert {name: entry["channel"] for name, entry in mapped["channels"].items()} == {
        name: name for name in course
    }
    assert {"ABP_MEAN", "ABP_SYS", "ABP_DIA", "HR", "SPO2", "ETCO2"} <= set(course)
    assert all(np.isfinite(values).all() for values in course.values())
    assert (course["ABP_DIA"] < course["ABP_MEAN"]).all()
    assert (course["ABP_MEAN"] < course["ABP_SYS"]).all()


def test_the_patient_file_is_of_the_population(tmp_path):
    run(tmp_path / "out", "septic", cases=1)
    patient = parse_patient((tmp_path / "out" / "septic-7-0000.json").read_text(), "septic")

    assert patient.emergency is True
    assert patient.asa in POPULATIONS["septic"].asa
    assert "sepsis" in patient.history


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path):
    for name, seed in (("one", 7), ("same", 7), ("other", 8)):
        run(tmp_path / name, "healthy", cases=1, seed=seed)
    one, same, other = (content(tmp_path / name) for name in ("one", "same", "other"))

    assert one == same
    assert one["healthy-7-0000.csv"] != other["healthy-8-0000.csv"]


def test_more_cases_leave_the_first_as_they_were(tmp_path):
    run(tmp_path / "few", "healthy", cases=1)
    run(tmp_path / "many", "bleeding", "healthy", cases=2)

    name = "healthy-7-0000.csv"
    assert (tmp_path / "few" / name).read_bytes() == (tmp_path / "many" / name).read_bytes()


def test_an_earlier_run_is_replaced_whole(tmp_path):
    run(tmp_path / "out", "healthy", cases=2)
    run(tmp_path / "out", "septic", cases=1)

    assert sorted(content(tmp_path / "out")) == [
        "cases.csv",
        "cohort.json",
        "map.json",
        "septic-7-0000.csv",
        "septic-7-0000.json",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_failure_leaves_what_was_there(tmp_path, monkeypatch):
    run(tmp_path / "out", "healthy", cases=1)
    before = content(tmp_path / "out")

    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(simulate_command, "_write_json", full)
    with pytest.raises(SettingsError, match="No space left on device"):
        run(tmp_path / "out", "septic", cases=1)

    assert content(tmp_path / "out") == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("years of work")

    with pytest.raises(SettingsError, match=r"holds thesis\.txt, which would be lost"):
        run(tmp_path / "out", "healthy")

    assert content(tmp_path / "out") == {"thesis.txt": b"years of work"}


def test_a_file_in_the_place_is_refused(tmp_path):
    (tmp_path / "out").write_text("a file")

    with pytest.raises(SettingsError, match="is a file"):
        run(tmp_path / "out", "healthy")


@pytest.mark.parametrize(
    ("populations", "options", "said"),
    [
        (["seals"], {}, "--population seals: unknown; there are healthy, elderly_hypertensive,"),
        (["healthy"], {"cases": 0}, "--cases 0: must be 1 to 9999"),
        (["healthy"], {"cases": 10_000}, "--cases 10000: must be 1 to 9999"),
        (["healthy"], {"seed": -1}, "--seed -1: must be 0 or more"),
    ],
)
def test_what_cannot_be_is_named_and_nothing_is_written(populations, options, said, tmp_path):
    with pytest.raises(SettingsError) as raised:
        run(tmp_path / "out", *populations, **options)

    assert str(raised.value).startswith(said)
    assert list(tmp_path.iterdir()) == []


def test_the_command_tells_a_wrong_population_in_one_line(tmp_path, capsys):
    status = main(["simulate", "--population", "seals", "--cases", "1", "--out", str(tmp_path / "out")])

    assert (status, capsys.readouterr().err.count("\n")) == (2, 1)


def test_training_reads_the_folder_as_it_lies(tmp_path, monkeypatch):
    """From `barocast simulate` to a built cohort, by the two commands as they are typed."""
    pytest.importorskip("pyarrow", reason="needs the extra `validate`")
    monkeypatch.chdir(tmp_path)
    named = ["--population", "septic", "--population", "bleeding"]
    simulated = main(["simulate", *named, "--cases", "1", "--out", "cases"])
    places = ["--from", "cases", "--map", "cases/map.json", "--out", "built"]
    built = main(["train", "cohort", "--source", "csv", *places, "--jobs", "1"])
    record = json.loads((tmp_path / "built" / "build.json").read_text())

    assert (simulated, built) == (0, 0)
    assert record["source"].startswith("simulated")
    assert record["rejected"] == 0
    assert {name: entry["cases"] for name, entry in record["channels"].items()} == dict.fromkeys(
        simulate_command.WRITTEN, 2
    )
