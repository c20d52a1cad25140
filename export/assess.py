"""The figures of a bundle on patients it never saw: what the model card and the run record state.

In: calibrated risks, MAP quantiles, rows and cases of one role. Out: plain values, with intervals from
a bootstrap over patients where a figure has one.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration.alarm_burden import RiskTrack, burden
from barocast.calibration.bootstrap import draw_patients, intervals
from barocast.calibration.events import find_events
from barocast.calibration.panel import forecast_draws, risk_draws
from barocast.runtime.domain import HORIZONS_MIN
from barocast.runtime.timeline import STEP_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from barocast.export.cohort import Case
    from barocast.export.rows import Rows
    from barocast.runtime.manifest import AlarmPoint

WITH_INTERVALS: Final = ("auroc", "auprc", "slope", "intercept", "observed_expected", "scaled_brier")
PLAIN: Final = ("prevalence", "brier", "ici", "ece")
FORECAST: Final = ("mae_mmhg", "crps_mmhg", "coverage_80")


def assess(
    p: NDArray[np.float64],
    quantiles: NDArray[np.float64],
    rows: Rows,
    cases: Sequence[Case],
    alarm: AlarmPoint,
) -> dict[str, Any]:
    """Give discrimination, calibration, forecast and alarm figures of these rows."""
    subjects = np.array([case.subject_id for case in cases])[rows.case]
    forecast = forecast_draws(rows.future, np.moveaxis(quantiles, 1, 0), draw_patients(subjects, draws=0))
    found = burden(risk_tracks(p, rows, cases, alarm.horizon_min), alarm.trigger, alarm.horizon_min * 60)
    return {
        "patients": len(np.unique(subjects)),
        "rows": len(rows),
        "risk": {str(h): _risk(p[:, c], rows.labels[:, c], subjects) for c, h in enumerate(HORIZONS_MIN)},
        "forecast": {name: float(forecast[name][0]) for name in FORECAST},
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
    y = labels[known].astype(np.float64)
    found = intervals(risk_draws(y, p[known], draw_patients(subjects[known])))
    return {name: found[name].value for name in PLAIN} | {
        name: asdict(found[name]) for name in WITH_INTERVALS
    }
