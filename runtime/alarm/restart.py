"""What the alarm system keeps through a restart of its process, and what it lets go of to be safe.

    stored(state)                              -> plain JSON values, every time as an age
    restored(kept, rules, now_s, away_s)       -> AlarmState as if `away_s` seconds had passed

    timed pauses        with their original deadline, cut to the rules; dropped once that has passed
    audio off           dropped: it has no deadline, and who comes back may be somebody else
    the forecast        its activation, refractory and budget: it stands, ends or is raised again as after any
                        gap of that length
    latched advisory    kept until it is acknowledged
    acknowledgement     kept only with its occurrence of the patient's conditions
    technical           dropped: whatever is still true is found again, and sounds as new

Where the time away is not known, or `kept` is not what `stored` gives, nothing is kept: a fresh machine finds
what is true by itself. That is never quieter than what was.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from barocast.calibration.trigger import Trigger
from barocast.runtime.alarm.events import Condition, Inactivation
from barocast.runtime.alarm.facts import FORECAST, FREQUENT, Facts
from barocast.runtime.alarm.machine import AlarmState, start
from barocast.runtime.alarm.pauses import Pause, Pauses
from barocast.runtime.alarm.rules import Priority

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from barocast.runtime.alarm.rules import AlarmRules

VERSION: Final = 1
LATCHING: Final = {FORECAST: False, FREQUENT: True}
"""The patient's conditions, and which of them latch."""
LONGEST_S: Final = 7 * 86400.0
"""No age that matters is greater; a file that says so is not ours."""


def stored(state: AlarmState) -> dict[str, Any]:
    """Give what shall outlive the process."""
    facts, now_s = state.facts, state.now_s
    timed = [pause for pause in (state.pauses.audio, state.pauses.alarms) if pause and _is_timed(pause)]
    return {
        "version": VERSION,
        "serial": state.serial,
        "risk": now_s - facts.risk_s,
        "raised": _age(facts.raised_s, now_s),
        "trigger": _stored_trigger(facts.trigger, now_s),
        "escalation": _stored_trigger(facts.escalation, now_s),
        "ended": facts.ended,
        "coalesced": facts.coalesced,
        "activations": [now_s - t for t in facts.activations_s],
        "excess": [now_s - t for t in facts.excess_s],
        "pauses": [
            {"kind": str(pause.kind), "left": pause.left_s(now_s), "floor": pause.floor} for pause in timed
        ],
        "conditions": [_stored_condition(c, now_s) for c in state.conditions if not c.technical],
    }


def restored(kept: object, rules: AlarmRules, now_s: float, away_s: float) -> AlarmState:
    """Begin with what was kept; `away_s` NaN, infinite or below 0: nobody knows how long it was."""
    if not 0.0 <= away_s <= LONGEST_S:
        return start(rules, now_s)
    try:
        return _State(kept, now_s, away_s).read(rules)
    except (KeyError, TypeError, ValueError):
        return start(rules, now_s)


def _age(t_s: float, now_s: float) -> float | None:
    return now_s - t_s if math.isfinite(t_s) else None


def _is_timed(pause: Pause) -> bool:
    return math.isfinite(pause.until_s)


def _stored_trigger(trigger: Trigger, now_s: float) -> dict[str, Any]:
    return {
        "recent": [[now_s - t_s, p] for t_s, p in trigger.recent],
        "active": trigger.active,
        "held": trigger.held,
        "fired": _age(trigger.fired_s, now_s),
    }


def _stored_condition(condition: Condition, now_s: float) -> dict[str, Any]:
    return {
        "name": condition.name,
        "priority": int(condition.priority),
        "text": condition.text,
        "active": condition.active,
        "since": now_s - condition.since_s,
        "occurrence": condition.occurrence,
        "acknowledged": condition.inactivation is Inactivation.ACKNOWLEDGED,
    }


class _State:
    """Reads one; raises KeyError, TypeError or ValueError for what `stored` never gives."""

    def __init__(self, kept: object, now_s: float, away_s: float) -> None:
        if not isinstance(kept, dict) or kept["version"] != VERSION:
            raise ValueError("of another version")
        self._kept: Mapping[str, Any] = kept
        self._now_s, self._then_s, self._away_s = now_s, now_s - away_s, away_s

    def read(self, rules: AlarmRules) -> AlarmState:
        conditions = tuple(self._condition(c) for c in _list(self._kept["conditions"]))
        serial = int(_number(self._kept["serial"], 0, 2**53))
        if any(not 0 < c.occurrence <= serial for c in conditions):
            raise ValueError("an occurrence beyond the serial number")
        fresh = start(rules, self._now_s)
        pauses = self._pauses(rules)
        return replace(fresh, facts=self._facts(rules), conditions=conditions, serial=serial, pauses=pauses)

    def _facts(self, rules: AlarmRules) -> Facts:
        kept = self._kept
        escalation = self._trigger(kept["escalation"])
        return Facts(
            risk_s=self._time(kept["risk"]),
            trigger=self._trigger(kept["trigger"]),
            escalation=Trigger() if rules.escalation is None else escalation,
            raised_s=self._past(kept["raised"]),
            ended=_of(str, kept["ended"]),
            coalesced=_of(bool, kept["coalesced"]),
            activations_s=tuple(self._time(age) for age in _list(kept["activations"])),
            excess_s=tuple(self._time(age) for age in _list(kept["excess"])),
        )

    def _trigger(self, kept: Mapping[str, Any]) -> Trigger:
        recent = tuple((self._time(age), _number(p, 0.0, 1.0)) for age, p in _list(kept["recent"]))
        active, held = _of(bool, kept["active"]), _of(bool, kept["held"])
        if active and not recent:
            raise ValueError("an activation without a risk")
        return Trigger(recent, active, held, self._past(kept["fired"]))

    def _condition(self, kept: Mapping[str, Any]) -> Condition:
        name = _of(str, kept["name"])
        acknowledged = _of(bool, kept["acknowledged"])
        return Condition(
            name,
            Priority(int(_number(kept["priority"], Priority.LOW, Priority.MEDIUM))),
            technical=False,
            text=_of(str, kept["text"]),
            latching=LATCHING[name],
            active=_of(bool, kept["active"]),
            since_s=self._time(kept["since"]),
            occurrence=int(_number(kept["occurrence"], 1, 2**53)),
            inactivation=Inactivation.ACKNOWLEDGED if acknowledged else Inactivation.ENABLED,
        )

    def _pauses(self, rules: AlarmRules) -> Pauses:
        longest: dict[Inactivation, tuple[str, float]] = {
            Inactivation.AUDIO_PAUSED: ("audio", rules.audio_pause_max_s),
            Inactivation.ALARM_PAUSED: ("alarms", rules.alarm_pause_max_s),
        }
        found = {}
        for kept in _list(self._kept["pauses"]):
            kind = Inactivation(kept["kind"])
            name, most_s = longest[kind]
            left_s = min(_number(kept["left"], 0.0, LONGEST_S), most_s) - self._away_s
            floor = int(_number(kept["floor"], 0, Priority.HIGH))
            if left_s > 0.0:
                found[name] = Pause(kind, self._now_s, self._now_s + left_s, floor)
        return Pauses(**found)

    def _time(self, age: object) -> float:
        return self._then_s - _number(age, 0.0, LONGEST_S)

    def _past(self, age: object) -> float:
        return -math.inf if age is None else self._time(age)


def _number(value: object, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"{value!r} is not a number from {low:g} to {high:g}")
    return value


def _of(kind: Callable[..., Any], value: object) -> Any:  # noqa: ANN401 - bool or str, as asked
    if type(value) is not kind:
        raise TypeError(f"{value!r} is no {kind}")
    return value


def _list(value: object) -> list[Any]:
    found: list[Any] = _of(list, value)
    return found
