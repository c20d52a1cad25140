"""Cases without a monitor: outcomes of a watch, alarm rows, and a book that has been told both."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import numpy as np

from barocast.plugin.cases.facts import About
from barocast.plugin.watch import Outcome
from barocast.runtime.alarm.events import LogRow
from barocast.runtime.domain import Abstain, Forecast, Risk

BEGAN = datetime(2026, 3, 1, 8, 0, tzinfo=timezone.utc)
ABOUT = About("OR 3", "toy-1", 10, 0.3)
STEPS = np.array([5.0, 10.0, 15.0])


def wall(seconds: float) -> str:
    """Wall time so many seconds after the tests began."""
    return (BEGAN + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


def forecast(t_s: float, p: float = 0.1, map_mmhg=(80.0, 80.0, 80.0), alarm: str = "none") -> Outcome:
    """A forecast with the three columns of its half minute."""
    curves = Forecast(np.zeros(3), STEPS, np.full(3, 60.0), np.full(3, 70.0), np.full(3, 80.0), {})
    return Outcome(Risk(t_s, (p / 2, p, p), curves), alarm, [], np.array(map_mmhg, dtype=float))


def abstention(t_s: float, reason: str = "short history: 4.5 of 15 min", map_mmhg=(80.0,) * 3) -> Outcome:
    """No forecast, and why."""
    return Outcome(Abstain(t_s, reason), "none", [], np.array(map_mmhg, dtype=float))


def silence(t_s: float) -> Outcome:
    """What is said while nothing comes."""
    return abstention(t_s, "no data: nothing for 30 s", ())


def row(now_s: float, transition: str = "raised", condition: str = "forecast hypotension", **more) -> LogRow:
    """A line of the alarm log."""
    fields = {
        "source": "",
        "priority": "low",
        "occurrence": 1,
        "reason": "",
        "score": None,
        "threshold": None,
    }
    return LogRow(now_s, transition, condition, **{**fields, **more})


def half_minutes(count: int, first_s: float = 0.0) -> list[float]:
    """Times of decisions."""
    return [first_s + 30.0 * number for number in range(count)]
