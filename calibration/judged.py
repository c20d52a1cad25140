"""Forecasts beside what really followed: the rows that every figure of a validation is made of.

One row is one eligible landmark of one case (calibration.landmarks). `p` is NaN where the pipeline gave no
forecast: such rows count against its coverage and are left out of everything else. Rows of one case lie
together, in order of time, and cases keep their order.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from barocast.calibration.alarm_burden import RiskTrack
from barocast.calibration.events import find_events

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class JudgedCase:
    """One operation as the report knows it."""

    case_id: str
    subject_id: str
    map_mmhg: NDArray[np.float64]
    """(m,) the whole case on an even grid, NaN where missing."""
    step_s: float
    groups: Mapping[str, str] = field(default_factory=dict)
    """Subgroup -> level: {"sex": "F", "age": "65 to 74", ...}; what is unknown has no entry."""

    @property
    def onsets_s(self) -> NDArray[np.float64]:
        """Seconds of the case's events."""
        return np.array([event.start * self.step_s for event in find_events(self.map_mmhg, self.step_s)])


@dataclass(frozen=True, slots=True)
class Judged:
    """Rows of many cases, n in all."""

    cases: tuple[JudgedCase, ...]
    case: NDArray[np.intp]
    """(n,) index into `cases`."""
    at: NDArray[np.intp]
    """(n,) column of the case's grid."""
    labels: NDArray[np.float64]
    """(n, horizon) 1, 0, or NaN where it is unknown."""
    p: NDArray[np.float64]
    """(n, horizon) calibrated risk, never falling along the horizons; NaN without a forecast."""
    quantiles: NDArray[np.float64]
    """(n, 3, step) mmHg; NaN without a forecast."""
    future: NDArray[np.float64]
    """(n, step) mean MAP of each step ahead, mmHg, NaN where missing."""
    now: NDArray[np.float64]
    """(n,) current MAP, mmHg: the last value as a forecast."""
    others: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    """Name -> (n, horizon) of another score on the same rows; higher is riskier, NaN where it has none."""

    def __len__(self) -> int:
        return self.case.size

    @property
    def subjects(self) -> NDArray[np.str_]:
        """(n,) subject of each row: what a bootstrap draws."""
        return np.array([case.subject_id for case in self.cases], dtype=np.str_)[self.case]

    @property
    def t_s(self) -> NDArray[np.float64]:
        """(n,) seconds of the case."""
        return np.asarray(self.at * np.array([case.step_s for case in self.cases])[self.case])

    @property
    def answered(self) -> NDArray[np.bool_]:
        """(n,) where there is a forecast."""
        return np.isfinite(self.p[:, 0])

    def take(self, rows: NDArray[np.bool_]) -> Judged:
        """Give some of the rows; cases keep their numbers."""
        arrays = ("case", "at", "labels", "p", "quantiles", "future", "now")
        others = {name: scores[rows] for name, scores in self.others.items()}
        return replace(self, **{name: getattr(self, name)[rows] for name in arrays}, others=others)

    def of_cases(self, wanted: NDArray[np.bool_]) -> Judged:
        """Give the rows of the wanted cases, (cases,), and those cases only."""
        kept = self.take(wanted[self.case])
        number = np.cumsum(wanted) - 1
        cases = tuple(case for case, want in zip(self.cases, wanted, strict=True) if want)
        return replace(kept, cases=cases, case=number[kept.case])

    def in_group(self, group: str, level: str) -> Judged:
        """Give the rows of the cases at one level of a subgroup."""
        return self.of_cases(
            np.array([case.groups.get(group) == level for case in self.cases], dtype=np.bool_)
        )

    def levels(self, group: str) -> list[str]:
        """Give the levels of a subgroup that occur, sorted."""
        return sorted({case.groups[group] for case in self.cases if group in case.groups})

    def tracks(self, scores: NDArray[np.float64], column: int) -> list[RiskTrack]:
        """Give each case's scores (n, horizon) of one horizon with its onsets, for the alarm layer."""
        rows = [
            np.flatnonzero((self.case == number) & np.isfinite(scores[:, column]))
            for number in range(len(self.cases))
        ]
        return [
            RiskTrack(
                np.asarray(self.at[of] * case.step_s, dtype=np.float64), scores[of, column], case.onsets_s
            )
            for case, of in zip(self.cases, rows, strict=True)
        ]
