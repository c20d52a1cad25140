"""The whole alarm state of a bed as one JSON object: for receivers that are told states, not changes.

    {"bed": "OR 3", "state": "online", "wall": "2026-11-22T21:00:05.123+00:00", "bundle", "notice",
     "priority": "low" | "medium" | "high" | null, "sounding": likewise,
     "audio_pause_left_s": 0.0, "audio_off": false, "alarm_pause_left_s": 0.0,
     "conditions": [{"name", "priority", "technical", "text", "source", "active", "latching", "age_s",
                     "occurrence", "inactivation"}],
     "decision": null | {"state", "reason", "risk": {"5": 0.03, "10": 0.07, "15": 0.11} | null}}

`{"bed", "state": "offline", "notice"}` stands for a bed of which nothing is known. Nothing is in it that
identifies a patient.
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

from barocast.runtime.domain import HORIZONS_MIN
from barocast.runtime.encoders.notice import NOTICE

if TYPE_CHECKING:
    from barocast.runtime.alarm.events import AlarmSnapshot, Condition, DecisionSummary
    from barocast.runtime.alarm.rules import Priority

_DIGITS: Final = 4


def online(snapshot: AlarmSnapshot, bed: str, bundle: str, wall_s: float) -> bytes:
    """Give the state that was true at `wall_s`, seconds since 1970."""
    wall = datetime.fromtimestamp(wall_s, timezone.utc).isoformat(timespec="milliseconds")
    return _packed(
        {"bed": bed, "state": "online", "wall": wall, "bundle": bundle, "notice": NOTICE}
        | {"priority": _word(snapshot.priority), "sounding": _word(snapshot.sounding)}
        | {"audio_pause_left_s": round(snapshot.audio_pause_left_s, 1), "audio_off": snapshot.audio_off}
        | {"alarm_pause_left_s": round(snapshot.alarm_pause_left_s, 1)}
        | {"conditions": [_condition(c, snapshot.now_s) for c in snapshot.conditions]}
        | {"decision": _decision(snapshot.decision)}
    )


def offline(bed: str) -> bytes:
    """Give what stands for a bed that says nothing any more."""
    return _packed({"bed": bed, "state": "offline", "notice": NOTICE})


def _packed(state: dict[str, Any]) -> bytes:
    return json.dumps(state, allow_nan=False).encode()


def _word(priority: Priority | None) -> str | None:
    return None if priority is None else str(priority)


def _condition(condition: Condition, now_s: float) -> dict[str, Any]:
    copied = ("name", "technical", "text", "source", "active", "latching", "occurrence")
    return {name: getattr(condition, name) for name in copied} | {
        "priority": str(condition.priority),
        "age_s": round(now_s - condition.since_s, 1),
        "inactivation": str(condition.inactivation),
    }


def _decision(decision: DecisionSummary | None) -> dict[str, Any] | None:
    if decision is None:
        return None
    risk = decision.risk and {
        str(minutes): round(p, _DIGITS) for minutes, p in zip(HORIZONS_MIN, decision.risk, strict=True)
    }
    return {"state": decision.state, "reason": decision.reason, "risk": risk}
