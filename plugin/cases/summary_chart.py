"""The picture of a summary page: MAP with its events, the forecast risk below it, alarm marks, and coverage.

    chart(facts, judgement) -> str      one <svg>: shapes by class (the page has the colours), our own words

Drawn by hand: the bedside box carries no plotting library. Units are those of the viewBox. A gap in the MAP
or in the forecasts stays a gap. A long case is drawn by the lowest and the highest of each stretch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.calibration.events import HYPOTENSION
from barocast.plugin.cases.verdicts import Fate
from barocast.runtime.domain import HORIZONS_MIN
from barocast.runtime.timeline import STEP_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from barocast.plugin.cases.facts import CaseFacts
    from barocast.plugin.cases.verdicts import Judgement
    from barocast.runtime.domain import Floats

WIDTH, HEIGHT = 760.0, 330.0
LEFT, RIGHT = 34.0, 746.0
MARKS_Y, MAP_TOP, MAP_FOOT = 9.0, 32.0, 200.0
RISK_TOP, RISK_FOOT = 224.0, 290.0
COVER_TOP, COVER_FOOT = 296.0, 302.0
USUAL_MMHG: Final = (40.0, 120.0)
"""The MAP axis; it grows by steps of STEP_MMHG to what was measured."""
STEP_MMHG: Final = 20
MOST_MMHG: Final = (0.0, 240.0)
"""Beyond it no pressure is measured: a log may hold anything."""
MOST_STRETCHES: Final = 500
"""More than a printer shows over this width."""
TICKS_MIN: Final = (5, 10, 15, 30, 60, 120, 240)
MOST_TICKS: Final = 13
GAP_DECISIONS: Final = 2.5
"""Of the usual distance between decisions: further apart, no line joins them."""
MARK_CLASSES: Final = {Fate.FOLLOWED: "followed", Fate.NOT_FOLLOWED: "unfollowed"}
"""Every other fate is drawn as `open`."""


@dataclass(frozen=True, slots=True)
class _Scale:
    seconds: float
    low: float
    high: float

    def x(self, t_s: float) -> float:
        share = min(max(t_s / self.seconds, 0.0), 1.0) if self.seconds else 0.0
        return LEFT + share * (RIGHT - LEFT)

    def y(self, mmhg: float) -> float:
        share = (min(max(mmhg, self.low), self.high) - self.low) / (self.high - self.low)
        return MAP_FOOT - share * (MAP_FOOT - MAP_TOP)

    @staticmethod
    def risk(p: float) -> float:
        return RISK_FOOT - p * (RISK_FOOT - RISK_TOP)


def chart(facts: CaseFacts, judgement: Judgement) -> str:
    """Draw a case."""
    grid = facts.course.map_mmhg
    scale = _Scale(max(grid.size * STEP_S, STEP_S), *_span(grid))
    parts = (
        *_axes(scale),
        *(_band(scale, fall.start_s, fall.end_s) for fall in judgement.falls),
        *_pressure(scale, grid),
        *_risk(scale, facts),
        *_coverage(scale, facts),
        *_alarms(scale, judgement),
        _text(LEFT, MAP_TOP - 5, "MAP, mmHg", "name"),
        _text(LEFT, RISK_TOP - 5, f"risk of an onset within {facts.about.horizon_min} min", "name"),
    )
    told = "Mean arterial pressure over the case with its events, the forecast risk, and the alarms"
    head = f'<svg viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" aria-label="{told}">'
    return "\n".join((head, *parts, "</svg>"))


def _span(grid: Floats) -> tuple[float, float]:
    seen = grid[np.isfinite(grid)]
    low, high = USUAL_MMHG
    if seen.size:
        low = min(low, math.floor(seen.min() / STEP_MMHG) * STEP_MMHG)
        high = max(high, math.ceil(seen.max() / STEP_MMHG) * STEP_MMHG)
    return max(low, MOST_MMHG[0]), min(high, MOST_MMHG[1])


def _axes(scale: _Scale) -> Iterator[str]:
    for mmhg in range(round(scale.low), round(scale.high) + 1, STEP_MMHG):
        yield _line("grid", LEFT, scale.y(mmhg), RIGHT, scale.y(mmhg))
        yield _text(LEFT - 5, scale.y(mmhg) + 3, f"{mmhg}", "end")
    limit = scale.y(HYPOTENSION.below_mmhg)
    yield _line("limit", LEFT, limit, RIGHT, limit)
    yield _text(LEFT - 5, limit + 3, f"{HYPOTENSION.below_mmhg:g}", "end limit")
    for p in (0.0, 0.5, 1.0):
        yield _line("grid", LEFT, scale.risk(p), RIGHT, scale.risk(p))
        yield _text(LEFT - 5, scale.risk(p) + 3, f"{p:.0%}", "end")
    minutes = scale.seconds / 60
    every = next((step for step in TICKS_MIN if minutes / step <= MOST_TICKS), TICKS_MIN[-1])
    for tick in range(0, math.floor(minutes) + 1, every):
        x = scale.x(tick * 60)
        yield _line("tick", x, COVER_FOOT, x, COVER_FOOT + 4)
        yield _text(x, COVER_FOOT + 14, f"{tick // 60}:{tick % 60:02}", "middle")
    yield _text(RIGHT, COVER_FOOT + 26, "hours:minutes of the case", "end")


def _band(scale: _Scale, start_s: float, end_s: float) -> str:
    left, right = scale.x(start_s), scale.x(end_s)
    return _box("event", left, MAP_TOP, max(right - left, 1.0), MAP_FOOT - MAP_TOP)


def _pressure(scale: _Scale, grid: Floats) -> Iterator[str]:
    limit = scale.y(HYPOTENSION.below_mmhg)
    for run in _runs(_thinned(grid)):
        points = [(scale.x(t_s), scale.y(mmhg)) for t_s, mmhg in run]
        yield _area("deep", [(x, max(y, limit)) for x, y in points], limit)
        yield _polyline("map", points)


def _thinned(grid: Floats) -> list[tuple[float, float]]:
    """Give (seconds, mmHg): every column, or of each stretch of a long case the lowest and the highest."""
    width = math.ceil(grid.size / MOST_STRETCHES)
    if width <= 2:  # noqa: PLR2004 - two columns are their own extremes
        return [(at * STEP_S, mmhg) for at, mmhg in enumerate(grid.tolist())]
    points: list[tuple[float, float]] = []
    for start in range(0, grid.size, width):
        part = grid[start : start + width]
        if np.isnan(part).all():
            points.append((start * STEP_S, math.nan))
            continue
        ends = sorted((int(np.nanargmin(part)), int(np.nanargmax(part))))
        points += [((start + at) * STEP_S, float(part[at])) for at in ends]
    return points


def _runs(points: Iterable[tuple[float, float]]) -> Iterator[list[tuple[float, float]]]:
    """Cut at what is missing."""
    run: list[tuple[float, float]] = []
    for point in points:
        if not math.isnan(point[1]):
            run.append(point)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _risk(scale: _Scale, facts: CaseFacts) -> Iterator[str]:
    column = HORIZONS_MIN.index(facts.about.horizon_min)
    if facts.about.p_on is not None:
        y = scale.risk(facts.about.p_on)
        yield _line("threshold", LEFT, y, RIGHT, y)
    points = [
        (facts.since(said.t_s), said.risk[column] if said.risk else math.nan) for said in facts.course.said
    ]
    for run in _runs(_with_gaps(points)):
        drawn = [(scale.x(t_s), scale.risk(p)) for t_s, p in run]
        yield _area("under", drawn, RISK_FOOT)
        yield _polyline("risk", drawn)


def _with_gaps(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Put a gap where decisions lie further apart than they use to."""
    times = [t_s for t_s, _ in points]
    usual = float(np.median(np.diff(times))) if len(times) > 1 else STEP_S
    joined: list[tuple[float, float]] = []
    for point in points:
        if joined and point[0] - joined[-1][0] > GAP_DECISIONS * usual:
            joined.append((joined[-1][0], math.nan))
        joined.append(point)
    return joined


def _coverage(scale: _Scale, facts: CaseFacts) -> Iterator[str]:
    """Draw when there was a forecast: a bar of the decisions, each standing until the next."""
    yield _box("silent", LEFT, COVER_TOP, RIGHT - LEFT, COVER_FOOT - COVER_TOP)
    times = [facts.since(said.t_s) for said in facts.course.said]
    usual = float(np.median(np.diff(times))) if len(times) > 1 else STEP_S
    begun: float | None = None
    until = 0.0
    for said, t_s in zip(facts.course.said, times, strict=True):
        if begun is not None and (not said.risk or t_s - until > usual):
            yield _span_box(scale, begun, until)
            begun = None
        if said.risk:
            begun, until = t_s if begun is None else begun, t_s + usual
    if begun is not None:
        yield _span_box(scale, begun, until)


def _span_box(scale: _Scale, start_s: float, end_s: float) -> str:
    left, right = scale.x(start_s), scale.x(end_s)
    return _box("spoken", left, COVER_TOP, right - left, COVER_FOOT - COVER_TOP)


def _alarms(scale: _Scale, judgement: Judgement) -> Iterator[str]:
    for verdict in judgement.verdicts:
        x = scale.x(verdict.t_s)
        kind = MARK_CLASSES.get(verdict.fate, "open")
        yield _line(f"alarm {kind}", x, MARKS_Y + 3, x, RISK_FOOT)
        top = MARKS_Y - 6
        yield _polygon(f"mark {kind}", [(x - 5, top), (x + 5, top), (x, MARKS_Y + 3)])


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _box(kind: str, x: float, y: float, width: float, height: float) -> str:
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'


def _polyline(kind: str, points: Iterable[tuple[float, float]]) -> str:
    return f'<polyline class="{kind}" points="{_points(points)}"/>'


def _polygon(kind: str, points: Iterable[tuple[float, float]]) -> str:
    return f'<polygon class="{kind}" points="{_points(points)}"/>'


def _area(kind: str, points: Sequence[tuple[float, float]], foot: float) -> str:
    """Draw what lies between a line and a level."""
    return _polygon(kind, [(points[0][0], foot), *points, (points[-1][0], foot)])


def _points(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{text}</text>'
