"""Discrimination over all windows, those of a running event included: reported apart, never mixed in.

A moment inside an event counts as positive, so this set mixes detection with prediction: a score that merely
reads the pressure does well on it. In: Windows. Out, by horizon: rows, prevalence and AUROC with intervals
over patients.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from barocast.calibration.bootstrap import draw_patients, interval
from barocast.calibration.panel import score_draws

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Windows:
    """Moments of many cases with enough history (calibration.landmarks.find_all_windows), n in all."""

    subjects: NDArray[np.str_]
    """(n,) whose each is."""
    labels: NDArray[np.float64]
    """(n, horizon) 1, 0, or NaN where it is unknown."""
    p: NDArray[np.float64]
    """(n, horizon) calibrated risk; NaN without a forecast."""


def figures(windows: Windows, horizons_min: tuple[int, ...], draws: int) -> dict[str, Any]:
    """Give horizon -> figures."""
    return {str(minutes): _horizon(windows, column, draws) for column, minutes in enumerate(horizons_min)}


def _horizon(windows: Windows, column: int, draws: int) -> dict[str, Any]:
    labels, p = windows.labels[:, column], windows.p[:, column]
    counted = np.isfinite(labels) & np.isfinite(p)
    drawn = draw_patients(windows.subjects[counted], draws)
    rows, positive = drawn.sums(np.stack([counted[counted], labels[counted]], axis=1)).T
    with np.errstate(invalid="ignore"):
        prevalence = positive / rows
    return {
        "rows": int(counted.sum()),
        "prevalence": asdict(interval(prevalence)),
        "auroc": asdict(interval(score_draws(labels[counted], p[counted], drawn)["auroc"])),
    }
