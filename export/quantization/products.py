"""The matrix products of a graph that have a weight, found by the module that each came from.

In: an ONNX graph as `export.graphs.to_onnx` leaves it, module paths in the nodes' notes. Out: Products, and
the same graph with every Gemm written as MatMul and Add: ONNX Runtime has no int8 Gemm with a float bias,
TensorRT has no other bias.
"""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import onnx
from onnx import helper, numpy_helper

from barocast.export.graphs.to_onnx import SCOPES, settled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

ANYWHERE: Final = ("",)
"""In place of parts of module paths: every product with a weight."""
EXPORTED_AS: Final = "part."
"""What the exporter's own wrapper puts in front of a module path."""


@dataclass(frozen=True, slots=True)
class Product:
    """activation (..., K) x weight (K, N), or (member, ..., K, N) where one product serves many members."""

    layer: str
    """Path of the torch module; with #2, #3 where one module makes several."""
    node: str
    activation: str
    """Name of the tensor."""
    weight: str
    """Name of the initializer."""
    output: str
    """Name of the tensor."""


def find_products(graph: onnx.ModelProto, parts: Iterable[str]) -> list[Product]:
    """Give the products with a constant weight whose module path holds one of `parts`, in graph order."""
    parts, weights, seen = tuple(parts), _weights(graph), Counter[str]()
    found = []
    for node in graph.graph.node:
        layer = layer_of(node)
        if (
            node.op_type == "MatMul"
            and node.input[1] in weights
            and any(part in f".{layer}" for part in parts)
        ):
            seen[layer] += 1
            name = layer if seen[layer] == 1 else f"{layer}#{seen[layer]}"
            found.append(Product(name, node.name, *node.input, *node.output))
    return found


def weight_of(graph: onnx.ModelProto, product: Product) -> NDArray[np.float32]:
    """Give the product's weight, ([member,] K, N)."""
    initializer = next(i for i in graph.graph.initializer if i.name == product.weight)
    return np.asarray(numpy_helper.to_array(initializer), dtype=np.float32)


def with_plain_products(graph: bytes) -> onnx.ModelProto:
    """Give the graph with each Gemm of a constant weight as MatMul and Add, its weight as (K, N)."""
    model = onnx.load_from_string(graph)
    weights = _weights(model)
    nodes = list(model.graph.node)
    del model.graph.node[:]
    for node in nodes:
        plain = node.op_type == "Gemm" and node.input[1] in weights and _is_linear(node)
        model.graph.node.extend(_as_product(model, node) if plain else [node])
    drop_unread(model)
    return model


def bare(graph: bytes) -> bytes:
    """Give a graph that stays as it is, its module paths dropped."""
    return settled(without_notes(onnx.load_from_string(graph)))


def without_notes(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Drop the module paths: they have served."""
    for node in graph.graph.node:
        del node.metadata_props[:]
    return graph


def drop_unread(model: onnx.ModelProto) -> None:
    """Remove the initializers that no node reads."""
    read = {name for node in model.graph.node for name in node.input}
    kept = [initializer for initializer in model.graph.initializer if initializer.name in read]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)


def _weights(graph: onnx.ModelProto) -> set[str]:
    """Give the names of the float matrices."""
    return {i.name for i in graph.graph.initializer if len(i.dims) > 1 and i.data_type == i.FLOAT}


def layer_of(node: onnx.NodeProto) -> str:
    """Give the module path of a node, empty where none is noted; the last scope is the call itself."""
    noted = next((entry.value for entry in node.metadata_props if entry.key == SCOPES), "[]")
    scopes = ast.literal_eval(noted)
    return str(scopes[-2]).removeprefix(EXPORTED_AS) if len(scopes) > 1 else ""


def _is_linear(node: onnx.NodeProto) -> bool:
    """Say whether a Gemm does what torch's linear does, and no more."""
    given = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    return given.get("alpha", 1.0) == given.get("beta", 1.0) == 1.0 and not given.get("transA", 0)


def _as_product(model: onnx.ModelProto, node: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
    weight = f"{node.input[1]}_in_out"
    if all(initializer.name != weight for initializer in model.graph.initializer):
        given = next(i for i in model.graph.initializer if i.name == node.input[1])
        turned = any(a.name == "transB" and a.i for a in node.attribute)
        kept = numpy_helper.to_array(given)
        kept = np.ascontiguousarray(kept.T) if turned else kept
        model.graph.initializer.append(numpy_helper.from_array(kept, weight))
    biased = len(node.input) > 2  # noqa: PLR2004 - Gemm's third input is its bias
    output = f"{node.output[0]}_product" if biased else node.output[0]
    product = helper.make_node("MatMul", [node.input[0], weight], [output], name=node.name)
    product.metadata_props.extend(node.metadata_props)
    yield product
    if biased:
        yield helper.make_node("Add", [output, node.input[2]], [node.output[0]], name=f"{node.name}_bias")
