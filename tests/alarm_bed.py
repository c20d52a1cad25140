"""An alarm machine with its clock, and everything that it has said: what the tests of the alarm speak of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from barocast.calibration.trigger import TriggerRules
from barocast.runtime.alarm.events import AlarmEvent, AlarmSnapshot, Apply, Condition, Log, LogRow
from barocast.runtime.alarm.machine import snapshot, start, step
from barocast.runtime.alarm.rules import AlarmRules, Priority
from barocast.runtime.domain import Forecast, Risk

RULES = AlarmRules(TriggerRules(p_on=0.4, p_off=0.3))
MEDIUM = replace(RULES, forecast_priority=Priority.MEDIUM)
CURVE = np.linspace(80.0, 60.0, 15)
FORECAST = Forecast(np.zeros(3), np.arange(1.0, 16.0), CURVE - 5, CURVE, CURVE + 5, {})
STEP_S = 30.0


def risk(p: float, *, hypotensive: bool = False) -> Risk:
    return Risk(0.0, (p / 2, p, min(1.0, p * 1.1)), FORECAST, hypotensive)


class Bed:
    """A machine with its clock, and everything that it has said."""

    def __init__(self, rules: AlarmRules = RULES) -> None:
        self.now_s, self.state = 0.0, start(rules, 0.0)
        self.rows: list[LogRow] = []
        self.applied: list[AlarmSnapshot] = []

    def at(self, now_s: float, *events: AlarmEvent) -> Bed:
        self.now_s = now_s
        for event in events:
            self.state, effects = step(self.state, event, now_s)
            self.rows += [e.row for e in effects if isinstance(e, Log)]
            self.applied += [e.snapshot for e in effects if isinstance(e, Apply)]
        return self

    def risks(self, *ps: float) -> Bed:
        for p in ps:
            self.at(self.now_s + STEP_S, risk(p))
        return self

    def low(self, *ps: float) -> Bed:
        """Risks of a patient who is hypotensive already."""
        for p in ps:
            self.at(self.now_s + STEP_S, risk(p, hypotensive=True))
        return self

    def shown(self) -> dict[str, Condition]:
        return {c.name: c for c in snapshot(self.state, self.now_s).conditions}

    def transitions(self) -> list[tuple[str, str]]:
        return [(row.transition, row.condition) for row in self.rows]


def alarming(rules: AlarmRules = RULES) -> Bed:
    """Two high risks, so that `forecast hypotension` stands; now is 60 s."""
    return Bed(rules).risks(0.9, 0.9)


ESCALATING = replace(RULES, escalate_at=0.8)


def spells(bed: Bed, count: int) -> Bed:
    """Let the risk rise and fall `count` times, ten minutes apart."""
    for _ in range(count):
        bed.risks(0.9, 0.9, 0.1, *[0.1] * 17)
    return bed
