"""The engine: known answers or nothing, and a broken answer is a fault."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from toy_bundle import SHAPES, known_answers, toy_bundle

from barocast.runtime.domain import Fault, Forecast, ModelInput
from barocast.runtime.engines import OrtEngine
from barocast.runtime.errors import BundleError


def window(map_mmhg: float) -> ModelInput:
    rows = known_answers(1)
    trend = rows["trend"].copy()
    trend[:, 0, 0] = map_mmhg
    return ModelInput(rows["series"], rows["mask"], trend, rows["text"])


def test_the_graph_answers_with_ordered_risks_and_a_band(tmp_path):
    forecast = OrtEngine(toy_bundle(tmp_path / "b").read()).run(window(75.0), 900.0)

    assert isinstance(forecast, Forecast)
    assert forecast.logits.tolist() == [0.0, 0.5, 1.0]
    assert (forecast.q10[0], forecast.q50[0], forecast.q90[0]) == (70.0, 75.0, 80.0)
    assert forecast.gates == {"text": 0.25}


@pytest.mark.req("INF-01")
def test_the_same_window_gives_the_same_bytes(tmp_path):
    engine = OrtEngine(toy_bundle(tmp_path / "b").read())
    answers = {engine.run(window(71.3), 0.0).logits.tobytes() for _ in range(100)}

    assert len(answers) == 1


@pytest.mark.parametrize(
    ("graph", "reason"),
    [
        ({"quantiles": (5.0, 0.0, -5.0)}, "out of order"),
        ({"quantiles": (float("nan"), 0.0, 5.0)}, "quantiles"),
        ({"gates": (float("inf"),)}, "gates"),
    ],
)
def test_a_graph_that_gives_nonsense_is_refused_by_its_known_answers(tmp_path, graph, reason):
    with pytest.raises(BundleError, match=reason):
        OrtEngine(toy_bundle(tmp_path / "b", graph).read())


@pytest.mark.req("INF-03")
def test_a_graph_that_has_drifted_is_refused(tmp_path):
    with pytest.raises(BundleError, match=r"row 0 is off by 0\.\d+"):
        OrtEngine(toy_bundle(tmp_path / "b", {"logits": (0.1, 0.6, 1.1)}).read())


@pytest.mark.parametrize("band", [(-5.0, 0.0, 5.6), (-5.6, 0.0, 5.0), (-5.0, 0.6, 5.0)])
def test_a_graph_whose_map_fan_is_off_is_refused_though_its_risks_are_right(tmp_path, band):
    with pytest.raises(BundleError, match=r"row 0 is off by 0\.60\d\d mmHg of MAP"):
        OrtEngine(toy_bundle(tmp_path / "b", {"quantiles": band}).read())


def test_rounding_of_the_map_fan_is_allowed(tmp_path):
    engine = OrtEngine(toy_bundle(tmp_path / "b", {"quantiles": (-5.0, 0.0, 5.4)}).read())

    assert isinstance(engine.run(window(75.0), 0.0), Forecast)


def test_known_answers_without_a_map_fan_are_compared_by_their_risks(tmp_path):
    bundle = toy_bundle(tmp_path / "b", {"quantiles": (-9.0, 0.0, 9.0)}).read()
    risks_only = {name: array for name, array in bundle.known_answers.items() if name != "quantiles"}

    engine = OrtEngine(replace(bundle, known_answers=risks_only))

    assert isinstance(engine.run(window(75.0), 0.0), Forecast)


def test_a_graph_of_another_shape_than_its_manifest_is_refused(tmp_path):
    bundle = toy_bundle(tmp_path / "b").read()
    other = replace(bundle.manifest, shapes=SHAPES | {"series": (1, 2, 90)})

    with pytest.raises(BundleError, match="has shapes"):
        OrtEngine(replace(bundle, manifest=other))


@pytest.mark.req("INF-06")
@pytest.mark.parametrize(
    "change", [{"gates": ("text", "series")}, {"gates": ()}, {"forecast_minutes": (1.0,)}]
)
def test_an_answer_of_another_layout_than_the_manifest_names_is_a_fault_and_raises_nothing(tmp_path, change):
    bundle = toy_bundle(tmp_path / "b").read()

    with pytest.raises(BundleError, match=r"row 0 gives a fault \(engine: \w+ of shape \(1, [13]"):
        OrtEngine(replace(bundle, manifest=replace(bundle.manifest, **change)))


@pytest.mark.req("INF-06")
def test_whatever_the_graph_gives_is_a_fault_at_worst(tmp_path, monkeypatch):
    engine = OrtEngine(toy_bundle(tmp_path / "b").read())
    for answers in ([], [None] * 3, [[], [], []], [np.array([["a", "b", "c"]])] * 3, [np.zeros(())] * 3):
        monkeypatch.setattr(engine, "_session", SimpleNamespace(run=lambda *_, given=answers: given))

        assert isinstance(engine.run(window(75.0), 5.0), Fault)


def test_what_is_no_graph_is_refused(tmp_path):
    toy = toy_bundle(tmp_path / "b")
    bundle = toy.read()
    broken = type(bundle)(
        bundle.manifest, b"not onnx", bundle.tokenizer, bundle.calibrators, bundle.known_answers, bundle.card
    )

    with pytest.raises(BundleError, match="refuses it"):
        OrtEngine(broken)


@pytest.mark.req("INF-06")
def test_a_window_with_nan_is_a_fault_and_never_a_calm_risk(tmp_path):
    answer = OrtEngine(toy_bundle(tmp_path / "b").read()).run(window(float("nan")), 900.0)

    assert isinstance(answer, Fault)
    assert answer.t_s == 900.0


def test_an_input_of_the_wrong_shape_is_a_fault(tmp_path):
    wrong = ModelInput(
        np.zeros((1, 1, 89), np.float32),
        *(np.zeros((1, 1, 90), np.float32) for _ in range(2)),
        np.zeros((1, 128)),
    )

    assert isinstance(OrtEngine(toy_bundle(tmp_path / "b").read()).run(wrong, 0.0), Fault)
