"""From a made-up cohort to a signed bundle, by the commands themselves, in small."""

from __future__ import annotations

import json
import subprocess
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from toy_cohort import write_cohort
from toy_student import SMALL

from barocast.calibration.calibrators import Calibrators
from barocast.calibration.choosing import Choice
from barocast.calibration.conformal import ConformalBand
from barocast.calibration.stepwise import Isotonic, Knots
from barocast.export import recipe
from barocast.export.calibrated import Calibrated, CalibrationPlan
from barocast.export.checkpoint import read_student
from barocast.export.commands import export, train
from barocast.export.course.settings import COURSES
from barocast.export.graphs.to_onnx import Graphs
from barocast.export.known_answers import ANSWERS, known_answers, sane
from barocast.export.packing.model_card import model_card
from barocast.export.packing.release import Release
from barocast.runtime.bundle import read_bundle
from barocast.runtime.bundle_files import FILES, TWO_GRAPHS
from barocast.runtime.domain import Risk, Sample
from barocast.runtime.engines import OrtEngine
from barocast.runtime.pipeline import Pipeline
from barocast.runtime.trust import trusted_keys

PARSED = {"train": train, "export": export}


def command(what, *words):
    """Run `barocast train|export ...` here."""
    parser = ArgumentParser()
    PARSED[what].add_arguments(parser)
    return PARSED[what].run(parser.parse_args([str(word) for word in words]))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The bundle of one small run, with its record."""
    root = tmp_path_factory.mktemp("trained")
    places = ("--cohort", write_cohort(root / "cohort", cases=40, minutes=50), "--work", root / "runs")
    patch = pytest.MonkeyPatch()
    patch.setattr(recipe, "Recipe", lambda: SMALL)
    statuses = [command("train", "student", *places, "--out", root / "student")]
    patch.undo()
    pack = ("bundle", "--from", root / "student", *places, "--key", root / "key.pem", "--id", "toy-run")
    keys = ("--trust", root / "trusted.json", "--sequence", "3")
    statuses.append(command("export", *pack, *keys, "--out", root / "bundle"))
    record = json.loads((root / "runs" / "record.json").read_text("utf-8"))
    return SimpleNamespace(root=root, bundle=root / "bundle", record=record, statuses=statuses, pack=pack)


@pytest.fixture
def bundle(trained):
    """It, read as the bedside reads one."""
    return read_bundle(trained.bundle, trusted_keys(trained.root / "trusted.json").values())


@pytest.mark.req("INF-03")
def test_the_bedside_accepts_the_bundle_and_its_known_answers(trained, bundle):
    OrtEngine(bundle)

    assert trained.statuses == [0, 0]
    assert (bundle.manifest.id, bundle.manifest.sequence) == ("toy-run", 3)
    assert {path.name for path in trained.bundle.iterdir()} == set(FILES[TWO_GRAPHS])
    assert len(bundle.known_answers["logits"]) == ANSWERS


def test_a_case_played_through_the_pipeline_gives_risks(bundle):
    pipeline = Pipeline(bundle, OrtEngine(bundle))
    events = [Sample("ABP_MEAN", "x", t * 10.0, 75 + 5 * np.sin(t / 9), "mmHg") for t in range(150)]

    decisions = pipeline.feed(events)

    assert sum(isinstance(decision, Risk) for decision in decisions) > 10


@pytest.mark.req("INF-04")
def test_both_graphs_are_small_files_that_old_runtimes_load(trained):
    for name, int8 in (("prefix.onnx", False), ("model.onnx", True)):
        graph = onnx.load(trained.bundle / name)
        kinds = {initializer.data_type for initializer in graph.graph.initializer}

        assert graph.ir_version <= 10
        assert [(opset.domain, opset.version) for opset in graph.opset_import] == [("", 18)]
        assert (onnx.TensorProto.INT8 in kinds) == int8
        assert onnx.TensorProto.INT32 not in kinds
        assert not any(initializer.external_data for initializer in graph.graph.initializer)


def test_a_bundle_tells_nothing_of_the_machine_it_was_made_on(trained):
    for path in trained.bundle.iterdir():
        content = path.read_bytes()
        for told in (b"stack_trace", b".py", str(trained.root).encode(), str(Path.home()).encode() + b"/"):
            assert told not in content


def test_another_process_packs_the_very_same_bytes(trained):
    code = (
        "import sys; from argparse import ArgumentParser; from barocast.export.commands import export\n"
        "p = ArgumentParser(); export.add_arguments(p); sys.exit(export.run(p.parse_args(sys.argv[1:])))"
    )
    words = [*trained.pack, "--sequence", "3", "--out", trained.root / "again"]
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    for path in trained.bundle.iterdir():
        assert (path.name, (trained.root / "again" / path.name).read_bytes()) == (
            path.name,
            path.read_bytes(),
        )


def test_manifest_record_and_card_name_the_parent_by_its_hashes(trained, bundle):
    reference = bundle.manifest.reference

    assert reference["mode"] == "eval"
    assert reference["checkpoint"] == read_student(trained.root / "student").sha256
    assert all(len(reference[name]) == 64 for name in ("prefix_float", "tick_float"))
    assert trained.record["reference"] == reference
    assert all(value in bundle.card for value in reference.values())


def test_the_record_and_the_card_hold_the_same_figures(trained, bundle):
    auroc = trained.record["test"]["risk"]["5"]["auroc"]["value"]

    assert f"{auroc:.3f}" in bundle.card
    assert trained.record["parity"]["holds"]
    assert trained.record["parent"]["settings"]["training"]["seed"] == 0
    for item in ("Intended use", "CC BY-NC-SA 4.0", "data use agreement", "## Limits", "slope", "Reproduce"):
        assert item in bundle.card


def test_the_card_answers_every_item_of_tripod_ai(bundle):
    table = bundle.card.split("## TRIPOD+AI")[1]
    items = {row.split("|")[1].strip() for row in table.splitlines() if row.startswith("| ")} - {"item"}
    numbers = {number for item in items for number in _numbers(item)}
    named = {row.split("|")[3].split(":")[0].split(";")[0].strip() for row in table.splitlines()[4:-1]}

    assert numbers == set(range(1, 28))
    sections = [section for section in named if section in {"Data", "Model", "Output", "Limits", "Fairness"}]
    assert all(f"## {section}\n" in bundle.card for section in sections)
    assert len(sections) == 5


def _numbers(item):
    """3a-3c -> 3."""
    edges = [int("".join(filter(str.isdigit, part))) for part in item.split("-")]
    return range(edges[0], edges[-1] + 1)


def test_the_card_says_how_risks_and_band_were_calibrated(trained):
    table = Isotonic((Knots((-4.0, 1.0), (0.01, 0.6)),) * 3)
    choice = Choice("isotonic", table, {"isotonic": 0.2, "beta": 0.3}, {}, {"platt": "turned around"})
    calibrated = Calibrated(Calibrators(table, {"series": table}), ConformalBand((-0.5, 1.5)), choice)

    plan = CalibrationPlan("choose", by_pattern=True, band=True)
    asked = {"options": Release("b", b"", plan=plan, precision="fp16").options()}
    plain, rich = (model_card(trained.record | more) for more in ({}, asked | calibrated.to_record()))

    assert "Calibrator: p = sigmoid(" in plain
    assert "weight of 50 patients" in plain
    assert "--out DIR --id toy-run --sequence 3 --key PEM`" in plain
    for words in ("by pattern", "kind was chosen", "nats", "conformal"):
        assert words not in plain
    for words in (
        "Calibrators by pattern: rows of any other pattern: isotonic tables: 2, 2, 2 knots",
        "cannot be drawn towards the identity",
        "risks without text are not among the figures",
        "one standard error of the best (nats: isotonic 0.2000, beta 0.3000; platt refused (turned around))",
        "conformal, widened by -0.5 to +1.5 mmHg a side over 2 steps",
        "--out DIR --id b --precision fp16 --calibrator choose --by-pattern --band --key PEM`",
    ):
        assert words in rich


def test_the_card_of_a_teacher_says_what_it_is(trained):
    course = json.loads(json.dumps(asdict(COURSES["small"])))
    parent = {"checkpoint": "0" * 64, "parameters": 7_000_000, "course": course, "simulated": 0}

    card, other = (
        model_card(trained.record | {"parent": parent | {"simulated": patients}}) for patients in (0, 81)
    )

    assert "on patients of the role `train` alone.\n" in card
    assert "on patients of the role `train` alone, and on 81 simulated patients.\n" in other
    assert "the first 1 layer(s) of smollm2, frozen, 7,000,000 parameters" in card
    assert "`barocast train teacher --out STUDENT`, then " in card


def test_roles_are_disjoint_and_all_are_there(trained):
    roles = trained.record["roles"]

    assert set(roles) == {"train", "calibration", "selection", "test"}
    assert sum(role["patients"] for role in roles.values()) == 40
    assert all(role["rows"] > 0 for role in roles.values())
    assert trained.record["parent"]["taught_by"]["patients"] == roles["train"]["patients"]


def test_every_test_patient_is_in_one_level_of_each_subgroup(trained):
    patients = trained.record["roles"]["test"]["patients"]

    for levels in trained.record["subgroups"].values():
        assert sum(found["patients"] for found in levels.values()) == patients
        assert all(found["auroc"] is None for found in levels.values() if found["events"] < 10)


def test_known_answers_come_again_from_the_same_graphs(bundle):
    again = known_answers(Graphs(bundle.prefix, bundle.model), bundle.tokenizer)

    np.testing.assert_array_equal(again["series"], bundle.known_answers["series"])
    np.testing.assert_allclose(again["logits"], bundle.known_answers["logits"], atol=1e-4)
    assert sane(again)


def test_sanity_asks_for_more_risk_where_pressure_falls():
    wrong = {"logits": np.array([[0.0, 1, 2], [-1, 0, 1], [3, 4, 5]])}

    assert not sane(wrong)


def test_the_plan_is_on_record(trained):
    assert trained.record["calibration_plan"] == asdict(CalibrationPlan())
