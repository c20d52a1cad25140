"""Whether every way to run a network says the same, on a toy student: judged, and taken apart where not."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from toy_bundle import SHAPES, manifest, toy_bundle
from toy_quantization import toy, toy_model
from toy_student import toy_student

from barocast.export.checkpoint import read_student
from barocast.export.commands import export
from barocast.export.graphs.running import shapes
from barocast.export.graphs.student import split_student
from barocast.export.graphs.to_onnx import Graphs, to_onnx
from barocast.export.packing.parent import Parent
from barocast.export.parity import kinds as parity_kinds
from barocast.export.parity.agreement import gaps, parity
from barocast.export.parity.compare import ALL_COHORT, ALL_MADE, judged
from barocast.export.parity.kinds import Kind, cohort_kinds
from barocast.export.parity.layers import first_off, layers, snr_db
from barocast.export.parity.page import page
from barocast.export.parity.study import Subject, study
from barocast.export.parity.ways import SESSIONS, engine_way
from barocast.export.quantization.quantize import Plan, quantize
from barocast.export.quantization.windows import Draw
from barocast.runtime.bundle import write_manifest
from barocast.runtime.domain import Fault
from barocast.runtime.errors import InputError, SettingsError
from barocast.runtime.trust import write_keys

PLAIN = SESSIONS["not optimized"]


@pytest.fixture(scope="module")
def given():
    return toy(rows=120)


@pytest.fixture(scope="module")
def packed(given):
    """Graphs in int8."""
    plan = Plan(Draw(windows=100), judged=100)
    return quantize(given.graphs, given.split.quantizable, given.rows, given.texts, plan).graphs


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A bundle that only lends its calibrator and threshold."""
    return toy_bundle(tmp_path_factory.mktemp("parity") / "bundle", prefix=True).read()


def windows(given):
    """The rows as a cohort's, and a few of them as if they were made up."""
    made = given.rows.take(np.arange(8))
    unknown = replace(made, labels=np.full_like(made.labels, np.nan))
    return [*cohort_kinds(given.rows, given.texts), Kind("made", unknown, given.texts)]


def subject(given, bundle, graphs):
    memory = dict.fromkeys(given.split.memory, ())
    holding = replace(
        bundle, prefix=graphs.prefix, model=graphs.tick, manifest=replace(bundle.manifest, memory=memory)
    )
    return Subject(toy_model(), Parent(given.split, "{}", {"checkpoint": "of a toy"}), given.graphs, holding)


def spoiled(graph, node_name):
    """Give the graph with the weights of a product turned around, and the product's node name."""
    model = onnx.load_from_string(graph)
    weights = {initializer.name: initializer for initializer in model.graph.initializer}
    node = next(n for n in model.graph.node if n.op_type == "MatMul" and n.name == node_name)
    weight = weights[next(name for name in node.input if name in weights)]
    weight.CopyFrom(numpy_helper.from_array(-numpy_helper.to_array(weight), weight.name))
    return model.SerializeToString()


def a_product(graph):
    model = onnx.load_from_string(graph)
    weights = {initializer.name for initializer in model.graph.initializer}
    return [n.name for n in model.graph.node if n.op_type == "MatMul" and weights & set(n.input)][-1]


@pytest.mark.req("INF-02")
def test_limits_are_evaluations():
    labels = np.tile([[0.0], [1.0]], (50, 3)).astype(np.float32)
    exact = np.tile([[0.1], [0.4]], (50, 3))

    assert parity(exact, exact + 0.01, labels, 0.3, 1).holds
    assert not parity(exact, exact + 0.03, labels, 0.3, 1).holds
    assert parity(exact, exact + 0.25, labels, 0.3, 1).same_decisions == 0.5
    assert not parity(exact, 0.25 + 0.01 * (0.25 - exact), labels, 0.25, 1).holds  # turned around


def test_rows_without_labels_are_judged_on_risks_and_decisions():
    p, labels = np.full((4, 3), 0.1), np.full((4, 3), np.nan, np.float32)

    assert parity(p, p, labels, 0.5, 1).holds
    assert not parity(p, p + 0.03, labels, 0.5, 1).holds


def test_a_number_where_the_exact_answer_is_none_breaks_the_limits():
    exact, labels = np.full((4, 3), np.nan), np.full((4, 3), np.nan, np.float32)

    assert parity(exact, exact, labels, 0.5, 1).holds
    assert not parity(exact, np.full((4, 3), 0.1), labels, 0.5, 1).holds
    assert gaps(exact, exact).max() == 0


def test_int8_keeps_the_limits_and_every_way_is_compared(given, packed, bundle):
    said = []

    found = study(subject(given, bundle, packed), windows(given), said.append)

    assert found.holds
    assert found.layers == {}
    assert {one.kind for one in judged(found.differences)} == {ALL_COHORT, ALL_MADE}
    ways = {one.other for one in found.differences}
    assert ways >= {
        "torch, cut in two",
        "ONNX float, default",
        "bundle, default",
        "bundle, x64quantprecision",
    }
    assert len(said) == 7
    assert "bundle, ONNX Runtime CUDA" in found.absent
    from_torch = [one for one in judged(found.differences) if one.exact == "torch"]
    largest = {one.other: one.parity.max_p_change for one in from_torch}
    assert largest["ONNX float, default"] < 1e-5 < largest["bundle, default"] < 0.02


def test_a_broken_layer_is_found_and_named(given, bundle):
    node = a_product(given.graphs.tick)
    broken = Graphs(given.graphs.prefix, spoiled(given.graphs.tick, node))

    found = study(subject(given, bundle, broken), windows(given), lambda _: None)

    assert not found.holds
    assert set(found.layers) == {f"bundle, {name}" for name in SESSIONS}
    assert first_off(found.layers["bundle, default"]).node == node
    text = page(found, "a command", "a machine")
    assert "**no**" in text
    assert f"First node below 25 dB: `{node}`" in text


def test_layers_of_the_same_graph_do_not_differ(given):
    feeds = [{"text": given.texts[row : row + 1]} for row in range(2)]

    found = layers((given.graphs.prefix, PLAIN), (given.graphs.prefix, PLAIN), feeds)

    assert len(found) > 5
    assert all(layer.snr_db == np.inf for layer in found)
    assert first_off(found) is None


def test_noise_of_a_tenth_is_20_db():
    signal = np.ones(100, np.float32)

    assert snr_db(signal, signal * 1.1) == pytest.approx(20, abs=0.01)
    assert snr_db(signal, signal) == np.inf


def test_what_an_engine_answers_with_a_fault_is_no_number(given):
    class Broken:
        name = "broken"

        def run(self, model_input, t_s):
            return Fault(t_s, "engine: broken")

    answers = engine_way(Broken())(given.rows.take(np.arange(3)), given.texts)

    assert answers.logits.shape == (3, 3)
    assert answers.quantiles.shape == (3, 3, 30)
    assert np.isnan(answers.logits).all()


def test_a_bundle_of_another_network_is_refused(given, packed, bundle):
    asked = subject(given, bundle, packed)

    with pytest.raises(InputError, match="takes another memory"):
        replace(asked, bundle=bundle).graphs()
    with pytest.raises(InputError, match="one graph, of an older form"):
        replace(asked, bundle=replace(bundle, prefix=None)).graphs()


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """A toy student, and a signed bundle of its float graphs, as the command takes them."""
    root = tmp_path_factory.mktemp("packed")
    graphs = to_onnx(split_student(read_student(toy_student(root / "student")).model))
    told = shapes(graphs)
    made = toy_bundle(root / "bundle", prefix=True)
    (made.directory / "model.onnx").write_bytes(graphs.tick)
    (made.directory / "prefix.onnx").write_bytes(graphs.prefix)
    memory = {name: told[name] for name in ("aspects", "present")}
    gates = {"gates": ("text", "series"), "shapes": SHAPES | {"gates": (1, 2)}}
    write_manifest(made.directory, manifest(memory=memory, **gates))
    made.resign()
    write_keys(root / "trusted.json", {"toy": made.public_key})
    return ("--from", root / "student", "--bundle", root / "bundle", "--trust", root / "trusted.json")


def command(*words):
    parser = ArgumentParser()
    export.add_arguments(parser)
    return export.run(parser.parse_args(["parity", *map(str, words)]))


def test_the_command_writes_page_and_figures(places, tmp_path, monkeypatch):
    monkeypatch.setattr(parity_kinds, "COURSES", 2)
    monkeypatch.delenv("BAROCAST_COHORT", raising=False)

    status = command(*places, "--out", tmp_path / "out")

    text, figures = ((tmp_path / "out" / f"parity.{kind}").read_text("utf-8") for kind in ("md", "json"))
    assert status == 0
    assert "**Every way keeps them.**" in text
    assert "| artefact: flush |" in text
    assert json.loads(figures)["holds"]
    assert json.loads(figures)["reference"]["mode"] == "eval"


def test_a_cohort_that_is_not_there_is_one_clear_error(places, tmp_path):
    with pytest.raises(SettingsError, match=r"nowhere: no cohort there"):
        command(*places, "--cohort", tmp_path / "nowhere", "--out", tmp_path / "out")
