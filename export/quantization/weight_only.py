"""Smaller weights, and no range to measure: what int8 of activations costs too much for, or a file too large.

    fp16    products in half precision, between casts: normalization, head and answers keep float, since half
            precision tells pressures above 64 mmHg apart by no less than a sixteenth
    int8w   weights in int8, a scale a column; products in float
    int4    weights in int4, a scale for 32 rows of a column; products in float. Needs opset 21

In: both graphs and parts of the module paths of the tick's products; of the prefix every product is taken.
Out: graphs. InputError: a weight that half precision cannot hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import onnx
from onnx import helper, version_converter

from barocast.export.graphs.to_onnx import IR_VERSION, Graphs, settled
from barocast.export.quantization.products import (
    ANYWHERE,
    find_products,
    weight_of,
    with_plain_products,
)
from barocast.export.quantization.qdq import append, append_scaled_product, keep, rewritten
from barocast.export.quantization.scales import weight_scale
from barocast.runtime.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from barocast.export.quantization.products import Product

INT8_LEVELS: Final = 127
"""All 8 bits: the product is a float one, and nothing can saturate."""
INT4_LEVELS: Final = 7
INT4_ROWS: Final = 32
"""Of a column that share a scale."""
INT4_OPSET: Final = 21
"""The first with int4 and with a scale for a block."""


def fp16(graphs: Graphs, quantizable: tuple[str, ...]) -> Graphs:
    """Give the graphs with products in half precision."""
    return _settled(_each(graphs, quantizable, _in_half))


def int8_weights(graphs: Graphs, quantizable: tuple[str, ...]) -> Graphs:
    """Give the graphs with the products' weights in int8."""
    return _settled(_each(graphs, quantizable, _of_int8))


def int4_weights(graphs: Graphs, quantizable: tuple[str, ...]) -> Graphs:
    """Give the graphs with the products' weights in int4, at an opset that no bundle may have."""

    def newer(model: onnx.ModelProto) -> onnx.ModelProto:
        converted = version_converter.convert_version(model, INT4_OPSET)
        converted.ir_version = IR_VERSION
        return converted

    made = _each(graphs, quantizable, _of_int4, newer)
    for model in made:
        onnx.checker.check_model(model, full_check=True)
    return Graphs(*(bytes(model.SerializeToString()) for model in made))


def _each(
    graphs: Graphs,
    quantizable: tuple[str, ...],
    stand_in: Callable[[onnx.ModelProto, Product], None],
    newer: Callable[[onnx.ModelProto], onnx.ModelProto] = lambda model: model,
) -> tuple[onnx.ModelProto, onnx.ModelProto]:
    """Give prefix and tick with their products rewritten, each converted by `newer` first."""
    made = []
    for graph, parts in ((graphs.prefix, ANYWHERE), (graphs.tick, quantizable)):
        model = with_plain_products(graph)
        products = find_products(model, parts)
        made.append(rewritten(newer(model), products, stand_in))
    return made[0], made[1]


def _settled(models: Iterable[onnx.ModelProto]) -> Graphs:
    return Graphs(*(settled(model) for model in models))


def _in_half(graph: onnx.ModelProto, product: Product) -> None:
    weight = weight_of(graph, product)
    with np.errstate(over="ignore"):
        half = weight.astype(np.float16)
    if not np.isfinite(half).all():
        raise InputError(
            f"fp16: {product.layer} has a weight of {np.abs(weight).max():.3g}, half precision ends at "
            f"{np.finfo(np.float16).max:.0f}; ask for --precision float or int8w"
        )
    names = [f"{tensor}_half" for tensor in (product.activation, product.weight, product.output)]
    activation, kept, output = names
    keep(graph, (kept, half))
    if all(activation not in node.output for node in graph.graph.node):
        append(graph, "Cast", [product.activation], activation, to=onnx.TensorProto.FLOAT16)
    append(graph, "MatMul", [activation, kept], output, name=product.node)
    append(graph, "Cast", [output], product.output, to=onnx.TensorProto.FLOAT)


def _of_int8(graph: onnx.ModelProto, product: Product) -> None:
    scale = weight_scale(weight_of(graph, product), INT8_LEVELS)
    append_scaled_product(graph, product, product.activation, scale, INT8_LEVELS)


def _of_int4(graph: onnx.ModelProto, product: Product) -> None:
    small, back, step = (f"{product.weight}_{part}" for part in ("int4", "as_int4", "scale"))
    if all(back not in node.output for node in graph.graph.node):
        levels, scale = _blocked(weight_of(graph, product))
        keep(graph, (step, scale))
        packed = _packed(levels)
        graph.graph.initializer.append(
            helper.make_tensor(small, onnx.TensorProto.INT4, levels.shape, packed, raw=True)
        )
        append(graph, "DequantizeLinear", [small, step], back, axis=levels.ndim - 2, block_size=INT4_ROWS)
    append(graph, "MatMul", [product.activation, back], product.output, name=product.node)


def _blocked(weight: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Give levels ([member,] K, N), and scales ([member,] blocks, N), of a weight ([member,] K, N)."""
    starts = np.arange(0, weight.shape[-2], INT4_ROWS)
    largest = np.maximum.reduceat(np.abs(weight), starts, axis=-2)
    scale = np.where(largest > 0, largest / np.float32(INT4_LEVELS), np.float32(1)).astype(np.float32)
    by_row = np.repeat(scale, INT4_ROWS, axis=-2)[..., : weight.shape[-2], :]
    return np.clip(np.rint(weight / by_row), -INT4_LEVELS, INT4_LEVELS).astype(np.int8), scale


def _packed(levels: NDArray[np.int8]) -> bytes:
    """Lay two values in a byte, the first in its low half, as ONNX keeps int4."""
    nibbles = levels.ravel().astype(np.uint8) & 0x0F
    nibbles = np.append(nibbles, np.zeros(nibbles.size % 2, dtype=np.uint8))
    return (nibbles[::2] | (nibbles[1::2] << 4)).astype(np.uint8).tobytes()
