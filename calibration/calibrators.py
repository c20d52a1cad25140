"""Raw risk logits -> calibrated probabilities, by two numbers kept outside the graph.

One temperature and one bias are shared by the three horizons: since the graph's logits are ordered
(5 <= 10 <= 15 min), the probabilities stay ordered. Fitted on the quantized graph, on patients that
trained nothing; frozen in the bundle's manifest; numpy only at the bedside.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration.metrics import fit_logistic, sigmoid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

PRIOR_PATIENTS: Final = 50
"""Patients' worth of belief in the network's own probabilities: cases differ in level far more than rows do,
so a fit on few patients says little, and the out-of-fold logits are calibrated as they come."""
MIN_SCALE: Final = 0.05
"""A scale at or below 0 would turn the order of risks around; so small a one means a broken fit."""
MAX_SCALE: Final = 20.0
"""Beyond it every probability is 0 or 1: no longer a calibration."""
MAX_BIAS: Final = 20.0
"""Either way; beyond it the network's own logits would not count any more."""


@dataclass(frozen=True, slots=True)
class Calibrator:
    """p = sigmoid(scale * logit + bias). Raises ValueError where the order would not be kept."""

    scale: float = 1.0
    """1 / temperature."""
    bias: float = 0.0

    def __post_init__(self) -> None:
        if not (MIN_SCALE <= self.scale <= MAX_SCALE and abs(self.bias) <= MAX_BIAS):
            raise ValueError(
                f"calibrator scale {self.scale} must be {MIN_SCALE:g} to {MAX_SCALE:g}, "
                f"bias {self.bias} at most {MAX_BIAS:g} either way"
            )

    def __call__(self, logits: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Give probabilities of the same shape (..., horizon)."""
        return sigmoid(self.scale * logits + self.bias)

    def shrunk(self, patients: int) -> Calibrator:
        """Draw a fit on this many patients towards the identity: n / (n + PRIOR_PATIENTS) of it stays."""
        trust = patients / (patients + PRIOR_PATIENTS)
        return Calibrator(1 + trust * (self.scale - 1), trust * self.bias)

    def to_dict(self) -> dict[str, float | str]:
        """Give what the manifest holds."""
        return {"kind": "temperature-bias", **asdict(self)}

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Calibrator:
        """Read what the manifest holds. Raises ValueError for another kind or impossible numbers."""
        if given.get("kind") != "temperature-bias":
            raise ValueError(f"calibrator kind {given.get('kind')!r} is unknown; need 'temperature-bias'")
        return cls(float(given["scale"]), float(given["bias"]))


def fit_calibrator(logits: NDArray[np.floating[Any]], labels: NDArray[np.floating[Any]]) -> Calibrator:
    """Fit on rows (n, horizon) by maximum likelihood over all horizons; NaN labels are left out."""
    known = np.isfinite(labels)
    design = np.stack([logits[known], np.ones(int(known.sum()))], axis=1)
    scale, bias = fit_logistic(design, labels[known])
    return Calibrator(float(scale), float(bias))
