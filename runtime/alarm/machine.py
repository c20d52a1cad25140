"""The alarm system of one bed: a pure state machine over everything that may raise or silence.

    step(state, event, now) -> (state, effects)      effects: Apply(snapshot), Log(row)

          pauses.heed          facts.learn                   truth
    event ----------> pauses --------> facts ---------------------> true conditions
                                                                     |
              apply, log <- pauses.break_for <- conditions.reconcile with what is shown

A condition's way, after IEC 60601-1-8:

                raised              acknowledged
    (nothing) --------> enabled ---------------------> acknowledged
        ^                 |  ^                              |  |
        |  cleared,       |  +------------------------------+  |
        |  expired        |     escalated, raised again        |  cleared, expired
        +-----------------+------------------------------------+

One that latches stays when its cause has gone, until it is acknowledged or another patient comes. Pauses lie
over all of them (pauses.py): audio paused, audio off, alarm paused.

What is active falls silent only by an operator's act, by the end of its cause, or by expiry; an
expiry is at once replaced by a technical condition. A new occurrence (raised again, escalated) is
never covered by an acknowledgement of the former one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from barocast.runtime.alarm import facts as alarm_facts
from barocast.runtime.alarm import log_rows, pauses
from barocast.runtime.alarm.conditions import NEW_OCCURRENCE, Change, reconcile
from barocast.runtime.alarm.events import Acknowledge, AlarmSnapshot, Apply, Inactivation, Log, NewCase
from barocast.runtime.alarm.facts import Facts
from barocast.runtime.alarm.pauses import BEGUN, Pauses
from barocast.runtime.alarm.rules import AlarmRules, Priority
from barocast.runtime.alarm.truth import true_conditions

if TYPE_CHECKING:
    from barocast.runtime.alarm.events import AlarmEvent, Condition, Effect, LogRow

WORDS = {None: "none", Priority.LOW: "advisory", Priority.MEDIUM: "medium", Priority.HIGH: "high"}
"""The `alarm` word of a decision line."""


@dataclass(frozen=True, slots=True)
class AlarmState:
    """Everything that the machine is; `start` makes the first one, `restart.restored` one that was kept."""

    rules: AlarmRules
    now_s: float
    facts: Facts
    conditions: tuple[Condition, ...] = ()
    """Shown now; `inactivation` holds the acknowledgement only, the pauses are kept beside."""
    serial: int = 0
    """The latest occurrence number given out."""
    pauses: Pauses = field(default_factory=Pauses)
    applied: AlarmSnapshot | None = None
    """What the sinks were last told."""


def start(rules: AlarmRules, now_s: float) -> AlarmState:
    """Begin with nothing known: without a risk, `forecast not available` follows in time."""
    return AlarmState(rules, now_s, Facts(risk_s=now_s))


def step(state: AlarmState, event: AlarmEvent, now_s: float) -> tuple[AlarmState, list[Effect]]:
    """Take one event at `now_s`, monotonic seconds (a step back counts as no time having passed).

    Raises ValueError when `now_s` is not finite; nothing else in an event makes it raise.
    """
    if not math.isfinite(now_s):
        raise ValueError(f"alarm time {now_s} is no time")
    state, rows = _heed(replace(state, now_s=max(now_s, state.now_s)), event)
    facts, suppressed = alarm_facts.learn(state.facts, event, state.now_s, state.rules)
    rows += [log_rows.held_back(why, facts, state.now_s, state.rules) for why in suppressed]
    true_now = true_conditions(facts, state.now_s, state.rules)
    conditions, serial, changes = reconcile(state.conditions, true_now, state.now_s, state.serial)
    state = replace(state, facts=facts, conditions=conditions, serial=serial)
    rows += [_row(state, change, event) for change in changes]
    new = [change.condition for change in changes if change.transition in NEW_OCCURRENCE]
    if new:
        state, covered = _raise_under_pauses(state, new)
        rows += covered
    return _apply(state, rows)


def snapshot(state: AlarmState, now_s: float) -> AlarmSnapshot:
    """Give the whole state as the sinks shall show it at `now_s`."""
    paused = state.pauses
    return AlarmSnapshot(
        now_s,
        tuple(_covered(c, paused.covering(c, now_s)) for c in state.conditions),
        audio_pause_left_s=paused.audio_left_s(now_s),
        audio_off=paused.audio_off,
        alarm_pause_left_s=paused.alarms_left_s(now_s),
        decision=state.facts.decision,
        reminder_due=paused.reminder_due(now_s, state.rules),
    )


def alarm_word(state: AlarmState) -> str:
    """Give the `alarm` of a decision line: the highest priority among the patient's *active* conditions.

    One that is only latched, its cause gone, is still shown and logged until somebody acknowledges it; a
    replay has nobody. Technical conditions are not in it; the line's `state` and `reason` say what they mean.
    """
    shown = (c.priority for c in state.conditions if c.active and not c.technical)
    return WORDS[max(shown, default=None)]


def _covered(condition: Condition, inactivation: Inactivation) -> Condition:
    if condition.inactivation is inactivation:
        return condition
    return replace(condition, inactivation=inactivation)


# --- the operator, and the ends of pauses -------------------------------------------------------


def _heed(state: AlarmState, event: AlarmEvent) -> tuple[AlarmState, list[LogRow]]:
    """Let pauses run out, then do what the operator asked of what was shown until now."""
    paused, turns = pauses.heed(state.pauses, event, state.now_s, state.conditions, state.rules)
    rows = [log_rows.turned(turn, state.now_s) for turn in turns]
    state = replace(state, pauses=paused) if turns else state
    if isinstance(event, Acknowledge):
        return _acknowledge(state, event, rows)
    if isinstance(event, NewCase):
        return _forget_patient(state, event, rows)
    return state, rows


def _acknowledge(
    state: AlarmState, event: Acknowledge, rows: list[LogRow]
) -> tuple[AlarmState, list[LogRow]]:
    meant = {
        c.occurrence
        for c in state.conditions
        if event.occurrence in {None, c.occurrence} and c.inactivation is not Inactivation.ACKNOWLEDGED
    }
    conditions = tuple(
        replace(c, inactivation=Inactivation.ACKNOWLEDGED) if c.occurrence in meant else c
        for c in state.conditions
    )
    state = replace(state, conditions=conditions)
    acknowledged = [c for c in conditions if c.occurrence in meant]
    return state, rows + [_row(state, Change("acknowledged", c), event) for c in acknowledged]


def _forget_patient(state: AlarmState, event: NewCase, rows: list[LogRow]) -> tuple[AlarmState, list[LogRow]]:
    """Let go of what was about the patient, latched or not."""
    gone = [c for c in state.conditions if not c.technical]
    rows = rows + [_row(state, Change("cleared", c), event) for c in gone]
    return replace(state, conditions=tuple(c for c in state.conditions if c.technical)), rows


def _raise_under_pauses(state: AlarmState, new: list[Condition]) -> tuple[AlarmState, list[LogRow]]:
    """Break the pauses that must not cover what is new; log what the others cover."""
    escalated = alarm_facts.FORECAST if state.facts.escalation.active else ""
    paused, turns = pauses.break_for(state.pauses, new, escalated)
    rows = [log_rows.turned(turn, state.now_s) for turn in turns]
    covered = [(c, paused.covering(c, state.now_s)) for c in new]
    rows += [
        log_rows.suppressed(c, BEGUN[pause], state.facts, state.now_s, state.rules)
        for c, pause in covered
        if pause in BEGUN
    ]
    return replace(state, pauses=paused), rows


# --- effects ------------------------------------------------------------------------------------


def _apply(state: AlarmState, rows: list[LogRow]) -> tuple[AlarmState, list[Effect]]:
    """Log every row; tell the sinks on a change, and again when the last telling has aged."""
    effects: list[Effect] = [Log(row) for row in rows]
    now = snapshot(state, state.now_s)
    if _is_news(state.applied, now, state.rules):
        effects.append(Apply(now))
        state = replace(state, applied=now)
    return state, effects


def _is_news(last: AlarmSnapshot | None, now: AlarmSnapshot, rules: AlarmRules) -> bool:
    """Whether the sinks must be told; that a countdown counts on is no news, that it is set or ends is."""
    if last is None or now.now_s - last.now_s >= rules.reassert_s:
        return True
    if _deadlines(last) != _deadlines(now):
        return True
    uncounted = replace(
        now,
        now_s=last.now_s,
        audio_pause_left_s=last.audio_pause_left_s,
        alarm_pause_left_s=last.alarm_pause_left_s,
    )
    return last != uncounted


def _deadlines(told: AlarmSnapshot) -> tuple[float, ...]:
    """When the pauses end, to the millisecond; 0 for none."""
    countdowns = (told.audio_pause_left_s, told.alarm_pause_left_s)
    return tuple(round(told.now_s + left_s, 3) if left_s else 0.0 for left_s in countdowns)


def _row(state: AlarmState, change: Change, event: AlarmEvent) -> LogRow:
    return log_rows.changed(change, event, state.facts, state.now_s, state.rules)
