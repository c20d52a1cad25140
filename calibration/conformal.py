"""A band that holds what it says: the MAP quantiles widened, step by step, until patients never seen agree.

Conformalized quantile regression (Romano, Patterson and Candes 2019): at each step ahead the score of a row
is how far its observation lies outside the band (negative: how deep inside), and the band is widened by a
quantile of the scores, both ways; a band that was too wide is narrowed. Rows of one patient are no
independent witnesses, so the quantile is taken over patients: each shares a weight of one among its rows,
and one more patient of whom nothing is known counts as infinitely far off (hierarchical conformal
prediction, Lee, Barber and Willett 2023). A random row of a new patient is then covered with at least the
stated probability, whatever the model, if patients are exchangeable; few patients widen the band.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

COVERAGE: Final = 0.8
"""Of the 10 to 90 % band."""
MIN_PATIENTS: Final = 4
"""n patients can promise n / (n + 1) of a new one's rows: fewer cannot promise COVERAGE."""
MAX_STEPS: Final = 256
"""A forecast of more steps than that is none of ours; it caps what is read from a manifest."""
MAX_WIDENING_MMHG: Final = 100.0
"""Beyond it the band would say nothing."""
ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True)
class ConformalBand:
    """What is added to the band at each step ahead. Raises ValueError for impossible numbers."""

    widenings_mmhg: tuple[float, ...]
    """Below the 10 % and above the 90 % quantile, one a step; negative narrows."""

    def __post_init__(self) -> None:
        if not 1 <= len(self.widenings_mmhg) <= MAX_STEPS:
            raise ValueError(f"band of {len(self.widenings_mmhg)} widenings; need 1 to {MAX_STEPS}")
        if not all(abs(mmhg) <= MAX_WIDENING_MMHG for mmhg in self.widenings_mmhg):
            raise ValueError(f"band widenings must be numbers up to {MAX_WIDENING_MMHG:g} mmHg either way")

    def __call__(
        self, low: Floats, middle: Floats, high: Floats
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give the band of quantiles (..., step), mmHg; a narrowed one never passes the median."""
        by = np.array(self.widenings_mmhg)
        return np.minimum(low - by, middle), np.maximum(high + by, middle)

    def to_dict(self) -> dict[str, Any]:
        """Give what the manifest holds."""
        return {"kind": "conformal", "widenings_mmhg": list(self.widenings_mmhg)}

    def summary(self) -> str:
        """Give the range of the widenings."""
        low, high, steps = min(self.widenings_mmhg), max(self.widenings_mmhg), len(self.widenings_mmhg)
        return f"conformal, widened by {low:+.1f} to {high:+.1f} mmHg a side over {steps} steps"

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> ConformalBand:
        """Read what the manifest holds. Raises AttributeError, KeyError, TypeError or ValueError."""
        if given.get("kind") != "conformal":
            raise ValueError(f"band kind {given.get('kind')!r} is unknown; need 'conformal'")
        return cls(tuple(map(float, given["widenings_mmhg"])))


def fit_band(
    observed: Floats, low: Floats, high: Floats, patients: NDArray[Any], share: float = COVERAGE
) -> ConformalBand:
    """Fit on rows (n, step), mmHg, NaN where nothing was observed; patients (n,).

    Raises ValueError where a step has too few patients to promise `share` of a new one's rows.
    """
    scores = np.maximum(low - observed, observed - high)
    return ConformalBand(tuple(_widening(column, patients, share) for column in scores.T))


def _widening(scores: Floats, patients: NDArray[Any], share: float) -> float:
    seen = np.isfinite(scores)
    _, patient, rows = np.unique(patients[seen], return_inverse=True, return_counts=True)
    order = np.argsort(scores[seen], kind="stable")
    held = np.cumsum(1 / rows[patient][order]) / (rows.size + 1)
    place = int(np.searchsorted(held, share - ROUNDING))
    if place == held.size:
        raise ValueError(f"{rows.size} patients cannot promise a band of {share:.0%}; use more")
    return float(scores[seen][order][place])
