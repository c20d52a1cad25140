"""The alarm layer on judged rows: the shipped operating point, every other threshold, and the leads.

In: Judged rows and the bundle's trigger rules. Out: plain values. Alarms are counted as the bedside would
raise them on eligible landmarks (calibration.alarm_burden); the bedside's hourly budget and its expiry only
make it quieter.
"""

from __future__ import annotations

from dataclasses import asdict
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration.alarm_burden import Burden, burden, sweep
from barocast.calibration.bootstrap import estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from barocast.calibration.judged import Judged
    from barocast.calibration.trigger import TriggerRules

_RATES: Final = MappingProxyType(
    {
        "event_sensitivity": ("detected", "events"),
        "sensitivity_lead_5min": ("detected_early", "events"),
        "alarms_per_hour": ("alarms", "hours"),
        "false_alarms_per_hour": ("false_alarms", "hours"),
        "ppv": ("true_alarms", "alarms"),
        "time_in_alarm": ("active_hours", "hours"),
    }
)
"""Rate -> the counts that it divides."""
_COUNTED: Final = tuple(sorted({name for pair in _RATES.values() for name in pair}))


def figures(judged: Judged, rules: TriggerRules, horizon_min: int, column: int, draws: int) -> dict[str, Any]:
    """Give the figures at the shipped point with intervals, the sweep, and every lead in minutes."""
    tracks = judged.tracks(judged.p, column)
    by_case = [burden([track], rules, horizon_min * 60) for track in tracks]
    shipped = burden(tracks, rules, horizon_min * 60)
    return {
        "horizon_min": horizon_min,
        "rules": asdict(rules),
        "shipped": shipped.to_dict() | {"detected": shipped.detected} | _intervals(judged, by_case, draws),
        "leads_min": [lead / 60 for lead in shipped.leads_s],
        "all_onsets": int(sum(track.onsets_s.size for track in tracks)),
        "sweep": [
            {"p_on": point.p_on, **found.to_dict()} for point, found in sweep(tracks, rules, horizon_min * 60)
        ],
    }


def _intervals(judged: Judged, by_case: list[Burden], draws: int) -> dict[str, Any]:
    """Give the intervals of sensitivity and rates: patients are drawn, never single alarms."""
    counts = np.array([[_counts(one)[name] for name in _COUNTED] for one in by_case], dtype=np.float64)
    subjects = np.array([case.subject_id for case in judged.cases])

    def statistic(weights: NDArray[np.float64]) -> list[float]:
        total = dict(zip(_COUNTED, weights @ counts, strict=True))
        return [_share(total, *pair) for pair in _RATES.values()]

    found = estimate(statistic, subjects, draws=draws)
    return {f"{name}_interval": asdict(one) for name, one in zip(_RATES, found, strict=True)}


def _counts(found: Burden) -> dict[str, float]:
    return asdict(found) | {"true_alarms": found.alarms - found.false_alarms}


def _share(total: dict[str, float], part: str, whole: str) -> float:
    return total[part] / total[whole] if total[whole] else float("nan")
