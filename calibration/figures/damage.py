"""What worse input costs: the same rows with the input damaged in named ways, against the input as it was.

In: Judged rows and the risks (n, horizon) of each variant. Out, by variant: share of landmarks answered, and
by horizon AUROC, its paired change on the rows that the variant still answered, and the mean change of risk.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from barocast.calibration.bootstrap import draw_patients, interval
from barocast.calibration.panel import score_draws

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from barocast.calibration.judged import Judged


def figures(
    judged: Judged, variants: Mapping[str, NDArray[np.float64]], horizons_min: tuple[int, ...], draws: int
) -> dict[str, Any]:
    """Give the figures of every variant, in the order given."""
    return {
        name: {
            "answered": _share(np.isfinite(p[judged.answered, 0])),
            "horizons": {
                str(minutes): _horizon(judged, p[:, column], column, draws)
                for column, minutes in enumerate(horizons_min)
            },
        }
        for name, p in variants.items()
    }


def _share(answered: NDArray[np.bool_]) -> float:
    return float(answered.mean()) if answered.size else float("nan")


def _horizon(judged: Judged, p: NDArray[np.float64], column: int, draws: int) -> dict[str, Any] | None:
    """Give the figures of one horizon; None where the variant answered nothing that can be judged."""
    labels, whole = judged.labels[:, column], judged.p[:, column]
    counted = np.isfinite(labels) & np.isfinite(p) & np.isfinite(whole)
    if not 0 < labels[counted].sum() < counted.sum():
        return None
    drawn = draw_patients(judged.subjects[counted], draws)
    damaged, sound = (score_draws(labels[counted], given[counted], drawn)["auroc"] for given in (p, whole))
    return {
        "rows": int(counted.sum()),
        "auroc": asdict(interval(damaged)),
        "change": asdict(interval(damaged - sound)),
        "mean_risk_change": float((p - whole)[counted].mean()),
    }
