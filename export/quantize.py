"""A float ONNX graph -> int8, by static Q/DQ that ONNX Runtime and TensorRT both take.

In: the graph's bytes and rows to measure activations on. Out: the quantized bytes, and how far its
answers lie from its parent's. Signed, symmetric, int8 weights and activations, biases left in float
(TensorRT refuses int32 bias dequantization), weights in 7 bits: 8 x 8 bit products overflow 16-bit sums
on x86 without VNNI. Only the trunk is quantized; normalization, gates, the text encoder, the wide path
and the head stay in float, because a probability is read off them.
"""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnx
from onnxruntime import quantization

from barocast.calibration.discrimination import auroc
from barocast.export.to_onnx import feeds, quietly, settled
from barocast.runtime.domain import HORIZONS_MIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from barocast.export.rows import Rows

TRUNK: Final = (".patch", ".to_text", ".to_series", ".think")
"""Parts of a node's module path that are quantized. Not the tokens' attention to one another: it is an
eighth of the work and made nine tenths of the error (largest change of a risk .011, without it .002)."""
SCOPES: Final = "pkg.torch.onnx.name_scopes"
"""Where torch's exporter leaves a node's module path."""
MEASURED_ROWS: Final = 2000
MAX_AUROC_LOSS: Final = 0.002
MAX_P_CHANGE: Final = 0.02
MIN_SAME_DECISIONS: Final = 0.995


@dataclass(frozen=True, slots=True)
class Parity:
    """How far the quantized graph lies from its float parent, on the same rows."""

    rows: int
    auroc_change: tuple[float, ...]
    """Quantized minus float, by horizon."""
    max_p_change: float
    """Largest difference of a calibrated probability."""
    same_decisions: float
    """Share of rows on the same side of the alarm threshold."""

    @property
    def holds(self) -> bool:
        """Whether evaluation's limits are kept."""
        return (
            max(abs(change) for change in self.auroc_change) <= MAX_AUROC_LOSS
            and self.max_p_change <= MAX_P_CHANGE
            and self.same_decisions >= MIN_SAME_DECISIONS
        )

    def to_dict(self) -> dict[str, Any]:
        """Give what the run's record holds."""
        return {**asdict(self), "holds": self.holds}


def quantize(graph: bytes, rows: Rows, texts: NDArray[np.int64], seed: int = 0) -> bytes:
    """Give the int8 graph, its activation ranges measured on a draw of `rows`."""
    drawn = np.random.default_rng(seed).choice(len(rows), min(MEASURED_ROWS, len(rows)), replace=False)
    with tempfile.TemporaryDirectory() as folder, quietly():
        source, target = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        source.write_bytes(graph)
        quantization.quantize_static(
            source,
            target,
            _Measured(rows, texts, drawn),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=["MatMul", "Gemm"],
            nodes_to_quantize=trunk_nodes(onnx.load_from_string(graph)),
            per_channel=True,
            reduce_range=True,
            activation_type=quantization.QuantType.QInt8,
            weight_type=quantization.QuantType.QInt8,
            extra_options={
                "ActivationSymmetric": True,
                "WeightSymmetric": True,
                "QuantizeBias": False,
                "OpTypesToExcludeOutputQuantization": ["MatMul", "Gemm"],
            },
        )
        return settled(_anonymous(onnx.load(target)))


def trunk_nodes(graph: onnx.ModelProto) -> list[str]:
    """Give the names of the trunk's matrix products with a weight."""
    weights = {initializer.name for initializer in graph.graph.initializer}
    products = [node for node in graph.graph.node if node.op_type in {"MatMul", "Gemm"}]
    return [node.name for node in products if weights & set(node.input) and _in_trunk(node)]


def parity(
    exact: NDArray[np.float64],
    quantized: NDArray[np.float64],
    labels: NDArray[np.float32],
    threshold: float,
    alarm_column: int,
) -> Parity:
    """Compare probabilities (n, horizon); `threshold` is the alarm's on the risk of `alarm_column`."""
    changes = []
    for column in range(len(HORIZONS_MIN)):
        known = np.isfinite(labels[:, column])
        pair = [auroc(labels[known, column], p[known, column]) for p in (exact, quantized)]
        changes.append(pair[1] - pair[0])
    same = (exact >= threshold)[:, alarm_column] == (quantized >= threshold)[:, alarm_column]
    change = float(np.abs(quantized - exact).max())
    return Parity(len(labels), tuple(changes), change, float(same.mean()))


def _anonymous(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Drop what the exporter notes of the machine it ran on: stack traces, file names, descriptions."""
    parts = (graph, graph.graph, *graph.graph.node, *graph.graph.value_info)
    for part in (*parts, *graph.graph.input, *graph.graph.output, *graph.graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""
    return graph


def _in_trunk(node: onnx.NodeProto) -> bool:
    scope = next((entry.value for entry in node.metadata_props if entry.key == SCOPES), "")
    return any(part in scope for part in TRUNK)


class _Measured(quantization.CalibrationDataReader):  # type: ignore[misc]  # onnxruntime publishes no types
    """Hands the quantizer one row after the other."""

    def __init__(self, rows: Rows, texts: NDArray[np.int64], drawn: NDArray[np.intp]) -> None:
        self._feeds: Iterator[dict[str, NDArray[Any]]] = (feeds(rows, texts, int(row)) for row in drawn)

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        """Give the next row, None at the end."""
        return next(self._feeds, None)
