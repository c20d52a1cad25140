"""Discrimination and calibration of the risk at each horizon, with intervals and what they say of the aims.

In: Judged rows. Out: plain values by horizon. Rows without a forecast or with an unknown label are left out
of that horizon, and both are counted. Every interval is a bootstrap over patients.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration.bootstrap import Estimate, draw_patients, interval, intervals
from barocast.calibration.discrimination import rank
from barocast.calibration.figures.verdict import AIMS, Verdict, verdict
from barocast.calibration.net_benefit import THRESHOLDS, net_benefit_draws, net_benefit_of_all
from barocast.calibration.panel import curve_draws, risk_draws

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from barocast.calibration.bootstrap import Drawn, PatientDraws
    from barocast.calibration.judged import Judged

    Floats = NDArray[np.float64]

EDGES: Final = tuple(round(0.05 * step, 2) for step in range(21))
"""Of the histogram of risks."""
FIGURES: Final = (
    *("auroc", "auprc", "prevalence", "brier", "scaled_brier", "log_loss", "observed_expected"),
    *("spiegelhalter_z", "slope", "intercept", "in_the_large", "ici", "e50", "e90", "ece", "ece_equal_width"),
)
"""What calibration.panel gives; without a row to judge none of it exists."""
UNKNOWN: Final = Estimate(float("nan"), float("nan"), float("nan"))
POINTS: Final = 200
"""Most points of a ROC or precision curve: more than a picture can show."""


def figures(judged: Judged, horizons_min: tuple[int, ...], draws: int) -> dict[str, Any]:
    """Give horizon -> figures."""
    return {str(minutes): _horizon(judged, column, draws) for column, minutes in enumerate(horizons_min)}


def _horizon(judged: Judged, column: int, draws: int) -> dict[str, Any]:
    labels = judged.labels[:, column]
    counted = np.isfinite(labels) & judged.answered
    y, p = labels[counted], judged.p[counted, column]
    drawn = draw_patients(judged.subjects[counted], draws)
    found = intervals(risk_draws(y, p, drawn)) if y.size else dict.fromkeys(FIGURES, UNKNOWN)
    return {
        "rows": int(counted.sum()),
        "unknown_labels": int(np.isnan(labels).sum()),
        "positive_rows": int(y.sum()),
        **{name: asdict(one) for name, one in found.items()},
        "verdicts": {name: _verdict(name, found[name], y) for name in AIMS if name in found},
        "curve": _curve(y, p, drawn),
        "histogram": {"edges": list(EDGES), "rows": np.histogram(p, EDGES)[0].tolist()},
        "operating_points": _operating_points(y, p),
        "net_benefit": _net_benefit(y, p, drawn),
    }


def _verdict(name: str, found: Estimate, y: Floats) -> str:
    """Judge, where rows with and without an event are there: else every draw is alike, and tells nothing."""
    return str(verdict(found, AIMS[name]) if 0 < y.sum() < y.size else Verdict.UNCLEAR)


def _curve(y: Floats, p: Floats, draws: PatientDraws) -> dict[str, list[float]]:
    if not y.size:
        return {name: [] for name in ("risk", "value", "low", "high")}
    at, observed = curve_draws(y, p, draws)
    return {"risk": at.tolist(), **_banded(observed)}


def _net_benefit(y: Floats, p: Floats, draws: PatientDraws) -> dict[str, list[float]]:
    thresholds = np.array(THRESHOLDS if y.size else ())
    ours = net_benefit_draws(y, p, thresholds, draws)
    everyone = net_benefit_of_all(y, thresholds).tolist()
    return {"threshold": thresholds.tolist(), **_banded(ours), "everyone": everyone}


def _banded(drawn: Drawn) -> dict[str, list[float]]:
    found = [interval(column) for column in drawn.T]
    return {name: [getattr(one, name) for one in found] for name in ("value", "low", "high")}


def _operating_points(y: Floats, p: Floats) -> dict[str, list[float]]:
    """Give ROC and precision at thresholds evenly spaced in sensitivity, and at the lowest."""
    points = rank(y, p).operating_points()
    last = points.sensitivity.size - 1
    reached = np.searchsorted(points.sensitivity, np.linspace(0, 1, POINTS))
    shown = np.unique(np.append(np.minimum(reached, last), last))
    names = ("sensitivity", "specificity", "precision")
    return {name: getattr(points, name)[shown].tolist() for name in names}
