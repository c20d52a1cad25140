"""View -> the JSON object that the page draws, one for each bed. Pure.

Missing is null, never NaN and never a number that must not be used: a numeric with a reason has no value. In
a silent trial neither a forecast nor anything that was said because of one leaves (View.shown, `_history`).
Numbers are rounded to what a screen can show; `trend` and `map` have one entry for each of their minutes.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration.events import HYPOTENSION
from barocast.plugin.cases.case import patient_fields
from barocast.plugin.sinks.jsonl import decision_line
from barocast.plugin.web.signal import signal_of
from barocast.runtime.alarm.events import Part
from barocast.runtime.alarm.truth import FAULT, FEED_LOST, UNAVAILABLE
from barocast.runtime.prompt import SECTIONS
from barocast.runtime.timeline import STEP_S
from barocast.runtime.tracks import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from barocast.plugin.cases.case import Case
    from barocast.plugin.sinks.view import Feed, Numeric, View
    from barocast.runtime.alarm.events import AlarmSnapshot
    from barocast.runtime.alarm.rules import AlarmRules
    from barocast.runtime.domain import Floats
    from barocast.runtime.influence import Influence

HISTORY: Final = 50
"""Alarm rows on the page, the newest."""
ROW: Final = (
    "wall",
    "transition",
    "condition",
    "priority",
    "occurrence",
    "reason",
    "score",
    "threshold",
)
"""What the page is told of a row of the alarm log."""
TECHNICAL: Final = frozenset({UNAVAILABLE, FAULT, FEED_LOST, *map(str, Part)})
"""Conditions about the equipment: the only rows of the log that a silent trial shows."""
SAID: Final = ("state", "reason", "risk", "map", "gates")
"""What the page is told of a decision's line in the log."""
NONE: Final = np.empty(0)


@dataclass(frozen=True, slots=True)
class Told:
    """What the page shows beside the View."""

    bed: str
    """Slug."""
    serial: int
    wall: str
    """ISO 8601."""
    rules: AlarmRules
    case: Case | None = None
    history: Sequence[Mapping[str, Any]] = ()
    """Alarm rows (events.LogRow's fields and `wall`), oldest first."""
    influence: Influence | None = None
    """Of the decision in the view."""


def state_of(view: View, told: Told) -> dict[str, Any]:
    """Give the whole object but `may_act`, which differs from client to client."""
    shown = view.shown()
    return {
        "bed": told.bed,
        "title": shown.title,
        "bundle": shown.bundle_id,
        "simulated": shown.simulated,
        "silent": shown.silent,
        "serial": told.serial,
        "wall": told.wall,
        "case_s": _number(shown.case_s, 1),
        "alarm": _alarm(shown.alarm),
        "numerics": {name: _numeric(name, numeric) for name, numeric in shown.numerics.items()},
        "signal": asdict(signal_of(shown)),
        "decision": _decision(shown, told.influence),
        "rules": _rules(told.rules),
        "trend": {
            "step_s": STEP_S,
            "minutes": _numbers(shown.trend_min, 3),
            "map_mmhg": _numbers(shown.trend_map, 1),
        },
        "feeds": [_feed(feed) for feed in shown.feeds],
        "troubles": list(shown.troubles),
        "case": _case(told.case),
        "history": _history(told.history, silent=shown.silent),
    }


def _alarm(alarm: AlarmSnapshot) -> dict[str, Any]:
    return {
        "priority": _word(alarm.priority),
        "sounding": _word(alarm.sounding),
        "audio_pause_left_s": _number(alarm.audio_pause_left_s, 1),
        "audio_off": alarm.audio_off,
        "alarm_pause_left_s": _number(alarm.alarm_pause_left_s, 1),
        "conditions": [
            {
                "name": condition.name,
                "priority": str(condition.priority),
                "technical": condition.technical,
                "text": condition.text,
                "source": condition.source,
                "active": condition.active,
                "latching": condition.latching,
                "age_s": _number(alarm.now_s - condition.since_s, 1),
                "occurrence": condition.occurrence,
                "inactivation": str(condition.inactivation),
            }
            for condition in alarm.conditions
        ],
    }


def _numeric(channel: str, numeric: Numeric) -> dict[str, Any]:
    return {
        "value": None if numeric.reason else _number(numeric.value, 2),
        "unit": CHANNELS[channel].unit,
        "age_s": _number(numeric.age_s, 1),
        "reason": numeric.reason,
    }


def _decision(view: View, influence: Influence | None) -> dict[str, Any] | None:
    """Say the decision in the words that the log has for it."""
    if view.decision is None:
        return None
    line = decision_line(view.decision, "", "", NONE)
    said: dict[str, Any] = {name: line[name] for name in SAID if name in line}
    of_forecast = influence if said["state"] == "forecast" else None
    return {
        **said,
        "age_s": _number(view.decision_age_s, 1),
        "influence": asdict(of_forecast) if of_forecast else None,
    }


def _rules(rules: AlarmRules) -> dict[str, Any]:
    return {
        "map_mmhg": HYPOTENSION.below_mmhg,
        "horizon_min": rules.horizon_min,
        "p_on": rules.trigger.p_on,
        "p_off": rules.trigger.p_off,
    }


def _feed(feed: Feed) -> dict[str, Any]:
    return {
        "name": feed.name,
        "status": feed.status,
        "frames": feed.counts.frames,
        "corrupt": feed.counts.corrupt,
        "losses": dict(feed.losses),
    }


def _case(case: Case | None) -> dict[str, Any] | None:
    """Give the patient file, and its text as the model reads it, section by section."""
    if case is None:
        return None
    sections = ((name, write(case.patient)) for name, write in SECTIONS.items())
    return {
        "id": case.id,
        "admitted": case.admitted,
        "sections": [{"name": name, "text": text} for name, text in sections if text],
        "patient": patient_fields(case.patient),
    }


def _history(rows: Sequence[Mapping[str, Any]], *, silent: bool) -> list[dict[str, Any]]:
    told = [row for row in rows if not silent or row["condition"] in TECHNICAL][-HISTORY:]
    hidden = {"score": None, "threshold": None} if silent else {}
    return [{name: row[name] for name in ROW} | hidden for row in told]


def _word(priority: object) -> str | None:
    return None if priority is None else str(priority)


def _numbers(values: Floats, digits: int) -> list[float | None]:
    return [_number(value, digits) for value in values.tolist()]


def _number(value: float, digits: int) -> float | None:
    return round(value, digits) if math.isfinite(value) else None
