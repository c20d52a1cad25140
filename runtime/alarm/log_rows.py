"""The alarm log's rows: which transition, of what, by whom, why, and against which threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from barocast.runtime.alarm import facts as alarm_facts
from barocast.runtime.alarm.conditions import LEAVING
from barocast.runtime.alarm.events import Acknowledge, FeedBack, LogRow, NewCase, PartWell
from barocast.runtime.alarm.pauses import OPERATOR
from barocast.runtime.alarm.truth import FAULT

if TYPE_CHECKING:
    from barocast.runtime.alarm.conditions import Change
    from barocast.runtime.alarm.events import AlarmEvent, Condition
    from barocast.runtime.alarm.facts import Facts
    from barocast.runtime.alarm.pauses import Turn
    from barocast.runtime.alarm.rules import AlarmRules


def changed(change: Change, event: AlarmEvent, facts: Facts, now_s: float, rules: AlarmRules) -> LogRow:
    """Say one transition of a condition, and what made it."""
    transition, reason = _reason(change, event, facts, now_s, rules)
    threshold = rules.trigger.p_off if transition in LEAVING else rules.trigger.p_on
    return _of(change.condition, transition, reason, facts, now_s, rules, threshold)


def suppressed(condition: Condition, why: str, facts: Facts, now_s: float, rules: AlarmRules) -> LogRow:
    """Say that a new occurrence was raised under a pause that covers it."""
    return _of(condition, "suppressed", why, facts, now_s, rules, rules.trigger.p_on)


def held_back(why: str, facts: Facts, now_s: float, rules: AlarmRules) -> LogRow:
    """Say that a risk raised nothing of its own: refractory, budget."""
    priority, score = str(rules.forecast_priority), alarm_facts.score(facts, rules)
    return LogRow(now_s, "suppressed", alarm_facts.FORECAST, "", priority, 0, why, score, rules.trigger.p_on)


def turned(turn: Turn, now_s: float) -> LogRow:
    """Say that a pause began or ended."""
    return LogRow(now_s, turn.transition, "", "", "", 0, turn.reason, None, None, turn.who)


def _of(
    condition: Condition,
    transition: str,
    reason: str,
    facts: Facts,
    now_s: float,
    rules: AlarmRules,
    threshold: float,
) -> LogRow:
    return LogRow(
        now_s,
        transition,
        condition.name,
        condition.source,
        str(condition.priority),
        condition.occurrence,
        reason,
        score=alarm_facts.score(facts, rules),
        threshold=None if condition.technical else threshold,
        who=OPERATOR if reason == OPERATOR else "",
    )


def _reason(
    change: Change, event: AlarmEvent, facts: Facts, now_s: float, rules: AlarmRules
) -> tuple[str, str]:
    """Give the transition as the log names it, and why it came."""
    transition, condition = change.transition, change.condition
    if isinstance(event, Acknowledge) and (transition == "acknowledged" or condition.latching):
        return transition, OPERATOR
    if transition not in LEAVING:
        return transition, condition.text
    if isinstance(event, NewCase) and not condition.technical:
        return transition, "new case"
    if condition.technical:
        return transition, _mended(condition, event, facts)
    if alarm_facts.expired(facts, now_s, rules):
        return (
            "expired" if transition == "cleared" else transition,
            f"no risk for {now_s - facts.risk_s:.0f} s",
        )
    return transition, "escalated" if facts.trigger.active else facts.ended


def _mended(condition: Condition, event: AlarmEvent, facts: Facts) -> str:
    """Say what ended a technical condition."""
    if isinstance(event, FeedBack) and condition.source == event.feed:
        return f"back after {event.silent_s:.0f} s"
    if isinstance(event, PartWell) and condition.key == (str(event.part), event.source):
        return "works again"
    if isinstance(event, NewCase):
        return "new case"
    return FAULT if facts.faults else "usable risk"
