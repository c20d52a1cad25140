"""Fine-tuning for int8: where coarse ranges lose the network, training with them regains it."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from toy_quantization import toy

from barocast.export.quantization.qat import FineTuning, fine_tune
from barocast.export.quantization.quantize import Plan, Tuned, quantize, ranges
from barocast.export.quantization.saturation import saturations
from barocast.export.quantization.scales import Scale
from barocast.export.quantization.windows import Draw

COARSER = (6, 8)
"""Times that a level of an activation, and of a weight, is worth more than it has to be."""
PLAN = Plan(Draw(windows=150), judged=150, risk_change=1.0)


@pytest.fixture(scope="module")
def tried():
    """The toy with coarse scales: its weights before, quantized as it is, and after fine-tuning with them."""
    given = toy(rows=600)
    given.rows.labels[:] = np.nan  # risks are compared, not ranks
    before = [parameter.detach().clone() for parameter in given.split.tick.parameters()]
    measured = ranges(given.graphs, given.split.quantizable, given.rows, given.texts, PLAN)
    scales = {
        layer: Scale(scale.activation * COARSER[0], scale.weight * COARSER[1])
        for layer, scale in measured.items()
    }
    settings = FineTuning(steps=80, batch=64, learning_rate=2e-3)
    tuned = fine_tune(given.split, scales, given.rows, given.texts, settings)
    lost, regained = (
        quantize(given.graphs, given.split.quantizable, given.rows, given.texts, replace(PLAN, tuned=t))
        for t in (Tuned(given.graphs.tick, scales), tuned)
    )
    return SimpleNamespace(given=given, before=before, scales=scales, lost=lost, regained=regained)


def _constants(graph):
    return {i.name: numpy_helper.to_array(i) for i in onnx.load_from_string(graph).graph.initializer}


def test_what_coarse_ranges_lose_fine_tuning_regains(tried):
    alone = tried.lost.sensitivity.in_float

    assert next(iter(alone.values())).max_p_change > 0.025  # all of it in int8
    assert tried.regained.in_float == ()
    assert tried.regained.sensitivity.kept.max_p_change < 0.02


def test_the_exported_scales_are_those_it_was_taught_with(tried):
    constants = _constants(tried.regained.graphs.tick)

    for layer, scale in tried.scales.items():
        weight = next(name for name in constants if name.endswith(f"{layer}.weight_scale"))
        np.testing.assert_array_equal(constants[weight], scale.weight)
    activations = {float(a) for name, a in constants.items() if name.endswith("_scale") and a.shape == ()}
    assert activations == {np.float32(s.activation) for s in tried.scales.values()} | {1.0}


def test_it_is_the_same_form_of_graph(tried):
    nodes = onnx.load_from_string(tried.regained.graphs.tick).graph.node

    assert sum(node.op_type == "QuantizeLinear" for node in nodes) == len(tried.scales)
    assert saturations(tried.regained.graphs.tick) == []
    assert tried.regained.graphs.prefix == tried.lost.graphs.prefix


def test_the_network_that_was_given_stays_as_it_was(tried):
    now = list(tried.given.split.tick.parameters())

    assert all(torch.equal(one, other) for one, other in zip(tried.before, now, strict=True))
