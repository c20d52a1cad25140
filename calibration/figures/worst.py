"""The ten worst cases, whole: where the forecast was most sure and most wrong.

In: Judged rows. Out: for each, the whole MAP series, the risks and the alarms, for a picture:
no mean can hide what a single case shows. These are patients' own series; a report that holds them stays in
the house.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration.alarm_burden import alarm_times
from barocast.calibration.reliability import log_losses

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from barocast.calibration.judged import Judged
    from barocast.calibration.trigger import TriggerRules

WORST: Final = 10


def figures(judged: Judged, rules: TriggerRules, column: int) -> list[dict[str, Any]]:
    """Give the WORST cases by mean log loss of one horizon, the worst first."""
    loss = _log_loss(judged, column)
    by_case = np.array([_mean(loss[judged.case == number]) for number in range(len(judged.cases))])
    ranked = np.argsort(np.where(np.isfinite(by_case), -by_case, np.inf), kind="stable")[:WORST]
    tracks = judged.tracks(judged.p, column)
    return [
        {
            "case_id": judged.cases[number].case_id,
            "log_loss": float(by_case[number]),
            "step_s": judged.cases[number].step_s,
            "map_mmhg": judged.cases[number].map_mmhg.tolist(),
            "onsets_s": tracks[number].onsets_s.tolist(),
            "t_s": tracks[number].t_s.tolist(),
            "p": tracks[number].p.tolist(),
            "alarms_s": alarm_times(tracks[number], rules),
        }
        for number in ranked.tolist()
        if np.isfinite(by_case[number])
    ]


def _log_loss(judged: Judged, column: int) -> NDArray[np.float64]:
    labels = judged.labels[:, column]
    return np.where(np.isnan(labels), np.nan, log_losses(labels, judged.p[:, column]))


def _mean(loss: NDArray[np.float64]) -> float:
    known = loss[np.isfinite(loss)]
    return float(known.mean()) if known.size else float("nan")
