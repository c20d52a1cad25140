"""Simulated patients beside real ones: who may teach, who is judged, and what is refused."""

from __future__ import annotations

import argparse
import csv
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from toy_cohort import write_cohort

from barocast.export.cohorts.simulated import read_simulated
from barocast.export.commands import train
from barocast.export.course.teacher_file import read_teacher
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

TEACH, JUDGE = ("virtual-1", "virtual-2"), ("virtual-13",)
"""By the hash of their names, as every subject's role is found."""


def obey(*arguments: str) -> list[str]:
    parser, said = argparse.ArgumentParser(), []
    train.add_arguments(parser)
    args = parser.parse_args(arguments)
    assert args.command(args, said.append) == 0
    return said


def write_case(folder: Path, case_id: str, seed: int) -> None:
    """Write 80 min in which the heart answers every fall of the pressure."""
    random = np.random.default_rng(seed)
    at = np.arange(480)
    mmhg = 80 + random.normal(0, 1, at.size) - 22 * np.sin(at / random.uniform(11, 15)) ** 8
    with (folder / f"{case_id}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["Time", "ABP_MEAN", "HR", "SPO2"])
        writer.writerows(
            (10 * n, round(mean, 1), round(150 - mean), 97) for n, mean in zip(at.tolist(), mmhg, strict=True)
        )
    (folder / f"{case_id}.json").write_text('{"age_years": 60, "sex": "F"}', "utf-8")


def built(folder: Path, source: str = "simulated, a toy") -> Path:
    cases = folder / "cases"
    cases.mkdir()
    for seed, case_id in enumerate((*TEACH, *JUDGE)):
        write_case(cases, case_id, seed)
    (cases / "cohort.json").write_text(json.dumps({"source": source}), "utf-8")
    columns = {name: {"channel": name} for name in ("ABP_MEAN", "HR", "SPO2")}
    (folder / "map.json").write_text(
        json.dumps({"time": {"column": "Time", "unit": "s"}, "channels": columns})
    )
    places = ["--map", str(folder / "map.json"), "--out", str(folder / "built"), "--work", str(folder / "w")]
    obey("cohort", "--source", "csv", "--from", str(cases), "--jobs", "1", *places)
    return folder / "built"


def test_a_simulated_patient_teaches_or_is_judged_by_the_role_of_its_name(tmp_path):
    teach, judge = read_simulated(built(tmp_path))

    assert tuple(case.case_id for case in teach) == TEACH
    assert tuple(case.case_id for case in judge) == JUDGE
    assert sorted(judge[0].others) == ["HR", "SPO2"]


def test_patients_who_are_not_said_to_be_simulated_are_refused(tmp_path):
    folder = built(tmp_path, source="VitalDB")

    with pytest.raises(SettingsError, match=r"cohort\.json: its source is 'VitalDB', which does not begin"):
        read_simulated(folder)
    with pytest.raises(SettingsError, match="no built cohort; make one with barocast train cohort"):
        read_simulated(tmp_path)


def test_a_teacher_of_many_channels_is_judged_on_simulated_patients_with_all_of_them_and_without(tmp_path):
    cohort, simulated = write_cohort(tmp_path / "cohort", cases=24, minutes=60), built(tmp_path)
    few = [f"--{stage}-steps=2" for stage in ("text", "patch", "straight")]
    places = {
        "--cohort": cohort,
        "--simulated": simulated,
        "--out": tmp_path / "out",
        "--work": tmp_path / "r",
    }
    said = obey(
        *("teacher", "--preset", "full", "--trunk", "tiny", "--layers", "1", "--mode", "frozen"),
        *("--made", "none", "--steps", "2", "--batch", "16", *few),
        *(word for name, place in places.items() for word in (name, str(place))),
    )

    found = json.loads((tmp_path / "out" / "figures.json").read_text("utf-8"))["simulated"]
    assert found["patients"] == len(JUDGE)
    assert read_teacher(tmp_path / "out").simulated == len(TEACH)
    assert found["auroc"].keys() == found["others"].keys() == {"all channels", "MAP alone"}
    assert any(line.startswith("simulated AUROC, MAP alone") for line in said)
