"""int8 by static Q/DQ: what becomes int8, what stays float, and that the answers stay."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from torch import nn
from toy_quantization import labelled, toy

from barocast.export.graphs.running import Running, run_rows
from barocast.export.graphs.split import Split
from barocast.export.graphs.to_onnx import Graphs, to_onnx
from barocast.export.quantization.quantize import Plan, quantize
from barocast.export.quantization.saturation import saturations
from barocast.export.quantization.sensitivity import Threshold
from barocast.export.quantization.windows import Draw
from barocast.runtime.errors import BundleError, InputError
from barocast.runtime.graph_rules import broken_graph_rule

PLAN = Plan(Draw(windows=100), judged=100)


@pytest.fixture(scope="module")
def given():
    return toy()


@pytest.fixture(scope="module")
def quantized(given):
    return _quantize(given, PLAN)


def _quantize(given, plan, rows=None, texts=None):
    rows, texts = rows or given.rows, given.texts if texts is None else texts
    return quantize(given.graphs, given.split.quantizable, rows, texts, plan)


def _nodes(graph, op):
    return [node for node in onnx.load_from_string(graph).graph.node if node.op_type == op]


def _risks(graphs, given):
    logits, _, _ = run_rows(graphs, given.rows, given.texts)
    return 1 / (1 + np.exp(-logits))


def test_risks_stay_where_they_were(given, quantized):
    moved = np.abs(_risks(quantized.graphs, given) - _risks(given.graphs, given)).max()

    assert 0 < moved < 0.01
    assert quantized.sensitivity.kept.holds
    assert quantized.in_float == ()


def test_only_the_trunk_is_int8(given, quantized):
    kinds = {
        initializer.name.removesuffix("_int8"): initializer.data_type
        for initializer in onnx.load_from_string(quantized.graphs.tick).graph.initializer
        if initializer.name.endswith("_int8")
    }

    assert len(kinds) == len(quantized.sensitivity.alone) == 6
    assert set(kinds.values()) == {onnx.TensorProto.INT8}
    for float_part in ("head", "gates", "text_gate", "first", "scales", "to_self"):
        assert not any(f".{float_part}." in name for name in kinds)
    assert not _nodes(quantized.graphs.prefix, "DequantizeLinear")


def test_q_and_dq_are_symmetric_signed_and_leave_biases_float(quantized):
    model = onnx.load_from_string(quantized.graphs.tick)
    constants = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    linear = [n for n in model.graph.node if n.op_type in {"QuantizeLinear", "DequantizeLinear"}]

    assert all(constants[node.input[2]].dtype == np.int8 for node in linear)
    assert all((constants[node.input[2]] == 0).all() for node in linear)
    assert not any(array.dtype == np.int32 for array in constants.values())
    assert all(np.abs(a).max() == 64 for name, a in constants.items() if name.endswith("_int8"))


def test_a_bundle_may_hold_it_and_nothing_in_it_can_saturate(quantized):
    for graph in (quantized.graphs.prefix, quantized.graphs.tick):
        assert broken_graph_rule(graph) is None
        assert b"pkg.torch" not in graph
    assert saturations(quantized.graphs.tick) == []


def test_both_precision_settings_of_x86_give_the_same_answers(given, quantized):
    rows = given.rows
    answers = []
    for entries in ({}, {"session.x64quantprecision": "1"}):
        running = Running(quantized.graphs, session_entries=entries)
        row = [rows.series[:1], rows.mask[:1], rows.trend[:1], given.texts[rows.case[:1]]]
        answers.append(running(*row))

    for one, other in zip(*answers, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_integer_kernels_answer_as_the_nodes_say(given, quantized):
    """Fused or not: the optimized session and one that runs every node as it stands."""
    rows, texts = given.rows.take(np.arange(20)), given.texts
    fused, plain = (Running(quantized.graphs, optimized=optimized) for optimized in (True, False))
    for row in range(len(rows)):
        at = slice(row, row + 1)
        asked = rows.series[at], rows.mask[at], rows.trend[at], texts[rows.case[at]]

        np.testing.assert_allclose(fused(*asked)[0], plain(*asked)[0], atol=1e-4)


def test_the_same_inputs_give_the_same_bytes(given, quantized):
    assert _quantize(given, PLAN).graphs == quantized.graphs


def test_another_seed_measures_other_windows(given, quantized):
    assert _quantize(given, replace(PLAN, seed=7)).graphs.tick != quantized.graphs.tick


def test_layers_are_ranked_by_what_each_costs_alone(quantized):
    costs = list(quantized.sensitivity.alone.values())

    assert costs == sorted(costs, reverse=True)
    assert all(cost > 0 for cost in costs)


def test_the_costliest_layers_stay_in_float_until_the_limit_holds(given, quantized):
    limit = quantized.sensitivity.kept.max_p_change * 0.9

    kept = _quantize(given, replace(PLAN, risk_change=limit))

    worst = list(kept.sensitivity.alone)[: len(kept.in_float)]
    assert kept.in_float == tuple(worst) != ()
    assert kept.sensitivity.kept.max_p_change <= limit
    assert all(before.max_p_change > limit for before in kept.sensitivity.in_float.values())
    assert len(_nodes(kept.graphs.tick, "QuantizeLinear")) < len(
        _nodes(quantized.graphs.tick, "QuantizeLinear")
    )
    assert kept.to_dict()["sensitivity"]["in_float"].keys() == set(kept.in_float)


def test_a_limit_that_half_of_the_layers_would_break_is_refused(given):
    with pytest.raises(BundleError, match=r"with 3 of 6 layers in float; fine-tune the network for int8"):
        _quantize(given, replace(PLAN, risk_change=0.0))


def test_with_a_threshold_decisions_count(given):
    risks = _risks(given.graphs, given)
    plan = replace(PLAN, threshold=Threshold(float(np.quantile(risks[:, 1], 0.6)), 1), risk_change=0.0)

    kept = _quantize(given, plan).sensitivity.kept

    assert kept.holds
    assert kept.same_decisions >= 0.995


def test_a_layer_that_is_asked_to_stay_float_stays_so(given):
    kept = _quantize(given, replace(PLAN, in_float=(".think",)))

    assert not any(".think" in layer for layer in kept.sensitivity.alone)
    assert len(kept.sensitivity.alone) == 4


def test_an_activation_that_is_always_0_has_no_range(given):
    with pytest.raises(InputError, match=r"what enters to_text.out is 0 in every window.*Plan.in_float"):
        _quantize(given, PLAN, texts=np.zeros_like(given.texts))


def test_a_network_whose_activations_are_no_numbers_is_refused(given):
    broken = onnx.load_from_string(given.graphs.tick)
    bias = next(i for i in broken.graph.initializer if i.name.endswith("to_text.bias"))
    bias.CopyFrom(numpy_helper.from_array(np.full_like(numpy_helper.to_array(bias), np.nan), bias.name))
    graphs = Graphs(given.graphs.prefix, broken.SerializeToString())

    with pytest.raises(InputError, match=r"what enters layers.0.to_series.query is no finite number"):
        quantize(graphs, given.split.quantizable, given.rows, given.texts, PLAN)


def test_quantizable_modules_that_are_not_there_are_named(given):
    with pytest.raises(InputError, match=r"no product of the tick lies in a module of \.attention, \.mlp"):
        quantize(given.graphs, (".attention", ".mlp"), given.rows, given.texts, PLAN)


class _Linear(nn.Module):
    """A user's own network: torch's linears, one of them on a vector, which exports as Gemm."""

    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(90, 16), nn.GELU(), nn.Linear(16, 16))
        self.head = nn.Linear(16, 3 + 90 + 2)

    def forward(self, series, mask, trend, memory):
        said = self.head(self.trunk((series[:, 0] - 75) / 15 * mask[:, 0]) + memory)
        return said[:, :3], said[:, 3:93].reshape(-1, 3, 30), said[:, 93:]


class _Embedded(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(30, 16)

    def forward(self, text):
        return (self.table(text).mean(dim=1),)


def test_a_network_of_plain_linears_is_quantized_alike(given):
    torch.manual_seed(0)
    split = Split(_Embedded(), _Linear(), ("memory",), given.split.examples, (".trunk",))
    graphs = to_onnx(split)
    assert _nodes(graphs.tick, "Gemm")
    logits, _, _ = run_rows(graphs, given.rows, given.texts)
    rows = labelled(given.rows, np.full_like(given.rows.labels, np.nan))

    quantized = quantize(graphs, split.quantizable, rows, given.texts, replace(PLAN, risk_change=0.02))

    after, _, _ = run_rows(quantized.graphs, rows, given.texts)
    assert sorted(quantized.sensitivity.alone) == ["trunk.0", "trunk.2"]
    assert len(_nodes(quantized.graphs.tick, "QuantizeLinear")) == 2
    assert np.abs(after - logits).max() < 0.1
