"""From a made-up cohort to a signed bundle, by the command itself, in small."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from toy_cohort import write_cohort

from barocast.calibration.calibrators import Calibrators
from barocast.calibration.choosing import Choice
from barocast.calibration.conformal import ConformalBand
from barocast.calibration.stepwise import Isotonic, Knots
from barocast.export import recipe
from barocast.export.calibrated import ASKABLE, Calibrated, CalibrationPlan
from barocast.export.commands import train
from barocast.export.commands.cohort_folder import COHORT_VARIABLE
from barocast.export.known_answers import ANSWERS, known_answers, sane
from barocast.export.model import ModelSettings
from barocast.export.model_card import model_card
from barocast.export.pack import read_or_make_key
from barocast.export.quantize import parity
from barocast.export.recipe import Recipe
from barocast.export.teacher import TeacherSettings
from barocast.export.texts import PretrainingSettings
from barocast.export.train import TrainSettings
from barocast.runtime.bundle import read_bundle
from barocast.runtime.domain import Risk, Sample
from barocast.runtime.engines import OrtEngine
from barocast.runtime.errors import SettingsError
from barocast.runtime.pipeline import Pipeline
from barocast.runtime.trust import trusted_keys

SMALL = Recipe(
    network=ModelSettings(width=16, heads=2, layers=1, members=1),
    training=TrainSettings(epochs=4, rows_per_epoch=2000, batch=100, learning_rate=5e-3, averaging=0.9),
    teacher=TeacherSettings(folds=2, trees=10),
    text=PretrainingSettings(epochs=1),
)


def _arguments(*words):
    parser = ArgumentParser()
    train.add_arguments(parser)
    return parser.parse_args(words)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The bundle of one small run, with its record."""
    root = tmp_path_factory.mktemp("trained")
    cohort = write_cohort(root / "cohort", cases=40, minutes=70)
    patch = pytest.MonkeyPatch()
    patch.setattr(recipe, "Recipe", lambda: SMALL)
    places = ("--cohort", str(cohort), "--out", str(root / "bundle"), "--work", str(root / "runs"))
    keys = ("--key", str(root / "key.pem"), "--trust", str(root / "trusted.json"))
    status = train.run(_arguments("bundle", *places, *keys, "--id", "toy-run"))
    patch.undo()
    record = json.loads((root / "runs" / "record.json").read_text("utf-8"))
    return SimpleNamespace(root=root, bundle=root / "bundle", record=record, status=status)


@pytest.mark.req("INF-03")
def test_the_bedside_accepts_the_bundle_and_its_known_answers(trained):
    bundle = read_bundle(trained.bundle, trusted_keys(trained.root / "trusted.json").values())

    OrtEngine(bundle)

    assert trained.status == 0
    assert bundle.manifest.id == "toy-run"
    assert len(bundle.known_answers["logits"]) == ANSWERS


def test_a_case_played_through_the_pipeline_gives_risks(trained):
    bundle = read_bundle(trained.bundle, trusted_keys(trained.root / "trusted.json").values())
    pipeline = Pipeline(bundle, OrtEngine(bundle))
    events = [Sample("ABP_MEAN", "x", t * 10.0, 75 + 5 * np.sin(t / 9), "mmHg") for t in range(150)]

    decisions = pipeline.feed(events)

    assert sum(isinstance(decision, Risk) for decision in decisions) > 10


@pytest.mark.req("INF-04")
def test_the_graph_is_one_small_int8_file_that_old_runtimes_load(trained):
    graph = onnx.load(trained.bundle / "model.onnx")

    assert graph.ir_version <= 10
    assert [(opset.domain, opset.version) for opset in graph.opset_import] == [("", 18)]
    kinds = {initializer.data_type for initializer in graph.graph.initializer}
    assert onnx.TensorProto.INT8 in kinds
    assert onnx.TensorProto.INT32 not in {
        i.data_type for i in graph.graph.initializer if i.name.endswith("_quantized")
    }
    assert not any(initializer.external_data for initializer in graph.graph.initializer)


def test_the_graph_tells_nothing_of_the_machine_it_was_made_on(trained):
    content = (trained.bundle / "model.onnx").read_bytes()

    assert b"stack_trace" not in content
    assert str(Path(train.__file__).parent).encode() not in content
    assert b".py" not in content


def test_the_record_and_the_card_hold_the_same_figures(trained):
    card = (trained.bundle / "model_card.md").read_text("utf-8")
    auroc = trained.record["test"]["risk"]["5"]["auroc"]["value"]

    assert f"{auroc:.3f}" in card
    assert trained.record["parity"]["holds"]
    assert trained.record["settings"]["training"]["seed"] == 0
    for item in ("Intended use", "CC BY-NC-SA 4.0", "data use agreement", "## Limits", "slope", "Reproduce"):
        assert item in card


def test_the_card_says_how_risks_and_band_were_calibrated(trained):
    table = Isotonic((Knots((-4.0, 1.0), (0.01, 0.6)),) * 3)
    choice = Choice("isotonic", table, {"isotonic": 0.2, "beta": 0.3}, {}, {"platt": "turned around"})
    calibrated = Calibrated(Calibrators(table, {"series": table}), ConformalBand((-0.5, 1.5)), choice)

    plan = {"calibration_plan": asdict(CalibrationPlan("choose", by_pattern=True, band=True))}
    plain, rich = (model_card(trained.record | more) for more in ({}, plan | calibrated.to_record()))

    assert "Calibrator: p = sigmoid(" in plain
    assert "weight of 50 patients" in plain
    assert "`barocast train bundle --out DIR` with" in plain
    for words in ("by pattern", "kind was chosen", "nats", "conformal"):
        assert words not in plain
    for words in (
        "Calibrators by pattern: rows of any other pattern: isotonic tables: 2, 2, 2 knots",
        "cannot be drawn towards the identity",
        "risks without text are not among the figures",
        "one standard error of the best (nats: isotonic 0.2000, beta 0.3000; platt refused (turned around))",
        "conformal, widened by -0.5 to +1.5 mmHg a side over 2 steps",
        "`barocast train bundle --out DIR --calibrator choose --by-pattern --band`",
    ):
        assert words in rich


def test_roles_are_disjoint_and_all_are_there(trained):
    roles = trained.record["roles"]

    assert set(roles) == {"train", "calibration", "selection", "test"}
    assert sum(role["patients"] for role in roles.values()) == 40
    assert all(role["rows"] > 0 for role in roles.values())


def test_known_answers_come_again_from_the_same_graph(trained):
    bundle = read_bundle(trained.bundle, trusted_keys(trained.root / "trusted.json").values())

    again = known_answers(bundle.model, bundle.tokenizer)

    np.testing.assert_array_equal(again["series"], bundle.known_answers["series"])
    np.testing.assert_allclose(again["logits"], bundle.known_answers["logits"], atol=1e-4)
    assert sane(again)


def test_sanity_asks_for_more_risk_where_pressure_falls():
    wrong = {"logits": np.array([[0.0, 1, 2], [-1, 0, 1], [3, 4, 5]])}

    assert not sane(wrong)


def test_a_key_is_made_once_and_kept_to_its_owner(tmp_path):
    path = tmp_path / "new" / "key.pem"

    made = read_or_make_key(path)

    assert read_or_make_key(path) == made
    assert path.stat().st_mode & 0o077 == 0
    assert read_or_make_key(None) != made


@pytest.mark.req("INF-02")
def test_parity_names_what_it_lost():
    labels = np.tile([[0.0], [1.0]], (50, 3)).astype(np.float32)
    exact = np.tile([[0.1], [0.4]], (50, 3))

    assert parity(exact, exact + 0.01, labels, 0.3, 1).holds
    assert not parity(exact, exact + 0.03, labels, 0.3, 1).holds
    assert parity(exact, exact + 0.15, labels, 0.3, 1).same_decisions == 1
    assert parity(exact, exact + 0.25, labels, 0.3, 1).same_decisions == 0.5


def test_every_kind_of_calibrator_can_be_asked_for():
    for kind in ASKABLE:
        assert _arguments("bundle", "--out", "x", "--calibrator", kind).calibrator == kind


def test_an_option_that_too_few_patients_carry_is_refused_before_training(tmp_path):
    cohort = write_cohort(tmp_path / "cohort", cases=4, minutes=30)
    places = ("--cohort", str(cohort), "--out", str(tmp_path / "b"), "--work", str(tmp_path / "runs"))

    with pytest.raises(SettingsError, match=r"--by-pattern: \d calibration patients; needs 20"):
        train.run(_arguments("bundle", *places, "--by-pattern"))
    assert not list(tmp_path.glob("runs/taught-*"))


def test_an_absent_cohort_is_one_clear_error(tmp_path, monkeypatch):
    monkeypatch.setenv(COHORT_VARIABLE, str(tmp_path / "nowhere"))

    with pytest.raises(SettingsError, match="nowhere"):
        train.run(_arguments("bundle", "--out", str(tmp_path)))
