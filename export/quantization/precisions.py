"""The precisions that a bundle's graphs may have, by the name a person asks for.

    precision("int8")(graphs, quantizable, rows, texts, plan) -> Quantized

SettingsError: a name that is none, or one that no bundle may have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from barocast.export.graphs.to_onnx import Graphs
from barocast.export.quantization.products import bare
from barocast.export.quantization.quantize import Quantized, quantize
from barocast.export.quantization.weight_only import INT4_OPSET, fp16, int4_weights, int8_weights
from barocast.runtime.errors import SettingsError
from barocast.runtime.graph_rules import MAX_OPSET

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from barocast.export.quantization.quantize import Plan
    from barocast.export.rows import Rows

    Precision: TypeAlias = Callable[[Graphs, tuple[str, ...], Rows, NDArray[np.int64], Plan], Quantized]


def _as_it_is(graphs: Graphs, *_: object) -> Quantized:
    return Quantized(Graphs(bare(graphs.prefix), bare(graphs.tick)))


def _of_weights(smaller: Callable[[Graphs, tuple[str, ...]], Graphs]) -> Precision:
    """Give the precision that changes weights alone: no rows are asked."""
    return lambda graphs, quantizable, *_: Quantized(smaller(graphs, quantizable))


PRECISIONS: Final[Mapping[str, Precision]] = {
    "float": _as_it_is,
    "fp16": _of_weights(fp16),
    "int8w": _of_weights(int8_weights),
    "int8": quantize,
}
"""Of a bundle."""
OUTSIDE_BUNDLES: Final[Mapping[str, Precision]] = {"int4": _of_weights(int4_weights)}
"""For experiments: graphs that newer engines run and no bundle holds."""


def precision(name: str) -> Precision:
    """Give what makes a bundle's graphs of that precision."""
    if name in OUTSIDE_BUNDLES:
        raise SettingsError(
            f"--precision {name}: needs ONNX opset {INT4_OPSET}, and a bundle holds at most {MAX_OPSET}, "
            "which onnxruntime 1.23 loads on JetPack 6; ask for int8w or int8, or make the graphs outside "
            "a bundle (export.quantization.weight_only)"
        )
    if name not in PRECISIONS:
        raise SettingsError(f"--precision {name}: none of {', '.join(PRECISIONS)}")
    return PRECISIONS[name]
