"""The course of a case: the MAP that was seen, what was said of it, and the alarms, on one axis.

    Journal.take(line)     one line of a decision log, of an alarm log or of a case file (wire contract)
    Journal.course()       -> Course, frozen: what trend, verdicts and summary are made of

Live bed, decision log and case file go through this one door. `at_s` of a line is its place on the case's
axis, seconds; a decision without one lies at its own `t_s`. Bounded: a day of columns, one decision a column,
and MOST_MARKS transitions; older ones are forgotten, the tallies are of the whole case.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.runtime.alarm.facts import FORECAST, FREQUENT
from barocast.runtime.domain import HORIZONS_MIN
from barocast.runtime.pipeline import NO_DATA
from barocast.runtime.timeline import CASE_LIMIT_STEPS, STEP_S

if TYPE_CHECKING:
    from collections.abc import Mapping

    from barocast.runtime.domain import Floats

MOST_MARKS: Final = 2000
"""Alarm transitions kept: a flood of 10 in 10 minutes, its raising and its clearing, for a whole day."""
MOST_REASONS: Final = 32
"""Kinds of abstention told apart; there are about ten."""
PATIENT_ALARMS: Final = frozenset({FORECAST, FREQUENT})
"""Alarm conditions about the patient."""
WORDS: Final = ("transition", "condition", "source", "priority", "reason")
"""Of an alarm row, what a course keeps."""
QUANTILES: Final = ("q10", "q50", "q90")


@dataclass(frozen=True, slots=True)
class Said:
    """A decision without its curves."""

    t_s: float
    """Seconds on the case's axis."""
    state: str
    """`forecast`, `abstain` or `fault`."""
    reason: str | None
    alarm: str
    """The contract's word."""
    risk: tuple[float, ...] = ()
    """At HORIZONS_MIN; empty without a forecast."""
    fan: tuple[tuple[float, ...], ...] = ()
    """(horizon, quantile) mmHg, at HORIZONS_MIN; empty without a forecast."""

    @property
    def silent(self) -> bool:
        """Whether it only says that nothing came: the next decision takes its place."""
        return self.reason is not None and self.reason.startswith(NO_DATA)


@dataclass(frozen=True, slots=True)
class Mark:
    """One line of the alarm log."""

    t_s: float | None
    """Seconds on the case's axis; None where nobody can place it."""
    wall: str | None
    transition: str
    condition: str
    source: str
    priority: str
    reason: str


@dataclass(frozen=True, slots=True)
class Tally:
    """Of the whole case, however long."""

    states: Mapping[str, int] = field(default_factory=dict)
    """`forecast`, `fault` or the kind of the abstention -> decisions."""
    alarmed: int = 0
    """Decisions at which an alarm about the patient stood."""
    bundles: tuple[str, ...] = ()

    @property
    def decisions(self) -> int:
        """How many there were."""
        return sum(self.states.values())


@dataclass(frozen=True, slots=True)
class Course:
    """A case up to a moment."""

    first: int
    """Column of `map_mmhg[0]`; column i ends at i * STEP_S on the case's axis."""
    map_mmhg: Floats
    """(n,) mean MAP of each column, NaN where nothing was measured."""
    said: tuple[Said, ...] = ()
    marks: tuple[Mark, ...] = ()
    tally: Tally = field(default_factory=Tally)
    dated: tuple[float, str] | None = None
    """A place on the axis and its wall time, ISO 8601; None where no line told one."""

    @property
    def start_wall(self) -> str | None:
        """Wall time of `start_s`."""
        if self.dated is None:
            return None
        at_s, wall = self.dated
        then = moment(wall)
        if then is None:
            return None
        return (then - timedelta(seconds=at_s - self.start_s)).isoformat(timespec="seconds")

    @property
    def start_s(self) -> float:
        """Seconds on the case's axis of the first column: the page's own zero."""
        return self.first * STEP_S

    def without_forecasts(self) -> Course:
        """Give what may be seen in a silent trial: the pressure, and what concerns the equipment."""
        technical = tuple(mark for mark in self.marks if mark.condition not in PATIENT_ALARMS)
        return replace(self, said=(), marks=technical, tally=replace(self.tally, alarmed=0))


class Journal:
    """Keeps a course while it grows."""

    def __init__(self) -> None:
        self._columns: dict[int, float] = {}
        self._said: deque[Said] = deque()
        self._marks: deque[Mark] = deque(maxlen=MOST_MARKS)
        self._states: Counter[str] = Counter()
        self._alarmed = 0
        self._bundles: dict[str, None] = {}
        self._dated: tuple[float, str] | None = None

    @property
    def empty(self) -> bool:
        """Whether no decision has been written down."""
        return not self._states

    def take(self, line: Mapping[str, Any]) -> None:
        """Write down one line; what is no decision and no alarm row passes by.

        Raises KeyError, TypeError or ValueError where the line is not whole.
        """
        if "log" in line:
            mark = _mark(line["log"], line.get("at_s"))
            self._marks.append(mark)
            self._date(mark.t_s, mark.wall)
        elif "state" in line:
            self._decided(line)

    def course(self) -> Course:
        """Give the course so far."""
        last = max(self._columns, default=-1)
        first = max(min(self._columns, default=0), last + 1 - CASE_LIMIT_STEPS)
        grid = np.array([self._columns.get(column, np.nan) for column in range(first, last + 1)])
        tally = Tally(dict(self._states), self._alarmed, tuple(self._bundles))
        return Course(first, grid, tuple(self._said), tuple(self._marks), tally, self._dated)

    def _date(self, at_s: float | None, wall: str | None) -> None:
        if self._dated is None and at_s is not None and wall is not None:
            self._dated = at_s, wall

    def _decided(self, line: Mapping[str, Any]) -> None:
        said = _said(line)
        columns = [math.nan if mmhg is None else float(mmhg) for mmhg in line["map_10s"]]
        kind = (said.reason or said.state).split(":")[0]
        self._states[kind if kind in self._states or len(self._states) < MOST_REASONS else "other"] += 1
        self._alarmed += said.alarm != "none"
        self._bundles[str(line["bundle"])] = None
        if math.isfinite(said.t_s):
            self._place(said, columns)
            self._date(said.t_s, line.get("wall"))

    def _place(self, said: Said, columns: list[float]) -> None:
        column = math.floor(said.t_s / STEP_S)
        while self._said and (self._said[-1].t_s >= said.t_s or self._in(self._said[-1], column)):
            self._said.pop()  # a silence that was told in this one's place, or an earlier one of the column
        self._said.append(said)
        while len(self._said) > 1 and self._said[0].t_s <= (column - CASE_LIMIT_STEPS) * STEP_S:
            self._said.popleft()
        first = column + 1 - len(columns)
        self._columns |= {first + place: mmhg for place, mmhg in enumerate(columns)}
        while self._columns and (oldest := next(iter(self._columns))) <= column - CASE_LIMIT_STEPS:
            del self._columns[oldest]

    @staticmethod
    def _in(said: Said, column: int) -> bool:
        return math.floor(said.t_s / STEP_S) == column


def moment(wall: str) -> datetime | None:
    """Read a wall time; None where it is none, or does not say its zone."""
    try:
        then = datetime.fromisoformat(wall)
    except ValueError:
        return None
    return then if then.tzinfo else None


def _said(line: Mapping[str, Any]) -> Said:
    at_s = line.get("at_s", line["t_s"])
    t_s = math.nan if at_s is None else float(at_s)
    state, reason, alarm = str(line["state"]), line["reason"], str(line["alarm"])
    if state != "forecast":
        return Said(t_s, state, str(reason), alarm)
    risk = tuple(float(line["risk"][str(minutes)]) for minutes in HORIZONS_MIN)
    curves = line["map"]
    fan = np.array([np.interp(HORIZONS_MIN, curves["minutes"], curves[name]) for name in QUANTILES])
    return Said(t_s, state, None, alarm, risk, tuple(map(tuple, fan.T.tolist())))


def _mark(row: Mapping[str, Any], at_s: float | None) -> Mark:
    transition, condition, source, priority, reason = (str(row[name]) for name in WORDS)
    return Mark(at_s, row.get("wall"), transition, condition, source, priority, reason)
