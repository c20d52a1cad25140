"""The course of a case: the MAP that was seen, what was said of it, and the alarms, on one axis.

    Journal.take(line)     one line of a decision log, of an alarm log or of a case file (wire contract)
    Journal.course()       -> Course, frozen: what trend, verdicts and summary are made of

Live bed, decision log and case file go through this one door. `at_s` of a line is its place on the case's
axis, seconds; a decision without one lies at its own `t_s`. Bounded: a day of columns, one decision a column,
and MOST_MARKS transitions; older ones are forgotten, the tallies are of the whole case. Columns and decisions
lie in arrays (kept_columns), which a live bed takes for a whole day at once.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.runtime.alarm.facts import FORECAST, FREQUENT
from barocast.runtime.domain import HORIZONS_MIN
from barocast.runtime.kept_columns import KeptColumns
from barocast.runtime.pipeline import NO_DATA
from barocast.runtime.timeline import CASE_LIMIT_STEPS, STEP_S

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

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
FORECAST_STATE: Final = "forecast"
UNMEASURED: Final = np.array(math.nan)
UNSAID: Final = np.array(
    (math.nan, "", "", "", math.nan, math.nan),
    dtype=[
        ("t_s", np.float64),
        ("state", object),
        ("reason", object),
        ("alarm", object),
        ("risk", np.float64, (len(HORIZONS_MIN),)),
        ("fan", np.float64, (len(HORIZONS_MIN), len(QUANTILES))),
    ],
)
"""A column in which nothing was decided; the fields are those of Said, their words shared (_word)."""
UNMARKED: Final = np.array(
    (math.nan, *[""] * len(WORDS)), dtype=[("t_s", np.float64), *((name, object) for name in WORDS)]
)
"""No mark; the fields are those of Mark, NaN for a time that nobody knows."""


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


@dataclass(frozen=True)
class Course:
    """A case up to a moment."""

    first: int
    """Column of `map_mmhg[0]`; column i ends at i * STEP_S on the case's axis."""
    map_mmhg: Floats
    """(n,) mean MAP of each column, NaN where nothing was measured."""
    decided: NDArray[Any] = field(default_factory=lambda: np.full(0, UNSAID))
    """(m,) decisions as a Journal keeps them, a row a column, UNSAID where there was none."""
    noted: NDArray[Any] = field(default_factory=lambda: np.full(0, UNMARKED))
    """(k,) lines of the alarm log, likewise."""
    tally: Tally = field(default_factory=Tally)
    dated: tuple[float, str] | None = None
    """A place on the axis and its wall time, ISO 8601; None where no line told one."""

    @cached_property
    def said(self) -> tuple[Said, ...]:
        """Every decision, in order."""
        return tuple(_restored(row) for row in self.decided[np.isfinite(self.decided["t_s"])])

    @cached_property
    def marks(self) -> tuple[Mark, ...]:
        """Every line of the alarm log, in order."""
        rows = zip(self.noted["t_s"].tolist(), self.noted[list(WORDS)].tolist(), strict=True)
        return tuple(Mark(None if math.isnan(t_s) else t_s, *words) for t_s, words in rows)

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
        technical = [condition not in PATIENT_ALARMS for condition in self.noted["condition"]]
        noted = self.noted[np.array(technical, dtype=bool)]
        return replace(self, decided=self.decided[:0], noted=noted, tally=replace(self.tally, alarmed=0))


class Journal:
    """Keeps a course while it grows."""

    def __init__(self) -> None:
        self._columns = KeptColumns(UNMEASURED, CASE_LIMIT_STEPS)
        self._said = KeptColumns(UNSAID, CASE_LIMIT_STEPS)
        self._marks = KeptColumns(UNMARKED, MOST_MARKS, 0)
        self._states: Counter[str] = Counter()
        self._alarmed = 0
        self._bundles: dict[str, None] = {}
        self._dated: tuple[float, str] | None = None

    def reserve(self) -> None:
        """Take the memory of a whole day at once, so that it does not grow with the case."""
        self._columns.reserve()
        self._said.reserve()
        self._marks.reserve()

    @property
    def empty(self) -> bool:
        """Whether no decision has been written down."""
        return not self._states

    def take(self, line: Mapping[str, Any]) -> None:
        """Write down one line; what is no decision and no alarm row passes by.

        Raises KeyError, TypeError or ValueError where the line is not whole.
        """
        if "log" in line:
            self._mark(line["log"], line.get("at_s"))
        elif "state" in line:
            self._decided(line)

    def course(self) -> Course:
        """Give the course so far."""
        first, grid = self._columns.newest()
        (_, decided), (_, noted) = self._said.newest(), self._marks.newest()
        tally = Tally(dict(self._states), self._alarmed, tuple(self._bundles))
        return Course(first, grid, decided, noted, tally, self._dated)

    def _date(self, at_s: float | None, wall: str | None) -> None:
        if self._dated is None and at_s is not None and wall is not None:
            self._dated = at_s, wall

    def _mark(self, row: Mapping[str, Any], at_s: float | None) -> None:
        told = (math.nan if at_s is None else float(at_s), *(_word(row[name]) for name in WORDS))
        self._marks.reach(self._marks.stop + 1)
        self._marks.rows[-1] = told
        self._date(at_s, row.get("wall"))

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

    def _place(self, said: Said, mmhg: list[float]) -> None:
        column = math.floor(said.t_s / STEP_S)
        self._say(said, column)
        self._measure(mmhg, column + 1 - len(mmhg))

    def _say(self, said: Said, column: int) -> None:
        """Put a decision into its column; what was told there, or later, was a silence in its place."""
        if column < self._said.first:
            self._said.begin(column)
        self._said.reach(column)
        self._said.reach(column + 1)
        rows = self._said.rows[column - self._said.first :]
        rows[:] = UNSAID
        rows[0] = (said.t_s, said.state, said.reason, said.alarm, said.risk or math.nan, said.fan or math.nan)

    def _measure(self, mmhg: list[float], first: int) -> None:
        """Put a run of columns into the grid; what lies before the first that is kept has no place."""
        if not mmhg:
            return
        self._columns.reach(first)
        self._columns.reach(first + len(mmhg))
        new = mmhg[max(self._columns.first - first, 0) :]
        place = first + len(mmhg) - len(new) - self._columns.first
        self._columns.rows[place : place + len(new)] = new


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
    state, reason, alarm = _word(line["state"]), _word(line["reason"]), _word(line["alarm"])
    if state != FORECAST_STATE:
        return Said(t_s, state, reason, alarm)
    risk = tuple(float(line["risk"][str(minutes)]) for minutes in HORIZONS_MIN)
    curves = line["map"]
    fan = np.array([np.interp(HORIZONS_MIN, curves["minutes"], curves[name]) for name in QUANTILES])
    return Said(t_s, state, None, alarm, risk, tuple(map(tuple, fan.T.tolist())))


def _word(value: object) -> str:
    """Give a text as the one copy that all share: most are of a few kinds, and each decision has one."""
    return sys.intern(str(value))


def _restored(row: NDArray[Any]) -> Said:
    fields: list[Any] = [row[name] for name in ("state", "reason", "alarm", "risk", "fan")]
    t_s, (state, reason, alarm, risk, fan) = row["t_s"].item(), fields
    if state != FORECAST_STATE:
        return Said(t_s, state, reason, alarm)
    return Said(t_s, state, None, alarm, tuple(risk.tolist()), tuple(map(tuple, fan.tolist())))
