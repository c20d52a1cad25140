"""How large activations and weights of each product become: what int8 numbers stand for.

In: a graph, its products, windows as the tick takes them. Out: Scales by layer. Ranges are the largest
magnitude seen, rounded up to 10 bits: the last bits of another processor's floats leave the same file.

InputError: an activation that no window moves off 0, or that is no number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import onnx
from onnx import helper

from barocast.export.quantization.products import weight_of
from barocast.export.quantization.shown import ask
from barocast.runtime.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from barocast.export.quantization.products import Product
    from barocast.export.quantization.shown import Shown

ACTIVATION_LEVELS: Final = 127
"""int8, symmetric: -127 to 127; only what lies beyond every window seen becomes -128."""
WEIGHT_LEVELS: Final = 64
"""7 bits: -64 to 64. Of these no sum of two products leaves 16 bits (saturation)."""
KEPT_BITS: Final = 10


@dataclass(frozen=True, slots=True)
class Scale:
    """Of one product."""

    activation: float
    """What one level of the activation is worth."""
    weight: NDArray[np.float32]
    """([member,] 1, N) what one level of each column of the weight is worth."""


Scales: TypeAlias = "Mapping[str, Scale]"
"""By Product.layer."""


def measure(model: onnx.ModelProto, products: Sequence[Product], shown: Shown) -> dict[str, Scale]:
    """Run the windows through the float tick and give the products' scales."""
    largest = _largest(model, sorted({product.activation for product in products}), shown)
    for product in products:
        _check(product.layer, largest[product.activation])
    return {
        product.layer: Scale(
            _rounded_up(largest[product.activation]) / ACTIVATION_LEVELS,
            weight_scale(weight_of(model, product), WEIGHT_LEVELS),
        )
        for product in products
    }


def weight_scale(weight: NDArray[np.float32], levels: int) -> NDArray[np.float32]:
    """Give ([member,] 1, N) for a weight ([member,] K, N); a column of zeros counts in units."""
    largest = np.abs(weight).max(axis=-2, keepdims=True)
    return np.where(largest > 0, largest / np.float32(levels), np.float32(1)).astype(np.float32)


def _largest(model: onnx.ModelProto, tensors: list[str], shown: Shown) -> dict[str, float]:
    """Give the largest magnitude of each tensor over the windows; NaN where one was."""
    inputs = {given.name for given in model.graph.input}
    inner = [name for name in tensors if name not in inputs]
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    watched.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in inner)
    largest = dict.fromkeys(tensors, 0.0)
    for given, said in zip(shown, ask(watched.SerializeToString(), inner, shown), strict=True):
        seen = given | dict(zip(inner, said, strict=True))
        for name in tensors:
            largest[name] = float(np.maximum(largest[name], np.abs(seen[name]).max()))
    return largest


def _check(layer: str, largest: float) -> None:
    if not np.isfinite(largest):
        raise InputError(f"ranges: what enters {layer} is no finite number in some window; train again")
    if largest == 0:
        raise InputError(
            f"ranges: what enters {layer} is 0 in every window, so it has no range; give windows that use it "
            "(of patients with a text, say), or leave it in float (Plan.in_float)"
        )


def _rounded_up(value: float) -> float:
    mantissa, exponent = np.frexp(value)
    return float(np.ldexp(np.ceil(np.ldexp(mantissa, KEPT_BITS)), exponent - KEPT_BITS))
