"""Float graphs -> int8 graphs, the same file for ONNX Runtime and TensorRT.

In: both graphs, parts of the module paths that may be int8, rows of the training patients to measure on, the
cases' texts, a Plan. Out: Quantized. Only those products of the tick become int8; the prefix, normalization,
gates, wide path and head stay float, because a probability is read off them. The same inputs give the same
bytes.

InputError: rows or activations that give no range, or no product to quantize. BundleError: the limits cannot
be kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from barocast.export.graphs.to_onnx import Graphs
from barocast.export.quantization.products import bare, find_products, with_plain_products
from barocast.export.quantization.saturation import saturations
from barocast.export.quantization.scales import measure
from barocast.export.quantization.sensitivity import Judged, Threshold, settle
from barocast.export.quantization.shown import risks, show
from barocast.export.quantization.windows import Draw, draw_windows, with_strange
from barocast.runtime.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import onnx
    from numpy.typing import NDArray

    from barocast.export.quantization.products import Product
    from barocast.export.quantization.scales import Scales
    from barocast.export.quantization.sensitivity import Sensitivity
    from barocast.export.quantization.windows import Windows
    from barocast.export.rows import Rows


@dataclass(frozen=True, slots=True)
class Tuned:
    """A tick that was fine-tuned for int8 (qat), and the scales that it learned to live with."""

    tick: bytes
    """Float, ONNX."""
    scales: Scales


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for."""

    draw: Draw = field(default_factory=Draw)
    """Windows that ranges are measured on."""
    judged: int = 600
    """Windows, drawn alike but for the seed, that each layer is judged on."""
    threshold: Threshold | None = None
    """The alarm's, where it is known already."""
    risk_change: float = 0.01
    """What a risk may change where none is known: half of evaluation's limit, for the rows not drawn."""
    in_float: tuple[str, ...] = ()
    """Parts of module paths that stay float whatever they cost."""
    strange: Rows | None = None
    """Windows that no training patient had, artefacts and extremes: half of them are inside the ranges, the
    layers are judged on the other half as well. Their labels are NaN."""
    tuned: Tuned | None = None
    """In place of the graphs' own tick and of measured ranges."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Quantized:
    """What came out."""

    graphs: Graphs
    sensitivity: Sensitivity | None = None
    """None where weights alone were changed."""
    windows: Mapping[str, float] = field(default_factory=dict)
    """What ranges were measured on: how many windows, and their shares."""

    @property
    def in_float(self) -> tuple[str, ...]:
        """Layers that may be int8 and were left in float, in the order they were left."""
        return tuple(self.sensitivity.in_float) if self.sensitivity else ()

    def to_dict(self) -> dict[str, Any]:
        """Give what the card and the record say of it."""
        if self.sensitivity is None:
            return {}
        return {"ranges": dict(self.windows), "sensitivity": self.sensitivity.to_dict()}


def quantize(
    graphs: Graphs,
    quantizable: tuple[str, ...],
    rows: Rows,
    texts: NDArray[np.int64],
    plan: Plan = Plan(),
) -> Quantized:
    """Measure, judge layer by layer, and give the graphs; `texts` is (case, token)."""
    windows = _windows(rows, texts, plan, plan.draw, 0)
    model, products = candidates(plan.tuned.tick if plan.tuned else graphs.tick, quantizable, plan.in_float)
    scales = plan.tuned.scales if plan.tuned else measure(model, products, show(graphs, windows))
    tick, sensitivity = settle(model, products, scales, _judged(graphs, rows, texts, plan))
    _prove(tick)
    return Quantized(Graphs(bare(graphs.prefix), tick), sensitivity, windows.to_dict())


def ranges(
    graphs: Graphs, quantizable: tuple[str, ...], rows: Rows, texts: NDArray[np.int64], plan: Plan
) -> Scales:
    """Give the scales that `quantize` would measure, for a network that is fine-tuned to live with them."""
    model, products = candidates(graphs.tick, quantizable, plan.in_float)
    return measure(model, products, show(graphs, _windows(rows, texts, plan, plan.draw, 0)))


def candidates(
    tick: bytes, quantizable: tuple[str, ...], in_float: tuple[str, ...] = ()
) -> tuple[onnx.ModelProto, list[Product]]:
    """Give the tick with plain products, and those of them that may be int8."""
    model = with_plain_products(tick)
    found = find_products(model, quantizable)
    products = [product for product in found if not any(part in f".{product.layer}" for part in in_float)]
    if not products:
        raise InputError(
            f"no product of the tick lies in a module of {', '.join(quantizable)}; name modules whose "
            "weights are matrices in Split.quantizable, or ask for --precision float"
        )
    return model, products


def _windows(rows: Rows, texts: NDArray[np.int64], plan: Plan, draw: Draw, part: int) -> Windows:
    """Give part 0, that ranges are measured on, or part 1, that layers are judged on."""
    windows = draw_windows(rows, texts, draw, plan.seed + part)
    if plan.strange is None:
        return windows
    strange = plan.strange.take(np.arange(part, len(plan.strange), 2))
    return with_strange(windows, strange, texts, np.random.default_rng((plan.seed, part)))


def _judged(graphs: Graphs, rows: Rows, texts: NDArray[np.int64], plan: Plan) -> Judged:
    windows = _windows(rows, texts, plan, replace(plan.draw, windows=plan.judged), 1)
    shown = show(graphs, windows)
    return Judged(shown, windows.labels, risks(graphs.tick, shown), plan.threshold, plan.risk_change)


def _prove(tick: bytes) -> None:
    """Weights are made in 7 bits; a sum that could saturate is a mistake of this room."""
    found = saturations(tick)
    if found:
        raise RuntimeError("; ".join(str(saturation) for saturation in found))
