"""A float graph and scales -> the same graph with int8 products: Q/DQ that ONNX Runtime and TensorRT take.

    activation -> QuantizeLinear -> DequantizeLinear --+
                                                       +-> MatMul -> Mul by the columns' scales -> float
    weight (int8) -> DequantizeLinear by 1 ------------+

Symmetric, zero points 0; biases and outputs stay float: TensorRT refuses int32 biases and other zero points.
The columns' scales stand behind the product, not in the DequantizeLinear: ONNX Runtime would else fuse
product and bias to a float Gemm first and keep int8 for nothing, and it cannot run weights of many members
with a scale a column at all. A Mul costs less than either, and gives every member scales of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnx
from onnx import helper, numpy_helper

from barocast.export.graphs.to_onnx import settled
from barocast.export.quantization.products import drop_unread, weight_of, without_notes
from barocast.export.quantization.scales import WEIGHT_LEVELS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from barocast.export.quantization.products import Product
    from barocast.export.quantization.scales import Scales

ONE: Final = "int8_weight_scale"
ZERO: Final = "int8_zero_point"


def int8_products(model: onnx.ModelProto, products: Iterable[Product], scales: Scales) -> bytes:
    """Give the graph with these products in int8; the others stay float, and `model` stays as it is."""

    def in_int8(graph: onnx.ModelProto, product: Product) -> None:
        scale = scales[product.layer]
        activation = _quantized(graph, product.activation, scale.activation)
        append_scaled_product(graph, product, activation, scale.weight, WEIGHT_LEVELS)

    return settled(rewritten(model, products, in_int8))


def rewritten(
    model: onnx.ModelProto,
    products: Iterable[Product],
    stand_in: Callable[[onnx.ModelProto, Product], None],
) -> onnx.ModelProto:
    """Give a copy without module paths; `stand_in` appends to it what stands for each product's node."""
    graph, chosen = onnx.ModelProto(), {product.node: product for product in products}
    graph.CopyFrom(model)
    del graph.graph.node[:]
    for node in model.graph.node:
        if node.name in chosen:
            stand_in(graph, chosen[node.name])
        else:
            graph.graph.node.append(node)
    drop_unread(graph)
    return without_notes(graph)


def append_scaled_product(
    graph: onnx.ModelProto, product: Product, activation: str, scale: NDArray[np.float32], levels: int
) -> None:
    """Append activation x weight, the weight in int8: -`levels` to `levels` times its column's `scale`."""
    small, back, step = (f"{product.weight}_{part}" for part in ("int8", "as_int8", "scale"))
    if not _is_there(graph, back):
        in_levels = np.clip(np.rint(weight_of(graph, product) / scale), -levels, levels)
        keep(graph, (small, in_levels.astype(np.int8)), (step, scale))
        _append_dequantized(graph, small, ONE, 1.0, back)
    append(graph, "MatMul", [activation, back], f"{product.output}_in_levels", name=product.node)
    append(graph, "Mul", [f"{product.output}_in_levels", step], product.output)


def append(
    graph: onnx.ModelProto, op: str, inputs: list[str], output: str, *, name: str = "", **given: int
) -> None:
    """Add a node of one output, named after it where it has no name of its own."""
    node = helper.make_node(op, inputs, [output], name=name or output)
    node.attribute.extend(helper.make_attribute(key, value) for key, value in given.items())
    graph.graph.node.append(node)


def keep(graph: onnx.ModelProto, *named: tuple[str, NDArray[Any]]) -> None:
    """Add the initializers that are not there yet."""
    known = {initializer.name for initializer in graph.graph.initializer}
    new = [numpy_helper.from_array(array, name) for name, array in named if name not in known]
    graph.graph.initializer.extend(new)


def _quantized(graph: onnx.ModelProto, tensor: str, scale: float) -> str:
    """Append Q/DQ of an activation, once for all its products; give the name of what comes out."""
    small, back, step = (f"{tensor}_{part}" for part in ("int8", "as_int8", "scale"))
    if not _is_there(graph, back):
        keep(graph, (step, np.array(scale, dtype=np.float32)), (ZERO, np.array(0, dtype=np.int8)))
        append(graph, "QuantizeLinear", [tensor, step, ZERO], small)
        _append_dequantized(graph, small, step, scale, back)
    return back


def _append_dequantized(graph: onnx.ModelProto, small: str, step: str, scale: float, back: str) -> None:
    keep(graph, (step, np.array(scale, dtype=np.float32)), (ZERO, np.array(0, dtype=np.int8)))
    append(graph, "DequantizeLinear", [small, step, ZERO], back)


def _is_there(graph: onnx.ModelProto, output: str) -> bool:
    return any(output in node.output for node in graph.graph.node)
