"""The figures of a bundle on patients it never saw: what the model card and the run record state.

In: calibrated risks, MAP quantiles, rows and cases of one role. Out: plain values, with intervals from
a bootstrap over patients where a figure has one.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from barocast.calibration import metrics
from barocast.calibration.alarm_burden import RiskTrack, burden
from barocast.calibration.bootstrap import estimate
from barocast.calibration.events import find_events
from barocast.runtime.domain import HORIZONS_MIN
from barocast.runtime.timeline import STEP_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from barocast.export.cohort import Case
    from barocast.export.rows import Rows
    from barocast.runtime.manifest import AlarmPoint


def assess(
    p: NDArray[np.float64],
    quantiles: NDArray[np.float64],
    rows: Rows,
    cases: Sequence[Case],
    alarm: AlarmPoint,
) -> dict[str, Any]:
    """Give discrimination, calibration, forecast and alarm figures of these rows."""
    subjects = np.array([case.subject_id for case in cases])[rows.case]
    future, by_level = rows.future, np.moveaxis(quantiles, 1, 0)
    found = burden(risk_tracks(p, rows, cases, alarm.horizon_min), alarm.trigger, alarm.horizon_min * 60)
    return {
        "patients": len(np.unique(subjects)),
        "rows": len(rows),
        "risk": {str(h): _risk(p[:, c], rows.labels[:, c], subjects) for c, h in enumerate(HORIZONS_MIN)},
        "forecast": {
            "mae_mmhg": metrics.mean_absolute_error(future, by_level[1]),
            "crps_mmhg": metrics.crps(future, by_level),
            "coverage_80": metrics.coverage(future, by_level[0], by_level[2]),
        },
        "alarm": found.to_dict(),
    }


def risk_tracks(
    p: NDArray[np.float64], rows: Rows, cases: Sequence[Case], horizon_min: int
) -> list[RiskTrack]:
    """Give each case's risks of one horizon and its onsets, for the alarm layer."""
    risk = p[:, HORIZONS_MIN.index(horizon_min)]
    return [
        _track(cases[number], rows.at[rows.case == number], risk[rows.case == number])
        for number in np.unique(rows.case)
    ]


def _track(case: Case, at: NDArray[np.int32], risk: NDArray[np.float64]) -> RiskTrack:
    onsets = [event.start * STEP_S for event in find_events(case.map_mmhg, STEP_S)]
    return RiskTrack((at * STEP_S).astype(np.float64), risk, np.array(onsets))


def _risk(p: NDArray[np.float64], labels: NDArray[np.float32], subjects: NDArray[Any]) -> dict[str, Any]:
    known = np.isfinite(labels)
    y, p = labels[known].astype(np.float64), p[known]
    ranking = metrics.rank(y, p)

    def statistic(weights: NDArray[np.float64]) -> list[float]:
        drawn = metrics.calibration_line(y, p, weights)
        return [
            ranking.auroc(weights),
            ranking.auprc(weights),
            *drawn,
            metrics.observed_expected(y, p, weights),
            metrics.scaled_brier(y, p, weights),
        ]

    names = ("auroc", "auprc", "slope", "intercept", "observed_expected", "scaled_brier")
    with_intervals = zip(names, estimate(statistic, subjects[known]), strict=True)
    return {
        "prevalence": float(y.mean()),
        **{name: asdict(figure) for name, figure in with_intervals},
        "brier": metrics.brier(y, p),
        "ici": metrics.ici(y, p),
        "ece": metrics.ece(y, p),
    }
