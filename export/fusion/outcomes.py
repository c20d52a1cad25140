"""What else may happen within 15 minutes: four outcomes, their limits, and their labels.

In: a case's channels on the even grid, NaN = missing, and the columns at which a forecast is made. Out:
(n, len(OUTCOMES)) 1 where a new episode begins within HORIZON_S, 0 where none does, NaN where that cannot
be known: the channel does not exist, too little of it follows, or the patient is in such an episode now.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration.events import EventRule, find_events
from barocast.calibration.landmarks import HORIZONS_S, MIN_VALID_SHARE
from barocast.runtime.timeline import STEP_S

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from barocast.export.cohort import Case
    from barocast.export.rows import Rows

HORIZON_S: Final = HORIZONS_S[-1]


@dataclass(frozen=True, slots=True)
class Outcome:
    """An episode of one channel beyond a limit."""

    channel: str
    limit: float
    """In the channel's canonical unit."""
    lasting_s: float
    above: bool = False
    """Whether beyond means above."""


DEFINITIONS: Final[Mapping[str, Outcome]] = MappingProxyType(
    {
        "map_below_55": Outcome("ABP_MEAN", 55.0, 60.0),
        "hypoxaemia": Outcome("SPO2", 90.0, 120.0),
        "bradycardia": Outcome("HR", 50.0, 60.0),
        "tachycardia": Outcome("HR", 100.0, 60.0, above=True),
    }
)
"""MAP < 55 mmHg: the depth at which harm begins within minutes (Walsh et al., Anesthesiology 2013;119:507;
Salmasi et al., 2017;126:47). SpO2 < 90 % for two minutes: Ehrenfeld et al., Can J Anesth 2010;57:888. Heart
rate < 50 and > 100 / min: the adult limits of the ACC/AHA/HRS guidelines of 2018 (bradycardia) and 2015
(tachycardia). A minute, where the source names no time, is this project's choice, as for hypotension."""
OUTCOMES: Final = tuple(DEFINITIONS)


def outcome_labels(
    channels: Mapping[str, NDArray[np.float64]], at: NDArray[np.integer[Any]]
) -> NDArray[np.float32]:
    """Give (n, len(OUTCOMES)) for the columns `at` (n,) of channels on runtime.timeline's grid."""
    labels = np.full((at.size, len(OUTCOMES)), np.nan, dtype=np.float32)
    for column, outcome in enumerate(DEFINITIONS.values()):
        if outcome.channel in channels:
            labels[:, column] = _labels(channels[outcome.channel], at, outcome)
    return labels


def outcomes_of(cases: Sequence[Case], rows: Rows) -> NDArray[np.float32]:
    """Give the labels of rows made by export.rows.make_rows, from the channels that each row's case has."""
    labels = np.full((len(rows), len(OUTCOMES)), np.nan, dtype=np.float32)
    for number in np.unique(rows.case):
        of = rows.case == number
        labels[of] = outcome_labels(cases[number].channels, rows.at[of])
    return labels


def _labels(
    series: NDArray[np.float64], at: NDArray[np.integer[Any]], outcome: Outcome
) -> NDArray[np.float64]:
    sign = -1.0 if outcome.above else 1.0
    rule = EventRule(below_mmhg=sign * outcome.limit, lasting_s=outcome.lasting_s)
    begun, inside = np.zeros(series.size + 1), np.zeros(series.size + 1, dtype=np.bool_)
    for event in find_events(sign * series, STEP_S, rule):
        begun[event.start + 1] = 1
        inside[event.start : event.stop] = True
    onsets, valid = np.cumsum(begun), np.concatenate(([0], np.cumsum(np.isfinite(series))))
    ahead = round(HORIZON_S / STEP_S)
    stop = np.minimum(at + 1 + ahead, series.size)
    followed = (valid[stop] - valid[at + 1]) / ahead >= MIN_VALID_SHARE
    labels = np.where(followed, 0.0, np.nan)
    labels[onsets[stop] > onsets[at + 1]] = 1.0
    labels[inside[at]] = np.nan
    return labels
