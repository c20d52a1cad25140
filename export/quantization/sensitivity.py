"""What each layer's int8 costs, and which few stay in float so that the whole keeps its limits.

Each product alone in int8, all else float, is asked about the same windows; its cost is the largest change of
any risk. Then all are int8 together, and as long as the limits are broken the costliest of those left goes
back to float. No chance is involved: the same windows give the same plan.

BundleError: more than `MOST_IN_FLOAT` of the layers would have to stay in float.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from barocast.export.parity.agreement import Parity, parity
from barocast.export.quantization.qdq import int8_products
from barocast.export.quantization.shown import risks
from barocast.runtime.errors import BundleError, Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import onnx
    from numpy.typing import NDArray

    from barocast.export.quantization.products import Product
    from barocast.export.quantization.scales import Scales
    from barocast.export.quantization.shown import Shown

MOST_IN_FLOAT: Final = 0.5
"""Share of the layers; beyond it int8 saves little, and another precision or fine-tuning is the mend."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """The alarm's, on risks as the graph gives them."""

    p: float
    column: int
    """Of the horizon, 0 for the shortest."""


NEVER: Final = Threshold(p=math.inf, column=0)
"""No risk reaches it."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What int8 is judged on."""

    shown: Shown
    """Windows as the tick takes them."""
    labels: NDArray[np.float32]
    """(n, horizon)"""
    exact: NDArray[np.float64]
    """(n, horizon) risks of the float tick."""
    threshold: Threshold | None
    """None before calibration: then `risk_change` stands for the decisions."""
    risk_change: float
    """What any risk may change where no threshold is known."""

    def parity(self, tick: bytes) -> Parity:
        """Say how far this tick's answers lie from the float one's."""
        threshold = self.threshold or NEVER
        return parity(self.exact, risks(tick, self.shown), self.labels, threshold.p, threshold.column)

    def holds(self, found: Parity) -> bool:
        """Whether the limits are kept."""
        return found.holds and (self.threshold is not None or found.max_p_change <= self.risk_change)


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """The plan that came out, and why."""

    alone: dict[str, float]
    """Largest change of a risk with that layer alone in int8, the costliest first."""
    in_float: dict[str, Parity]
    """Layers left in float, in the order they were left: each with what broke the limits before."""
    kept: Parity
    """Of the graph that is kept."""

    def to_dict(self) -> dict[str, Any]:
        """Give what the card says of it."""
        return {
            "alone": self.alone,
            "in_float": {layer: before.to_dict() for layer, before in self.in_float.items()},
            "kept": self.kept.to_dict(),
        }


def settle(
    model: onnx.ModelProto, products: Sequence[Product], scales: Scales, judged: Judged
) -> tuple[bytes, Sensitivity]:
    """Give the int8 tick that keeps the limits, and what was found on the way."""
    costs = {p.layer: judged.parity(int8_products(model, [p], scales)).max_p_change for p in products}
    alone = dict(sorted(costs.items(), key=lambda cost: -cost[1]))
    in_float: dict[str, Parity] = {}
    while True:
        tick = int8_products(model, [p for p in products if p.layer not in in_float], scales)
        found = judged.parity(tick)
        if judged.holds(found):
            return tick, Sensitivity(alone, in_float, found)
        if len(in_float) >= MOST_IN_FLOAT * len(products):
            raise BundleError(_lost(in_float, len(products), found), Refused.QUALITY)
        in_float[next(layer for layer in alone if layer not in in_float)] = found


def _lost(in_float: dict[str, Parity], layers: int, found: Parity) -> str:
    return (
        f"int8 moves a risk by {found.max_p_change:.3f} with {len(in_float)} of {layers} layers in float; "
        "fine-tune the network for int8 (quantization.qat), or ask for --precision fp16"
    )
