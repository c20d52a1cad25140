"""The treatment paradox: a fall that was treated in time looks like a false alarm.

Nobody wrote down the pressors. What the series does show is a pressure that rises by RISE_MMHG or more
within WITHIN_S of an alarm: somebody may have acted. In: Judged rows and the trigger's rules. Out: how many
alarms that concerns, and PPV and false alarms per hour without the false ones among them, and without any of
them, true or false: the first can only flatter, the second treats both alike. It is a sensitivity analysis,
not a correction: a pressure also rises by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration.alarm_burden import alarm_times
from barocast.calibration.landmarks import CURRENT_S, EVERY_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from barocast.calibration.alarm_burden import RiskTrack
    from barocast.calibration.judged import Judged, JudgedCase
    from barocast.calibration.trigger import TriggerRules

RISE_MMHG: Final = 10.0
WITHIN_S: Final = 300.0


def figures(judged: Judged, rules: TriggerRules, column: int, horizon_s: float) -> dict[str, Any]:
    """Give the alarm figures with and without alarms that a sudden rise followed."""
    tracks = judged.tracks(judged.p, column)
    alarms = [
        (_true(track, t_s, horizon_s), _rose(case, t_s))
        for case, track in zip(judged.cases, tracks, strict=True)
        for t_s in alarm_times(track, rules)
    ]
    hours = sum(track.t_s.size for track in tracks) * EVERY_S / 3600
    true = sum(hit for hit, _ in alarms)
    risen = sum(rise and not hit for hit, rise in alarms)
    true_risen = sum(rise and hit for hit, rise in alarms)
    false = len(alarms) - true
    return {
        "rise_mmhg": RISE_MMHG,
        "within_min": WITHIN_S / 60,
        "alarms": len(alarms),
        "false_alarms": false,
        "false_then_risen": risen,
        "true_then_risen": true_risen,
        "ppv": _share(true, len(alarms)),
        "ppv_without_them": _share(true, len(alarms) - risen),
        "ppv_without_any_risen": _share(true - true_risen, len(alarms) - risen - true_risen),
        "false_alarms_per_hour": _share(false, hours),
        "false_alarms_per_hour_without_them": _share(false - risen, hours),
    }


def _true(track: RiskTrack, t_s: float, horizon_s: float) -> bool:
    return bool(((track.onsets_s > t_s) & (track.onsets_s <= t_s + horizon_s)).any())


def _rose(case: JudgedCase, t_s: float) -> bool:
    """Whether MAP was RISE_MMHG above that of the alarm for 30 s on end within WITHIN_S."""
    now = round(t_s / case.step_s)
    back, ahead = round(CURRENT_S / case.step_s), round(WITHIN_S / case.step_s)
    before = _mean(case.map_mmhg[now + 1 - back : now + 1])
    later = list(_means(case.map_mmhg[now + 1 : now + 1 + ahead], back))
    return bool(later) and max(later) - before >= RISE_MMHG


def _means(values: NDArray[np.float64], size: int) -> Iterator[float]:
    means = (_mean(values[start : start + size]) for start in range(values.size - size + 1))
    return (mean for mean in means if np.isfinite(mean))


def _mean(values: NDArray[np.float64]) -> float:
    seen = values[np.isfinite(values)]
    return float(seen.mean()) if seen.size else float("nan")


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
