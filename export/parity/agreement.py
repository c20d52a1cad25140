"""How far one set of answers lies from another on the same rows, judged by evaluation's limits."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration.discrimination import auroc

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_AUROC_CHANGE: Final = 0.002
MAX_P_CHANGE: Final = 0.02
MIN_SAME_DECISIONS: Final = 0.995


@dataclass(frozen=True, slots=True)
class Parity:
    """How far answers lie from the exact ones, on the same rows."""

    rows: int
    auroc_change: tuple[float, ...]
    """Minus the exact one's, by horizon; NaN where the rows hold no label of either kind."""
    max_p_change: float
    """Largest difference of a calibrated probability; NaN where only one of the two gave a number."""
    same_decisions: float
    """Share of rows on the same side of the alarm threshold."""

    @property
    def holds(self) -> bool:
        """Whether evaluation's limits are kept."""
        return (
            not any(abs(change) > MAX_AUROC_CHANGE for change in self.auroc_change)
            and self.max_p_change <= MAX_P_CHANGE
            and self.same_decisions >= MIN_SAME_DECISIONS
        )

    def to_dict(self) -> dict[str, Any]:
        """Give what the run's record holds."""
        return {**asdict(self), "holds": self.holds}


def parity(
    exact: NDArray[np.float64],
    other: NDArray[np.float64],
    labels: NDArray[np.float32],
    threshold: float,
    alarm_column: int,
) -> Parity:
    """Compare probabilities (n, horizon); `threshold` is the alarm's on the risk of `alarm_column`."""
    same = (exact >= threshold)[:, alarm_column] == (other >= threshold)[:, alarm_column]
    changes = tuple(map(_auroc_change, exact.T, other.T, labels.T))
    return Parity(len(labels), changes, float(gaps(exact, other).max(initial=0.0)), float(same.mean()))


def gaps(exact: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give absolute differences: 0 where neither is a number, NaN where only one is."""
    return np.where(np.isnan(exact) & np.isnan(other), 0.0, np.abs(other - exact))


def _auroc_change(
    exact: NDArray[np.float64], other: NDArray[np.float64], labels: NDArray[np.float32]
) -> float:
    known = np.isfinite(labels)
    return auroc(labels[known], other[known]) - auroc(labels[known], exact[known])
