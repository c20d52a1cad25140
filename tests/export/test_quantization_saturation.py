"""Products of two 7-bit weights fit 16 bits whatever the activation; of 8-bit weights they do not."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from barocast.export.quantization.saturation import saturations


def _graph(levels, *, transposed=False):
    """An int8 product of an activation (1, K) with these weights (K, N)."""
    op, kept = ("Gemm", levels.T) if transposed else ("MatMul", levels)
    constants = {"step": np.float32(0.1), "zero": np.int8(0), "levels": np.ascontiguousarray(kept)}
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "step", "zero"], ["small"]),
        helper.make_node("DequantizeLinear", ["small", "step", "zero"], ["activation"]),
        helper.make_node("DequantizeLinear", ["levels", "step", "zero"], ["weight"]),
        helper.make_node(op, ["activation", "weight"], ["y"], **({"transB": 1} if transposed else {})),
    ]
    shape = {"x": levels.shape[-2], "y": levels.shape[-1]}
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, size]) for n, size in shape.items()]
    weights = [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "one product", ends[:1], ends[1:], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]).SerializeToString()


def _vpmaddubsw(activation, weight):
    """What the instruction gives: sums of two neighbours' products, held inside 16 bits."""
    products = activation.astype(np.int32)[:, None] * weight.astype(np.int32)
    return np.clip(products[::2] + products[1::2], -(2**15), 2**15 - 1)


def _drawn(most, seed=0, shape=(48, 32)):
    return np.random.default_rng(seed).integers(-most, most + 1, shape).astype(np.int8)


@pytest.mark.parametrize("transposed", [False, True])
def test_weights_of_seven_bits_pass_and_those_of_eight_are_found(transposed):
    seven, eight = _drawn(64), _drawn(127)

    assert saturations(_graph(seven, transposed=transposed)) == []
    (found,) = saturations(_graph(eight, transposed=transposed))

    assert found.weight == "levels"
    assert found.columns == 32
    assert "vpmaddubsw" in str(found)


def test_the_extremes_of_seven_bits_pass():
    extreme = np.where(_drawn(1) > 0, 64, -64).astype(np.int8)

    assert saturations(_graph(extreme)) == []


@pytest.mark.parametrize(("most", "saturates"), [(64, False), (127, True)])
def test_the_verdict_is_that_of_the_instruction_itself(most, saturates):
    """The worst activation, and random ones, are sent through a simulated vpmaddubsw."""
    weight = np.sort(_drawn(most), axis=0)  # neighbours of one sign meet, as a kernel's packing may have it
    worst = np.where(weight.sum(axis=1) > 0, 255, 0)
    random = np.random.default_rng(1).integers(0, 256, (50, 48))
    exact = [(a[:, None] * weight.astype(np.int32)).reshape(24, 2, 32).sum(axis=1) for a in (worst, *random)]
    same = all(
        np.array_equal(_vpmaddubsw(a, weight), sums) for a, sums in zip((worst, *random), exact, strict=True)
    )

    assert same is not saturates
    assert bool(saturations(_graph(weight))) is saturates


def test_a_column_whose_large_weights_cancel_is_not_accused():
    weight = np.zeros((4, 1), np.int8)
    weight[:2, 0] = 127, -127

    assert saturations(_graph(weight)) == []


def test_arm_holds_what_x86_does_not_but_for_two_of_minus_128():
    lowest = np.full((4, 1), -128, np.int8)

    on_x86 = [found.kernel for found in saturations(_graph(_drawn(127)))]
    on_both = [found.kernel for found in saturations(_graph(lowest))]

    assert [name[:3] for name in on_x86] == ["x86"]
    assert [name[:3] for name in on_both] == ["x86", "ARM"]


def test_weights_of_many_members_are_each_looked_at():
    members = np.stack([_drawn(64, shape=(8, 4)), _drawn(64, shape=(8, 4))])
    members[1, :2, 3] = 127
    content = onnx.load_from_string(_graph(members[1]))
    content.graph.initializer[2].CopyFrom(numpy_helper.from_array(members, "levels"))

    (found,) = saturations(content.SerializeToString())

    assert found.columns == 1
    assert found.reached == 255 * 254


def test_a_float_product_of_int8_weights_has_no_integer_sum():
    content = onnx.load_from_string(_graph(_drawn(127)))
    content.graph.node[3].input[0] = "x"

    assert saturations(content.SerializeToString()) == []
