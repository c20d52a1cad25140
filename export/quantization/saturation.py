"""Proof that no integer product of a graph can leave 16 bits on the way to its 32.

x86 without VNNI multiplies unsigned activations by signed weights two at a time, and the sum of the two
saturates at 16 bits (vpmaddubsw; ONNX Runtime turns int8 activations into uint8 by adding 128). ARM without
the dot product adds two signed products in 16 bits before it widens (smull, smlal, sadalp). Every other
kernel widens first. Which two rows meet depends on how a kernel packs the weight, so of every column the
worst two stand for all: a weight that passes passes in any packing, for any activation.

Sources: Intel's instruction reference (VPMADDUBSW), Arm's (SMULL, SMLAL), ONNX Runtime's quantization page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import onnx
from onnx import numpy_helper

if TYPE_CHECKING:
    from numpy.typing import NDArray

LOWEST, HIGHEST = -(2**15), 2**15 - 1
"""Of 16 bits."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """Adds two products in 16 bits; activations lie within."""

    name: str
    low: int
    high: int


KERNELS: Final = (
    Kernel("x86 AVX2: u8 x s8, vpmaddubsw", 0, 255),
    Kernel("ARM NEON: s8 x s8, smlal", -128, 127),
)


@dataclass(frozen=True, slots=True)
class Saturation:
    """A weight that some activation drives out of 16 bits."""

    weight: str
    kernel: str
    columns: int
    """How many of its columns can."""
    reached: int
    """The sum of two products that lies farthest outside."""

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.weight}: {self.columns} columns can reach {self.reached} in 16 bits ({self.kernel})"


def saturations(graph: bytes) -> list[Saturation]:
    """Give every int8 weight of a product whose sums can saturate on some kernel; none for 7-bit weights."""
    found = []
    for name, weight in _int8_weights(onnx.load_from_string(graph)):
        for kernel in KERNELS:
            sums = _farthest(weight, kernel)
            outside = (sums < LOWEST) | (sums > HIGHEST)
            if outside.any():
                reached = int(sums.ravel()[np.abs(sums).argmax()])
                found.append(Saturation(name, kernel.name, int(outside.any(axis=0).sum()), reached))
    return found


def _int8_weights(model: onnx.ModelProto) -> list[tuple[str, NDArray[np.int32]]]:
    """Give the weights ([member,] K, N) of products whose both sides are int8."""
    floats = {
        node.output[0]: node.input[0] for node in model.graph.node if node.op_type == "DequantizeLinear"
    }
    kept = {initializer.name: initializer for initializer in model.graph.initializer}
    found = []
    for node in model.graph.node:
        if node.op_type in {"MatMul", "Gemm"} and floats.keys() >= set(node.input[:2]):
            name = floats[node.input[1]]
            if name in kept:
                weight = numpy_helper.to_array(kept[name]).astype(np.int32)
                turned = any(attribute.name == "transB" and attribute.i for attribute in node.attribute)
                found.append((name, weight.T if turned else weight))
    return found


def _farthest(weight: NDArray[np.int32], kernel: Kernel) -> NDArray[np.int32]:
    """Give (2, column): the lowest and the highest sum of two products of each column, for any activation."""
    products = np.stack([kernel.low * weight, kernel.high * weight])
    rows = np.moveaxis(products, -2, 0)  # (K, 2, [member,] N)
    alone = np.zeros((1, *rows.shape[1:]), dtype=rows.dtype)  # where K is 1, kernels pad with zeros
    ordered = np.sort(np.concatenate([rows.min(axis=1), alone[:, 0]]), axis=0)
    lowest = ordered[:2].sum(axis=0)
    ordered = np.sort(np.concatenate([rows.max(axis=1), alone[:, 0]]), axis=0)
    return np.stack([lowest.ravel(), ordered[-2:].sum(axis=0).ravel()])
