"""Graph -> why a target cannot run it: by rules of ours, so without a GPU, TensorRT or a network.

    refusals(graph, "tensorrt") -> [sentence, ...]     each names the node, its op and the mend

Each rule stands for something that TensorRT's parser or builder was seen to refuse (TensorRT-RTX 1.7.1,
targets.rtx), or that its parser's own table of operators leaves out (onnx-tensorrt, docs/operators.md of
8.5 and the changelog since, up to 10.3 of JetPack 6). What they accept may still be refused on a device.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

STANDARD_DOMAINS: Final = frozenset({"", "ai.onnx"})
PARSED: Final = frozenset(
    """
    Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization Cast Ceil
    Celu Clip Concat Constant ConstantOfShape Conv ConvTranspose Cos Cosh CumSum DepthToSpace
    DequantizeLinear Div Dropout Einsum Elu Equal Erf Exp Expand EyeLike Flatten Floor GRU Gather
    GatherElements GatherND Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool Greater GreaterOrEqual
    GridSample GroupNormalization HardSigmoid HardSwish Hardmax Identity If InstanceNormalization IsInf
    IsNaN LRN LSTM LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax Loop LpNormalization
    LpPool MatMul Max MaxPool Mean MeanVarianceNormalization Min Mod Mul Neg NonMaxSuppression NonZero
    Not OneHot Or PRelu Pad Pow QuantizeLinear RNN Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum
    ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape
    Resize ReverseSequence RoiAlign Round Scan ScatterElements ScatterND Selu Shape Shrink Sigmoid Sign
    Sin Sinh Size Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Tan Tanh
    ThresholdedRelu Tile TopK Transpose Trilu Unsqueeze Upsample Where Xor
    """.split()  # noqa: SIM905 - a list of 120 lines would be read by nobody
)
"""What TensorRT 10.3 parses. Operators that draw random numbers are left out: no answer may hang on them."""
COMPUTED_INT8: Final = frozenset(
    {"ConvInteger", "DynamicQuantizeLinear", "MatMulInteger", "QLinearConv", "QLinearMatMul"}
)
QUANTIZING: Final = frozenset({"DequantizeLinear", "QuantizeLinear"})
STATIC: Final = "quantize statically to Q/DQ pairs: `barocast export bundle`"
MOST_SAID: Final = 20
"""A graph that is refused for one reason is often refused a thousand times."""


@dataclass(frozen=True, slots=True)
class _Graph:
    """A graph, its nodes in subgraphs too, and what is constant in it."""

    proto: onnx.GraphProto
    nodes: tuple[onnx.NodeProto, ...]
    weights: Mapping[str, TensorProto]


def refusals(graph: bytes, target: str) -> list[str]:
    """Say why not. Raises SettingsError for a target that is not known."""
    rules = TARGETS.get(target)
    if rules is None:
        raise SettingsError(f"{target}: no known target; name one of {', '.join(TARGETS)}")
    try:
        model = onnx.load_from_string(graph)
    except Exception as error:  # noqa: BLE001 - protobuf's own classes, which differ by version
        return [f"not an ONNX file ({error}); export it again"]
    if not model.graph.node:
        return ["not an ONNX file, or one without nodes; export it again"]
    read = _read(model.graph)
    found = [sentence for rule in rules for sentence in rule(read)]
    more = len(found) - MOST_SAID
    return [*found[:MOST_SAID], f"and {more} more of these"] if more > 0 else found


def _read(graph: onnx.GraphProto) -> _Graph:
    nodes: list[onnx.NodeProto] = []
    weights: dict[str, TensorProto] = {}
    for part in _with_subgraphs(graph):
        nodes += part.node
        weights |= {tensor.name: tensor for tensor in part.initializer}
        weights |= {
            node.output[0]: attribute.t
            for node in part.node
            if node.op_type == "Constant"
            for attribute in node.attribute
            if attribute.name == "value"
        }
    return _Graph(graph, tuple(nodes), MappingProxyType(weights))


def _with_subgraphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    waiting = [graph]
    while waiting:
        part = waiting.pop()
        yield part
        for node in part.node:
            for attribute in node.attribute:
                waiting += [attribute.g] if attribute.HasField("g") else attribute.graphs


def _static_shapes(graph: _Graph) -> Iterator[str]:
    for value in graph.proto.input:
        sizes = [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
        if value.name not in graph.weights and not all(isinstance(n, int) and n > 0 for n in sizes):
            yield (
                f"input {value.name!r}: its shape {tuple(sizes)} is not fixed, and a bundle brings no "
                "optimization profile; export it with a static batch of 1"
            )


def _weights_inside(graph: _Graph) -> Iterator[str]:
    for name, tensor in graph.weights.items():
        if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
            yield f"weight {name!r}: lies outside the file; export with external_data=False"


def _standard_domains(graph: _Graph) -> Iterator[str]:
    for node in graph.nodes:
        if node.domain not in STANDARD_DOMAINS:
            yield (
                f"{_named(node)}: is of the domain {node.domain!r}, which needs a plugin; "
                "export it with standard operators alone"
            )


def _static_int8(graph: _Graph) -> Iterator[str]:
    for node in graph.nodes:
        if node.op_type in COMPUTED_INT8 and node.domain in STANDARD_DOMAINS:
            yield f"{_named(node)}: quantizes while it runs, or outside Q/DQ pairs; {STATIC}"


def _known_operators(graph: _Graph) -> Iterator[str]:
    for node in graph.nodes:
        if node.domain in STANDARD_DOMAINS and node.op_type not in PARSED | COMPUTED_INT8:
            yield f"{_named(node)}: TensorRT 10.3 parses no such operator; write it with others"


def _symmetric(graph: _Graph) -> Iterator[str]:
    for node in _quantizing(graph):
        name = node.input[2] if len(node.input) > 2 else ""  # noqa: PLR2004 - the zero point
        if not name:
            if node.op_type == "QuantizeLinear" and not _says_its_type(node):
                yield f"{_named(node)}: without a zero point it gives uint8; give it one of 0, as int8"
            continue
        zero_point = graph.weights.get(name)
        if zero_point is None or zero_point.data_type == TensorProto.UINT8 or not _is_zero(zero_point):
            yield (
                f"{_named(node)}: its zero point is not a constant 0 of int8 (asymmetric quantization); "
                "quantize with ActivationSymmetric and WeightSymmetric to int8"
            )


def _constant_scales(graph: _Graph) -> Iterator[str]:
    for node in _quantizing(graph):
        if node.input[1] not in graph.weights:
            yield (
                f"{_named(node)}: its scale {node.input[1]!r} is computed in the graph, where TensorRT "
                "wants a constant; freeze the scales as weights before the export"
            )


def _float_biases(graph: _Graph) -> Iterator[str]:
    for node in _quantizing(graph):
        weight = graph.weights.get(node.input[0])
        if weight is not None and weight.data_type == TensorProto.INT32:
            yield f"{_named(node)}: dequantizes an int32 bias; quantize with QuantizeBias=False"


def _quantizing(graph: _Graph) -> Iterator[onnx.NodeProto]:
    """Give the pairs' nodes; one without its scale is none that anything would load."""
    return (node for node in graph.nodes if node.op_type in QUANTIZING and len(node.input) > 1)


def _says_its_type(node: onnx.NodeProto) -> bool:
    return any(attribute.name == "output_dtype" and attribute.i for attribute in node.attribute)


def _is_zero(tensor: TensorProto) -> bool:
    try:
        return not np.any(numpy_helper.to_array(tensor))
    except Exception:  # noqa: BLE001 - onnx raises whatever its reading of odd bytes led to
        return False


def _named(node: onnx.NodeProto) -> str:
    return f"node {node.name or ', '.join(node.output)!r} ({node.op_type})"


TARGETS: Final[Mapping[str, tuple[Callable[[_Graph], Iterator[str]], ...]]] = MappingProxyType(
    {
        "tensorrt": (
            _weights_inside,
            _standard_domains,
            _static_shapes,
            _static_int8,
            _known_operators,
            _symmetric,
            _constant_scales,
            _float_biases,
        )
    }
)
"""Target -> its rules, the broadest first."""
