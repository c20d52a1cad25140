"""Calibrators of a few numbers: temperature and bias, Platt, beta. Frozen values, applied with numpy alone.

In: risk logits (..., horizon), ordered along the horizons as the graph gives them. Out: probabilities of
the same shape, monotone in the logit and never falling along the horizons: by parameters that the horizons
share, or, where each has its own (Platt), by a running maximum. Constructors raise ValueError for numbers
that would turn risks around or leave only 0 and 1.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration.landmarks import HORIZONS_S
from barocast.calibration.log_odds import sigmoid

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
class TemperatureBias:
    """p = sigmoid(scale * logit + bias), shared by the horizons."""

    scale: float = 1.0
    """1 / temperature."""
    bias: float = 0.0

    def __post_init__(self) -> None:
        _check_line(self.scale, self.bias)

    def __call__(self, logits: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Give probabilities of the same shape (..., horizon)."""
        return sigmoid(self.scale * logits + self.bias)

    def shrunk(self, patients: int) -> TemperatureBias:
        """Draw a fit on this many patients towards the identity: n / (n + PRIOR_PATIENTS) of it stays."""
        return TemperatureBias(_drawn(self.scale, 1, patients), _drawn(self.bias, 0, patients))

    def to_dict(self) -> dict[str, Any]:
        """Give what the manifest holds."""
        return {"kind": "temperature-bias", **asdict(self)}

    def summary(self) -> str:
        """Give the formula."""
        return f"p = {_sigmoid_of(self.scale, self.bias)}"

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> TemperatureBias:
        """Read what the manifest holds. Raises KeyError, TypeError or ValueError for impossible numbers."""
        return cls(float(given["scale"]), float(given["bias"]))


@dataclass(frozen=True, slots=True)
class Platt:
    """p = sigmoid(scale * logit + bias), each horizon its own (Platt 1999); then the running maximum."""

    scales: tuple[float, ...]
    biases: tuple[float, ...]

    def __post_init__(self) -> None:
        if not len(self.scales) == len(self.biases) == len(HORIZONS_S):
            raise ValueError(f"calibrator scales and biases must be {len(HORIZONS_S)} each, one a horizon")
        for scale, bias in zip(self.scales, self.biases, strict=True):
            _check_line(scale, bias)

    def __call__(self, logits: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Give probabilities of the same shape (..., horizon)."""
        own = sigmoid(np.array(self.scales) * logits + np.array(self.biases))
        return np.asarray(np.maximum.accumulate(own, axis=-1))

    def shrunk(self, patients: int) -> Platt:
        """Draw a fit on this many patients towards the identity, as TemperatureBias does."""
        scales = tuple(_drawn(scale, 1, patients) for scale in self.scales)
        return Platt(scales, tuple(_drawn(bias, 0, patients) for bias in self.biases))

    def to_dict(self) -> dict[str, Any]:
        """Give what the manifest holds."""
        return {"kind": "platt", "scales": list(self.scales), "biases": list(self.biases)}

    def summary(self) -> str:
        """Give the formula of each horizon."""
        return "p = " + ", ".join(map(_sigmoid_of, self.scales, self.biases)) + ", in order of the horizons"

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Platt:
        """Read what the manifest holds. Raises KeyError, TypeError or ValueError for impossible numbers."""
        return cls(tuple(map(float, given["scales"])), tuple(map(float, given["biases"])))


@dataclass(frozen=True, slots=True)
class Beta:
    """p = sigmoid(low * ln q - high * ln(1 - q) + bias) of q = sigmoid(logit), shared (Kull et al. 2017).

    A temperature of its own for low risks and for high ones; the identity is (1, 1, 0).
    """

    low: float = 1.0
    """How steep where the risk is low; 0 is a floor."""
    high: float = 1.0
    """How steep where it is high; 0 is a ceiling."""
    bias: float = 0.0

    def __post_init__(self) -> None:
        if not (min(self.low, self.high) >= 0 and self.low + self.high >= MIN_SCALE):
            raise ValueError(f"calibrator low {self.low} and high {self.high} must not turn risks around")
        if not (max(self.low, self.high) <= MAX_SCALE and abs(self.bias) <= MAX_BIAS):
            raise ValueError(
                f"calibrator low {self.low} and high {self.high} must be at most {MAX_SCALE:g}, "
                f"bias {self.bias} at most {MAX_BIAS:g} either way"
            )

    def __call__(self, logits: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Give probabilities of the same shape (..., horizon)."""
        below, above = beta_terms(logits)
        return sigmoid(self.low * below + self.high * above + self.bias)

    def shrunk(self, patients: int) -> Beta:
        """Draw a fit on this many patients towards the identity, as TemperatureBias does."""
        steep = (_drawn(self.low, 1, patients), _drawn(self.high, 1, patients))
        return Beta(*steep, _drawn(self.bias, 0, patients))

    def to_dict(self) -> dict[str, Any]:
        """Give what the manifest holds."""
        return {"kind": "beta", **asdict(self)}

    def summary(self) -> str:
        """Give the formula."""
        line = f"{self.low:.3f} x ln q - {self.high:.3f} x ln(1 - q) {self.bias:+.3f}"
        return f"p = sigmoid({line}), q = sigmoid(logit)"

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Beta:
        """Read what the manifest holds. Raises KeyError, TypeError or ValueError for impossible numbers."""
        return cls(float(given["low"]), float(given["high"]), float(given["bias"]))


DRAWN: Final = (TemperatureBias, Platt, Beta)
"""Kinds that a fit on few patients draws towards the identity."""


def beta_terms(logits: NDArray[np.floating[Any]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give ln q and -ln(1 - q) of q = sigmoid(logit), exact however far out the logit lies."""
    values = np.asarray(logits, dtype=np.float64)
    return -np.logaddexp(0, -values), np.logaddexp(0, values)


def _sigmoid_of(scale: float, bias: float) -> str:
    return f"sigmoid({scale:.3f} x logit {bias:+.3f})"


def _drawn(fitted: float, identity: float, patients: int) -> float:
    return identity + patients / (patients + PRIOR_PATIENTS) * (fitted - identity)


def _check_line(scale: float, bias: float) -> None:
    if not (MIN_SCALE <= scale <= MAX_SCALE and abs(bias) <= MAX_BIAS):
        raise ValueError(
            f"calibrator scale {scale} must be {MIN_SCALE:g} to {MAX_SCALE:g}, "
            f"bias {bias} at most {MAX_BIAS:g} either way"
        )
