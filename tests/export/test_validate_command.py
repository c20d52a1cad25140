"""`barocast validate` from end to end: what it writes, what it says, and its exit status."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from toy_study import toy_map, toy_source

from barocast.export.validation import case_folder, written
from barocast.plugin.cli import main

CASES = 4
MINUTES = 50
GATE = """
[[floor]]
figure = "about.judged.answered"
at_least = 0.9
[[floor]]
figure = "alarm.shipped.alarms_per_hour"
at_most = {most}
"""


def own_form(folder):
    """Lay cases down as cases.csv and series.parquet, of a hospital that taught the toy nothing."""
    folder.mkdir()
    series = [toy_map(number, MINUTES) for number in range(CASES)]
    (folder / "cohort.json").write_text('{"source": "St Elsewhere"}')
    rows = [f"c{number},p{number}" for number in range(CASES)]
    (folder / "cases.csv").write_text("\n".join(["case_id,subject_id", *rows]) + "\n")
    table = {
        "case_id": np.repeat([f"c{number}" for number in range(CASES)], MINUTES * 6),
        "t_s": np.tile(np.arange(MINUTES * 6) * 10.0, CASES),
        "ABP_MEAN": np.concatenate(series),
    }
    parquet.write_table(pa.table(table), folder / "series.parquet")
    return folder


def csv_form(folder):
    """Lay cases down as recordings, each with a patient of its own beside it; the last is far too short."""
    folder.mkdir()
    for number, minutes in enumerate((MINUTES, MINUTES, 4)):
        rows = [f"{10 * i},{v:.1f}" for i, v in enumerate(toy_map(number, minutes)) if np.isfinite(v)]
        (folder / f"op{number}.csv").write_text("\n".join(["t_s,ABP_MEAN", *rows]) + "\n")
        (folder / f"op{number}.json").write_text(json.dumps({"age_years": 60 + number, "sex": "F"}))
    return folder


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    source = toy_source(tmp_path_factory.mktemp("bundle"))
    return ["--bundle", str(source.bundle), "--trust", str(source.trust), "--draws", "200", "--jobs", "1"]


def validate(*arguments):
    """Run the command; give its status and what it said on both streams."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(["validate", *map(str, arguments)])
    return status, out.getvalue(), err.getvalue()


@pytest.fixture(scope="module")
def ran(tmp_path_factory, bundle):
    """One whole run with the float parent, a gate that holds, and a record."""
    folder = tmp_path_factory.mktemp("ran")
    (folder / "gate.toml").write_text(GATE.format(most=60))
    cases, parent = own_form(folder / "cases"), bundle[1] + "/model.onnx"
    asked = ["--parent", parent, "--gate", folder / "gate.toml", "--record", folder / "changes.jsonl"]
    return folder, validate("--cases", cases, "--out", folder / "out", *bundle, *asked)


def test_everything_is_written(ran):
    folder, (status, said, _) = ran
    names = {str(path.relative_to(folder / "out")) for path in (folder / "out").rglob("*") if path.is_file()}

    assert status == 0
    assert {"report.json", "report.html", "card.md", "pictures/reliability.svg"} <= names
    assert "pictures/worst.svg" not in names
    assert f"{CASES} patients" in said


def test_the_pdf_is_written_or_its_absence_explained(ran):
    folder, (_, said, _) = ran
    path = folder / "out" / "report.pdf"

    assert path.read_bytes().startswith(b"%PDF") if path.exists() else "barocast[pdf]" in said


def test_the_page_and_the_json_hold_the_same_run(ran):
    folder, _ = ran
    report = json.loads((folder / "out" / "report.json").read_text("utf-8"))

    assert report["about"]["judged"]["cases"] == CASES
    assert report["about"]["model_sha256"] in (folder / "out" / "report.html").read_text("utf-8")
    assert report["about"]["sources"] == ["St Elsewhere"]


def test_a_graph_beside_itself_changes_nothing(ran):
    folder, _ = ran
    found = json.loads((folder / "out" / "report.json").read_text("utf-8"))["quantized"]

    assert (found["decisions_changed"], found["horizons"]["10"]["max_risk_change"]) == (0, 0)
    assert found["landmarks"] > 100


def test_a_gate_that_holds_says_so_floor_by_floor(ran):
    _, (_, said, _) = ran

    assert said.count("pass  ") == 2


def test_the_change_control_file_gets_a_line(ran):
    folder, _ = ran
    (line,) = map(json.loads, (folder / "changes.jsonl").read_text().splitlines())
    report = (folder / "out" / "report.json").read_bytes()

    assert (line["bundle"], line["passed"], len(line["findings"])) == ("toy-1", True, 2)
    assert line["report_sha256"] == hashlib.sha256(report).hexdigest()


def test_the_hash_of_the_newest_line_is_said_last(ran):
    folder, (_, said, _) = ran
    line = (folder / "changes.jsonl").read_bytes().removesuffix(b"\n")

    assert f"is {hashlib.sha256(line).hexdigest()}; keep it elsewhere" in said.splitlines()[-1]


def test_what_is_wrong_with_the_record_comes_out_before_the_work(tmp_path, bundle):
    (tmp_path / "gate.toml").write_text(GATE.format(most=60))
    (tmp_path / "changes.jsonl").write_text("mine\n")
    asked = ["--gate", tmp_path / "gate.toml", "--record", tmp_path / "changes.jsonl"]
    status, _, errors = validate("--cases", tmp_path / "nowhere", "--out", tmp_path / "out", *bundle, *asked)

    assert status == 2
    assert "changes.jsonl:1: no line of a change-control file" in errors


def test_workers_elsewhere_are_given_whole_paths(tmp_path, bundle, monkeypatch):
    seen = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(case_folder, "read_folder", lambda folder: seen.append(folder) or [])
    status, _, _ = validate("--cases", "cases", "--out", "out", *bundle)

    assert (status, seen) == (2, [tmp_path / "cases"])


def test_recordings_through_a_gate_that_breaks(tmp_path, bundle, monkeypatch):
    monkeypatch.setattr(written, "to_pdf", lambda _: (b"", "not asked for"))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "report.pdf").write_text("of another run")
    (tmp_path / "gate.toml").write_text(GATE.format(most=0.01))
    cases = csv_form(tmp_path / "cases")
    asked = ["--gate", tmp_path / "gate.toml", "--record", tmp_path / "changes.jsonl"]
    status, said, _ = validate("--cases", cases, "--out", tmp_path / "out", *bundle, *asked)
    (line,) = map(json.loads, (tmp_path / "changes.jsonl").read_text().splitlines())

    assert status == 1
    assert (said.count("pass  "), said.count("FAIL  ")) == (1, 1)
    assert line["passed"] is False
    assert not (tmp_path / "out" / "report.pdf").exists()
    assert '"cases_without_landmarks": 1' in (tmp_path / "out" / "report.json").read_text("utf-8")
    assert "Gate: FAIL" in (tmp_path / "out" / "report.html").read_text("utf-8")


def test_a_floor_on_no_figure_is_refused_and_the_work_is_kept(tmp_path, bundle, monkeypatch):
    monkeypatch.setattr(written, "to_pdf", lambda _: (b"", "not asked for"))
    (tmp_path / "gate.toml").write_text('[[floor]]\nfigure = "risk.10.aurok.low"\nat_least = 0.8\n')
    cases = csv_form(tmp_path / "cases")
    status, _, said = validate(
        "--cases", cases, "--out", tmp_path / "out", *bundle, "--gate", tmp_path / "gate.toml"
    )

    assert status == 2
    assert "the nearest is risk.10.auroc.low" in said
    assert (tmp_path / "out" / "report.html").is_file()


def short(folder):
    folder.mkdir()
    (folder / "a.csv").write_text("t_s,ABP_MEAN\n0,70\n10,71\n")


def twice(folder):
    csv_form(folder)
    (folder / "copy.csv").write_bytes((folder / "op0.csv").read_bytes())


@pytest.mark.parametrize(
    ("lay", "more", "said"),
    [
        (None, [], "--cases: missing"),
        (lambda folder: None, [], "no such folder"),
        (csv_form, ["--draws", "20"], "--draws 20"),
        (csv_form, ["--record", "changes.jsonl"], "--record: records what a gate found; give its floors"),
        (csv_form, ["--jobs", "0"], "--jobs 0"),
        (csv_form, ["--jobs", "two"], "--jobs"),
        (csv_form, ["--gate", "nowhere.toml"], "--gate nowhere.toml"),
        (csv_form, ["--parent", "nowhere.onnx"], "--parent"),
        (csv_form, ["--bundle", "nowhere"], "nowhere"),
        (csv_form, ["--scores", "nowhere.csv"], "nowhere.csv"),
        (short, [], "can be judged"),
        (twice, [], "same"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(tmp_path, bundle, lay, more, said):
    cases = [] if lay is None else ["--cases", tmp_path / "cases"]
    if lay is not None:
        lay(tmp_path / "cases")
    status, _, errors = validate(*cases, "--out", tmp_path / "out", *bundle, *more)
    (line,) = [one for one in errors.splitlines() if one.startswith("barocast: ")]

    assert status == 2
    assert said in line
    assert not (tmp_path / "out").exists()


def test_an_out_that_is_a_file_is_refused_before_the_work(tmp_path, bundle):
    (tmp_path / "out").write_text("mine")
    status, _, errors = validate("--cases", csv_form(tmp_path / "cases"), "--out", tmp_path / "out", *bundle)

    assert status == 2
    assert "is no folder" in errors
    assert (tmp_path / "out").read_text() == "mine"
