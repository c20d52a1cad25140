"""What TensorRT cannot run is refused by rules of ours, each naming the node, its operator and the mend."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from barocast.export.targets.rules import MOST_SAID, refusals
from barocast.runtime.bundle import default_bundle
from barocast.runtime.errors import SettingsError

INT8_ZERO, INT8_SEVEN = np.zeros((), np.int8), np.array(7, np.int8)


def model(nodes, weights, batch=1, domains=("",)):
    """x (batch, 4) -> y (batch, 4)."""
    body = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, 4])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    return helper.make_model(
        body, opset_imports=[helper.make_opsetid(domain, 18) for domain in domains], ir_version=10
    )


def product(batch=1):
    return model(
        [helper.make_node("MatMul", ["x", "w"], ["y"], name="product")],
        {"w": np.eye(4, dtype=np.float32)},
        batch,
    )


def quantized(zero_point=INT8_ZERO, **changes):
    """x -> Q -> DQ -> y, its parts replaced by `changes`."""
    weights = {"scale": np.array(0.1, np.float32)} | ({} if zero_point is None else {"zero": zero_point})
    inputs = ["scale"] if zero_point is None else ["scale", "zero"]
    nodes = [
        helper.make_node("QuantizeLinear", ["x", *inputs], ["q"], name="quantize"),
        helper.make_node("DequantizeLinear", ["q", *inputs], ["y"], name="dequantize"),
    ]
    return model(changes.get("nodes", nodes), weights | changes.get("weights", {}))


def said(graph):
    return refusals(graph.SerializeToString(), "tensorrt")


def test_the_default_bundle_is_accepted():
    for path in default_bundle().glob("*.onnx"):
        assert refusals(path.read_bytes(), "tensorrt") == []


@pytest.mark.parametrize("graph", [product(), quantized()], ids=["float", "symmetric int8"])
def test_a_graph_of_standard_operators_and_symmetric_pairs_is_accepted(graph):
    assert said(graph) == []


def test_dynamic_int8_is_refused_at_each_of_its_nodes():
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"], name="measure"),
        helper.make_node("MatMulInteger", ["q", "w", "z"], ["sum"], name="product"),
        helper.make_node("Cast", ["sum"], ["y"], to=TensorProto.FLOAT),
    ]

    found = said(model(nodes, {"w": np.eye(4, dtype=np.int8)}))

    assert [line.split(":")[0] for line in found] == [
        "node 'measure' (DynamicQuantizeLinear)",
        "node 'product' (MatMulInteger)",
    ]
    assert all("quantize statically" in line for line in found)


@pytest.mark.parametrize("zero", [INT8_SEVEN, np.array(128, np.uint8), np.array([0, 3], np.int8)])
def test_an_asymmetric_zero_point_is_refused(zero):
    first, second = said(quantized(zero))

    assert first.startswith("node 'quantize' (QuantizeLinear): its zero point")
    assert "ActivationSymmetric" in second


def test_a_zero_point_of_uint8_is_refused_though_it_is_zero():
    """TensorRT takes it for int8 with a warning: the answers would be others."""
    assert len(said(quantized(np.zeros((), np.uint8)))) == 2


def test_without_a_zero_point_what_is_quantized_is_uint8_and_refused():
    (only,) = said(quantized(None))

    assert "node 'quantize' (QuantizeLinear): without a zero point" in only


def test_an_int32_bias_is_refused():
    nodes = [
        helper.make_node("DequantizeLinear", ["b", "scale"], ["bias"], name="bias_of_it"),
        helper.make_node("Add", ["x", "bias"], ["y"]),
    ]

    found = said(quantized(nodes=nodes, weights={"b": np.arange(4, dtype=np.int32)}))

    assert found == [
        "node 'bias_of_it' (DequantizeLinear): dequantizes an int32 bias; quantize with QuantizeBias=False"
    ]


def test_a_scale_that_is_computed_is_refused():
    nodes = [
        helper.make_node("ReduceMax", ["x"], ["largest"], keepdims=0),
        helper.make_node("QuantizeLinear", ["x", "largest", "zero"], ["q"], name="quantize"),
        helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["y"]),
    ]

    (only,) = said(quantized(nodes=nodes))

    assert only.startswith("node 'quantize' (QuantizeLinear): its scale 'largest' is computed")


def test_scales_that_stand_in_constant_nodes_are_constants():
    graph = quantized()
    for weight in list(graph.graph.initializer):
        graph.graph.node.insert(0, helper.make_node("Constant", [], [weight.name], value=weight))
        graph.graph.initializer.remove(weight)

    assert said(graph) == []


@pytest.mark.parametrize("batch", ["batch", None, 0])
def test_a_batch_that_is_not_fixed_is_refused(batch):
    (only,) = said(product(batch))

    assert only.startswith("input 'x': its shape")
    assert "static batch of 1" in only


def test_weights_outside_the_file_are_refused(tmp_path):
    onnx.save(product(), tmp_path / "outside.onnx", save_as_external_data=True, size_threshold=0)

    assert refusals((tmp_path / "outside.onnx").read_bytes(), "tensorrt") == [
        "weight 'w': lies outside the file; export with external_data=False"
    ]


def test_an_operator_of_another_domain_is_refused():
    node = helper.make_node("Gelu", ["x"], ["y"], name="act", domain="com.microsoft")

    (only,) = said(model([node], {}, domains=("", "com.microsoft")))

    assert only.startswith("node 'act' (Gelu): is of the domain 'com.microsoft'")


def test_an_unknown_operator_is_refused_and_a_node_without_a_name_told_by_its_output():
    (only,) = said(model([helper.make_node("Unique", ["x"], ["y"])], {}))

    assert only.startswith("node 'y' (Unique): TensorRT 10.3 parses no such operator")


def test_branches_are_looked_into():
    def branch(name, *nodes):
        return helper.make_graph(
            nodes, name, [], [helper.make_tensor_value_info(f"{name}_y", TensorProto.FLOAT, [1, 4])]
        )

    node = helper.make_node(
        "If",
        ["yes"],
        ["y"],
        then_branch=branch("a", helper.make_node("Identity", ["x"], ["a_y"])),
        else_branch=branch("b", helper.make_node("Unique", ["x"], ["b_y"], name="deep")),
    )

    (only,) = said(model([node], {"yes": np.array(True)}))  # noqa: FBT003 - the value of the condition

    assert only.startswith("node 'deep' (Unique)")


def test_a_graph_refused_a_thousand_times_is_told_of_twenty():
    nodes = [helper.make_node("Unique", ["x"], [f"y{at}"]) for at in range(1000)]

    found = said(model(nodes, {}))

    assert (len(found), found[-1]) == (MOST_SAID + 1, "and 980 more of these")


@pytest.mark.parametrize("odd", [b"", b"PK\x03\x04 not a graph", b"\xff" * 64])
def test_bytes_that_are_no_graph_are_refused_and_nothing_raises(odd):
    (only,) = refusals(odd, "tensorrt")

    assert only.startswith("not an ONNX file")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_graph_with_any_bytes_of_it_changed_is_judged_and_never_raises(data):
    graph = bytearray(quantized().SerializeToString())
    for _ in range(data.draw(st.integers(1, 8))):
        graph[data.draw(st.integers(0, len(graph) - 1))] = data.draw(st.integers(0, 255))

    assert isinstance(refusals(bytes(graph), "tensorrt"), list)


def test_an_unknown_target_is_one_line():
    with pytest.raises(SettingsError, match="tpu: no known target; name one of tensorrt"):
        refusals(b"", "tpu")
