"""The alarm machine: `step(state, event, now) -> (state, effects)`, pure, no clock, no I/O.

    learn the event -> derive what is true -> reconcile with what is shown -> apply, log

A condition's way, after IEC 60601-1-8:

                raised              acknowledged
    (nothing) --------> enabled ---------------------> acknowledged
        ^                 |  ^                              |  |
        |  cleared,       |  +------------------------------+  |
        |  expired        |     escalated, raised again        |  cleared, expired
        +-----------------+------------------------------------+

One that latches stays when its cause has gone, until it is acknowledged. An audio pause lies over
all of them: it is timed, and a condition of higher priority than any it covers breaks it.

What is active falls silent only by an operator's act, by the end of its cause, or by expiry; an
expiry is at once replaced by a technical condition. A new occurrence (raised again, escalated) is
never covered by an acknowledgement of the former one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from barocast.runtime.alarm import facts as alarm_facts
from barocast.runtime.alarm.conditions import LEAVING, NEW_OCCURRENCE, Change, reconcile
from barocast.runtime.alarm.events import (
    Acknowledge,
    AlarmEvent,
    AlarmSnapshot,
    Apply,
    Condition,
    Effect,
    FeedBack,
    Inactivation,
    Log,
    LogRow,
    PauseAudio,
    ResumeAudio,
)
from barocast.runtime.alarm.facts import Facts
from barocast.runtime.alarm.rules import AlarmRules, Priority

WORDS = {None: "none", Priority.LOW: "advisory", Priority.MEDIUM: "medium", Priority.HIGH: "high"}
"""The `alarm` word of a decision line."""


@dataclass(frozen=True, slots=True)
class AudioPause:
    """All sounds are off until a time."""

    until_s: float
    priority: int
    """The highest shown when it began, 0 for none; anything above breaks it."""


@dataclass(frozen=True, slots=True)
class AlarmState:
    """Everything that the machine is; `start` makes the first one."""

    rules: AlarmRules
    now_s: float
    facts: Facts
    conditions: tuple[Condition, ...] = ()
    """Shown now; `inactivation` holds the acknowledgement only, the pause is kept beside."""
    serial: int = 0
    """The latest occurrence number given out."""
    pause: AudioPause | None = None
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
    state = replace(state, now_s=max(now_s, state.now_s))
    state, rows = _heed(state, event)
    facts, suppressed = alarm_facts.learn(state.facts, event, state.now_s, state.rules)
    state = replace(state, facts=facts)
    rows += [_forecast_row(state, "suppressed", why) for why in suppressed]
    true_now = alarm_facts.true_conditions(facts, state.now_s, state.rules)
    conditions, serial, changes = reconcile(state.conditions, true_now, state.now_s, state.serial)
    state = replace(state, conditions=conditions, serial=serial)
    rows += [_row(state, change, event) for change in changes]
    state, pause_rows = _break_pause(state, changes)
    return _apply(state, rows + pause_rows)


def snapshot(state: AlarmState, now_s: float) -> AlarmSnapshot:
    """Give the whole state as the sinks shall show it at `now_s`."""
    left_s = max(0.0, state.pause.until_s - now_s) if state.pause else 0.0
    return AlarmSnapshot(
        now_s,
        tuple(_with_pause(c, paused=left_s > 0.0) for c in state.conditions),
        audio_pause_left_s=left_s,
        decision=state.facts.decision,
    )


def alarm_word(state: AlarmState) -> str:
    """Give the `alarm` of a decision line: the highest priority among the patient's *active* conditions.

    One that is only latched, its cause gone, is still shown and logged until somebody acknowledges it; a
    replay has nobody. Technical conditions are not in it; the line's `state` and `reason` say what they mean.
    """
    shown = (c.priority for c in state.conditions if c.active and not c.technical)
    return WORDS[max(shown, default=None)]


def _with_pause(condition: Condition, *, paused: bool) -> Condition:
    if paused and condition.inactivation is Inactivation.ENABLED:
        return replace(condition, inactivation=Inactivation.AUDIO_PAUSED)
    return condition


# --- the operator, and the end of a pause -------------------------------------------------------


def _heed(state: AlarmState, event: AlarmEvent) -> tuple[AlarmState, list[LogRow]]:
    """Let a pause run out, then do what the operator asked of what was shown until now."""
    state, rows = _end_pause(state, "expired") if _pause_is_over(state) else (state, [])
    if isinstance(event, Acknowledge):
        return _acknowledge(state, event, rows)
    if isinstance(event, ResumeAudio):
        state, ended = _end_pause(state, "operator")
        return state, rows + ended
    if isinstance(event, PauseAudio):
        seconds = min(event.seconds, state.rules.audio_pause_max_s)
        shown = max((int(c.priority) for c in state.conditions), default=0)
        pause = AudioPause(state.now_s + seconds, shown)
        rows.append(_audio_row(state, "audio paused", f"operator: {seconds:g} s"))
        return replace(state, pause=pause), rows
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


def _pause_is_over(state: AlarmState) -> bool:
    return state.pause is not None and state.now_s >= state.pause.until_s


def _end_pause(state: AlarmState, reason: str) -> tuple[AlarmState, list[LogRow]]:
    if state.pause is None:
        return state, []
    return replace(state, pause=None), [_audio_row(state, "audio enabled", reason)]


def _break_pause(state: AlarmState, changes: list[Change]) -> tuple[AlarmState, list[LogRow]]:
    if state.pause is None:
        return state, []
    floor = state.pause.priority
    higher = [c for c in changes if c.transition in NEW_OCCURRENCE and c.condition.priority > floor]
    return _end_pause(state, f"higher priority: {higher[0].condition.name}") if higher else (state, [])


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
    if last is None or now.now_s - last.now_s >= rules.reassert_s:
        return True
    if (last.audio_pause_left_s > 0.0) != (now.audio_pause_left_s > 0.0):
        return True
    return replace(last, now_s=now.now_s, audio_pause_left_s=now.audio_pause_left_s) != now


def _row(state: AlarmState, change: Change, event: AlarmEvent) -> LogRow:
    condition, thresholds = change.condition, state.rules.trigger
    transition, reason = _reason(state, change, event)
    threshold = thresholds.p_off if transition in LEAVING else thresholds.p_on
    return LogRow(
        state.now_s,
        transition,
        condition.name,
        condition.source,
        str(condition.priority),
        condition.occurrence,
        reason,
        score=alarm_facts.score(state.facts, state.rules),
        threshold=None if condition.technical else threshold,
    )


def _reason(state: AlarmState, change: Change, event: AlarmEvent) -> tuple[str, str]:
    """Give the transition as the log names it, and why it came."""
    transition, condition = change.transition, change.condition
    if isinstance(event, Acknowledge) and (transition == "acknowledged" or condition.latching):
        return transition, "operator"
    if transition not in LEAVING:
        return transition, condition.text
    if isinstance(event, FeedBack) and condition.source == event.feed:
        return transition, f"back after {event.silent_s:.0f} s"
    if condition.technical:
        return transition, alarm_facts.FAULT if state.facts.faults else "usable risk"
    if alarm_facts.expired(state.facts, state.now_s, state.rules):
        age_s = state.now_s - state.facts.risk_s
        return "expired" if transition == "cleared" else transition, f"no risk for {age_s:.0f} s"
    return transition, "escalated" if state.facts.trigger.active else state.facts.ended


def _forecast_row(state: AlarmState, transition: str, reason: str) -> LogRow:
    return LogRow(
        state.now_s,
        transition,
        alarm_facts.FORECAST,
        "",
        str(state.rules.forecast_priority),
        0,
        reason,
        score=alarm_facts.score(state.facts, state.rules),
        threshold=state.rules.trigger.p_on,
    )


def _audio_row(state: AlarmState, transition: str, reason: str) -> LogRow:
    return LogRow(state.now_s, transition, "", "", "", 0, reason, score=None, threshold=None)
