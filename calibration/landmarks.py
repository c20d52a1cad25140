"""The moments at which a forecast is judged, and what was true of each.

In: MAP on an even grid, mmHg, NaN = missing (values outside 20-200 mmHg already NaN). Out: the
eligible landmarks and their labels at 5, 10 and 15 min, as evaluation by landmarks defines them:
no grey zone is removed, every eligible moment counts. A label is 1, 0, or NaN where it is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration.events import HYPOTENSION, find_events

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from barocast.calibration.events import Span

HORIZONS_S: Final = (300.0, 600.0, 900.0)
EVERY_S: Final = 30.0
LOOK_BACK_S: Final = 900.0
CURRENT_S: Final = 30.0
MIN_VALID_SHARE: Final = 0.70
QUIET_S: Final = 120.0
"""No landmark until this long after an event."""
ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Moments of one case, in order."""

    at: NDArray[np.intp]
    """(n,) column of the grid; the forecast may look at this column and those before it."""
    labels: NDArray[np.float64]
    """(n, horizon) 1 an onset within the horizon, 0 none, NaN unknown."""


def find_landmarks(map_mmhg: NDArray[np.floating[Any]], step_s: float) -> Landmarks:
    """Give the eligible landmarks of a case (n,): not in an event, nor soon after one."""
    events = find_events(map_mmhg, step_s)
    at = _candidates(map_mmhg, step_s)
    current = _current(map_mmhg, at, step_s)
    free = ~_near_event(map_mmhg.size, events, step_s)[at]
    at = at[free & (current >= HYPOTENSION.below_mmhg)]
    return Landmarks(at, _labels(map_mmhg, at, events, step_s))


def find_all_windows(map_mmhg: NDArray[np.floating[Any]], step_s: float) -> Landmarks:
    """Give every moment with enough history, hypotensive ones included: reported apart, never mixed in.

    A moment inside an event counts as positive, so this set mixes detection with prediction.
    """
    events = find_events(map_mmhg, step_s)
    at = _candidates(map_mmhg, step_s)
    labels = _labels(map_mmhg, at, events, step_s)
    labels[_inside(map_mmhg.size, events)[at]] = 1.0
    return Landmarks(at, labels)


def _candidates(map_mmhg: NDArray[np.floating[Any]], step_s: float) -> NDArray[np.intp]:
    """15 min of the case have passed, and enough of them is valid."""
    back, every = round(LOOK_BACK_S / step_s), round(EVERY_S / step_s)
    at = np.arange(0, map_mmhg.size, every)
    at = at[at >= back]
    count = _running(np.isfinite(map_mmhg))
    share = (count[at + 1] - count[at + 1 - back]) / back
    return at[share >= MIN_VALID_SHARE - ROUNDING]


def _current(map_mmhg: NDArray[np.floating[Any]], at: NDArray[np.intp], step_s: float) -> NDArray[np.float64]:
    """Mean of the valid samples of the last 30 s; NaN without any."""
    back = round(CURRENT_S / step_s)
    count, total = _running(np.isfinite(map_mmhg)), _running(np.nan_to_num(map_mmhg))
    seen = count[at + 1] - count[at + 1 - back]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((total[at + 1] - total[at + 1 - back]) / seen)


def _near_event(size: int, events: list[Span], step_s: float) -> NDArray[np.bool_]:
    near = np.zeros(size, dtype=np.bool_)
    for event in events:
        near[event.start : event.stop + round(QUIET_S / step_s)] = True
    return near


def _inside(size: int, events: list[Span]) -> NDArray[np.bool_]:
    inside = np.zeros(size, dtype=np.bool_)
    for event in events:
        inside[event.start : event.stop] = True
    return inside


def _labels(
    map_mmhg: NDArray[np.floating[Any]], at: NDArray[np.intp], events: list[Span], step_s: float
) -> NDArray[np.float64]:
    onset = np.zeros(map_mmhg.size)
    onset[[event.start for event in events]] = 1
    onsets, valid = _running(onset), _running(np.isfinite(map_mmhg))
    labels = np.full((at.size, len(HORIZONS_S)), np.nan)
    for column, horizon_s in enumerate(HORIZONS_S):
        ahead = round(horizon_s / step_s)
        stop = np.minimum(at + 1 + ahead, map_mmhg.size)
        share = (valid[stop] - valid[at + 1]) / ahead
        labels[share >= MIN_VALID_SHARE - ROUNDING, column] = 0.0
        labels[onsets[stop] > onsets[at + 1], column] = 1.0
    return labels


def _running(values: NDArray[Any]) -> NDArray[np.float64]:
    """Give the running sum r with a 0 in front: the sum of [i, j) is r[j] - r[i]."""
    return np.concatenate(([0.0], np.cumsum(values, dtype=np.float64)))
