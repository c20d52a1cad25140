"""The whole case as the screen's JSON.

    {"step_s", "start_wall", "map_mmhg": [mmHg or null], "events": [{"start_s", "end_s"}],
     "decisions": [{"t_s", "state", "reason", "risk5", "risk10", "risk15", "q10_5", "q50_5", "q90_5", ...}],
     "alarms": [{"t_s", "transition", "condition", "priority"}]}

All seconds count from the first column: value i of `map_mmhg` ends at i * step_s. A decision that is no
forecast has its state and reason alone. `start_wall` is the wall time of second 0, null before any decision.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from barocast.calibration.events import find_events
from barocast.plugin.cases.course import QUANTILES
from barocast.runtime.domain import HORIZONS_MIN
from barocast.runtime.timeline import STEP_S

if TYPE_CHECKING:
    from barocast.plugin.cases.course import Said
    from barocast.plugin.cases.facts import CaseFacts

RISK_DIGITS, MMHG_DIGITS = 4, 1


def trend(facts: CaseFacts) -> dict[str, Any]:
    """Give it; empty lists while there is no case."""
    facts = facts.shown()
    grid = facts.course.map_mmhg
    events = find_events(grid, STEP_S)
    return {
        "step_s": STEP_S,
        "start_wall": facts.course.start_wall,
        "map_mmhg": [None if math.isnan(mmhg) else round(mmhg, MMHG_DIGITS) for mmhg in grid.tolist()],
        "decisions": [{"t_s": facts.since(said.t_s), **_decision(said)} for said in facts.course.said],
        "alarms": [
            {
                "t_s": round(facts.since(mark.t_s), 1),
                "transition": mark.transition,
                "condition": mark.condition,
                "priority": mark.priority,
            }
            for mark in facts.course.marks
            if mark.t_s is not None and facts.since(mark.t_s) >= 0
        ],
        "events": [{"start_s": e.start * STEP_S, "end_s": e.stop * STEP_S} for e in events],
    }


def _decision(said: Said) -> dict[str, Any]:
    told: dict[str, Any] = {"state": said.state, "reason": said.reason}
    for minutes, p, quantiles in zip(HORIZONS_MIN, said.risk, said.fan, strict=False):
        told[f"risk{minutes}"] = round(p, RISK_DIGITS)
        for name, mmhg in zip(QUANTILES, quantiles, strict=True):
            told[f"{name}_{minutes}"] = round(mmhg, MMHG_DIGITS)
    return told
