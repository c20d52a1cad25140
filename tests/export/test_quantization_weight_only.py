"""Smaller weights alone, and the precisions by name."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from toy_quantization import toy

from barocast.export.graphs.running import run_rows
from barocast.export.graphs.to_onnx import Graphs
from barocast.export.quantization.precisions import OUTSIDE_BUNDLES, PRECISIONS, precision
from barocast.export.quantization.quantize import Plan
from barocast.export.quantization.windows import Draw
from barocast.runtime.errors import InputError, SettingsError
from barocast.runtime.graph_rules import broken_graph_rule

PLAN = Plan(Draw(windows=100), judged=100)
EVERY = {**PRECISIONS, **OUTSIDE_BUNDLES}
WEIGHTS_MOVED = {"float": 0, "fp16": 1e-3, "int8w": 0.01, "int4": 0.1}
"""Largest change of a risk that each may make of the toy's."""


@pytest.fixture(scope="module")
def given():
    return toy()


def _made(name, given):
    return EVERY[name](given.graphs, given.split.quantizable, given.rows, given.texts, PLAN)


def _risks(graphs, given):
    rows = given.rows.take(np.arange(60))
    logits, _, _ = run_rows(graphs, rows, given.texts)
    return 1 / (1 + np.exp(-logits))


def _elements(graph):
    return {initializer.data_type for initializer in onnx.load_from_string(graph).graph.initializer}


@pytest.mark.parametrize("name", EVERY)
def test_every_precision_takes_and_gives_what_the_float_graphs_do(name, given):
    made = _made(name, given).graphs

    for graph, exact in ((made.prefix, given.graphs.prefix), (made.tick, given.graphs.tick)):
        ends = [
            [(end.name, end.type.tensor_type.elem_type) for end in (*model.input, *model.output)]
            for model in (onnx.load_from_string(part).graph for part in (graph, exact))
        ]
        assert ends[0] == ends[1]


@pytest.mark.parametrize(("name", "limit"), WEIGHTS_MOVED.items())
def test_smaller_weights_move_risks_little(name, limit, given):
    moved = np.abs(_risks(_made(name, given).graphs, given) - _risks(given.graphs, given)).max()

    assert moved <= limit
    assert (moved > 0) == (limit > 0)


@pytest.mark.parametrize("name", PRECISIONS)
def test_a_bundle_may_hold_its_precisions_and_they_come_twice_alike(name, given):
    made = _made(name, given)

    assert broken_graph_rule(made.graphs.prefix) is None
    assert broken_graph_rule(made.graphs.tick) is None
    assert _made(name, given).graphs == made.graphs
    assert (made.to_dict() == {}) == (name != "int8")


def test_smaller_weights_make_smaller_files(given):
    sizes = {name: len(_made(name, given).graphs.tick) for name in ("float", "fp16", "int8w")}

    assert sizes["int8w"] < sizes["fp16"] < sizes["float"]


def test_fp16_computes_products_in_half_and_the_rest_in_float(given):
    tick = onnx.load_from_string(_made("fp16", given).graphs.tick)
    half = {
        node.output[0] for node in tick.graph.node if node.op_type == "Cast" and node.attribute[0].i == 10
    }
    products = [node for node in tick.graph.node if half & set(node.input)]

    assert {node.op_type for node in products} == {"MatMul"}
    assert len(products) == 6


def test_a_weight_beyond_half_precision_is_refused(given):
    tick = onnx.load_from_string(given.graphs.tick)
    weight = next(i for i in tick.graph.initializer if i.name.endswith("think.widen.weight"))
    weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight) * np.float32(1e6), weight.name))

    with pytest.raises(InputError, match=r"fp16: layers.0.think.widen has a weight of .*ends at 65504"):
        PRECISIONS["fp16"](
            Graphs(given.graphs.prefix, tick.SerializeToString()), (".think",), given.rows, given.texts, PLAN
        )


def test_int4_keeps_four_bits_and_needs_an_opset_that_no_bundle_has(given):
    tick = _made("int4", given).graphs.tick

    assert onnx.TensorProto.INT4 in _elements(tick)
    assert "opset 21" in broken_graph_rule(tick)
    with pytest.raises(
        SettingsError, match=r"int4: needs ONNX opset 21, and a bundle holds at most 20.*JetPack 6"
    ):
        precision("int4")


def test_a_precision_is_found_by_name_or_the_names_are_said():
    assert precision("int8") is PRECISIONS["int8"]
    with pytest.raises(SettingsError, match="int7: none of float, fp16, int8w, int8"):
        precision("int7")
