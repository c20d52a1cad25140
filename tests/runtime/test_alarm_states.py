"""The whole alarm system against an oracle (alarm_oracle): any decisions, parts, feeds, operators, waits."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from alarm_bed import RULES, Bed, risk
from alarm_oracle import ALARM_CAP_S, AUDIO_CAP_S, Oracle
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from barocast.runtime.alarm.events import (
    Acknowledge,
    AlarmSnapshot,
    AudioOff,
    FeedBack,
    FeedLost,
    NewCase,
    Part,
    PartFailed,
    PartWell,
    PauseAlarms,
    PauseAudio,
    ResumeAlarms,
    ResumeAudio,
    Tick,
)
from barocast.runtime.alarm.machine import snapshot
from barocast.runtime.alarm.restart import restored, stored
from barocast.runtime.alarm.rules import Priority
from barocast.runtime.domain import Abstain, Fault, Risk

STEPS = 100_000
"""Least that one run must take (requirement ALM-04)."""


RAISING = frozenset({"raised", "raised again", "escalated"})
LEGAL = {
    # (was, is) -> the words of which the log must have one; "" is none of them.
    ("absent", "active"): {"raised"},
    ("active", "active"): {"", "raised again", "escalated", "de-escalated"},
    ("active", "latched"): {"latched"},
    ("active", "absent"): {"cleared", "expired"},
    ("latched", "active"): {"raised again"},
    ("latched", "latched"): {""},
    ("latched", "absent"): {"cleared"},
}
PARTS = [(Part.SIGNAL, "ABP"), (Part.SINK, "mqtt"), (Part.SINK, "relay"), (Part.ENGINE, "engine")]
MOVES = [
    *[(risk(p), wait_s) for p in (0.0, 0.35, 0.41, 0.85) for wait_s in (30.0, 31.0)],
    *[(risk(p), 30.0) for p in (0.9, 0.9, 0.41, 0.0)],
    (risk(0.9, hypotensive=True), 30.0),
    (risk(0.1, hypotensive=True), 1.0),
    (Risk(0.0, (0.1, math.nan, 0.2), risk(0.1).forecast), 5.0),
    (Abstain(0.0, "no current MAP"), 30.0),
    (Abstain(0.0, "short history: 1 of 15 min"), 1.0),
    (Fault(0.0, "engine"), 1.0),
    *[(FeedLost(feed, 6.0, "silent"), 0.0) for feed in ("dri", "hl7")],
    *[(FeedBack(feed, 9.0), 1.0) for feed in ("dri", "hl7", "dri", "hl7")],
    *[(PartFailed(part, source, "broken"), 0.0) for part, source in PARTS],
    (PartFailed(Part.SINK, "mqtt", "broken", primary=True), 0.0),
    *[(PartWell(part, source), 1.0) for part, source in PARTS * 2],
    *[(Acknowledge(), wait_s) for wait_s in (0.0, 1.0)],
    (Acknowledge(1), 0.0),
    *[(PauseAudio(seconds), 0.0) for seconds in (10.0, 120.0, 3600.0)],
    *[(PauseAlarms(seconds), 0.0) for seconds in (10.0, 300.0, 3600.0)],
    *[(act(), 0.0) for act in (AudioOff, AudioOff, ResumeAudio, ResumeAlarms)],
    (NewCase(), 0.0),
    *[(Tick(), wait_s) for wait_s in (0.0, 1.0, 5.0, 31.0, 130.0, 1000.0)],
]
"""What may happen, and after how many seconds."""


class AnyHistory(RuleBasedStateMachine):
    """One bed, stepped by moves; the oracle is asked after every single one."""

    steps = 0
    """Of the machine, over all histories of this run."""

    @initialize(
        escalate_at=st.sampled_from([None, 0.8]), priority=st.sampled_from([Priority.LOW, Priority.MEDIUM])
    )
    def begin(self, escalate_at: float | None, priority: Priority):
        self.bed = Bed(replace(RULES, escalate_at=escalate_at, forecast_priority=priority))
        self.oracle = Oracle(priority)
        self.seen = snapshot(self.bed.state, 0.0)

    @rule(moves=st.lists(st.sampled_from(MOVES), min_size=40, max_size=80))
    def happen(self, moves):
        for event, wait_s in moves:
            self.play(event, wait_s)

    @rule(away_s=st.sampled_from([0.0, 5.0, 70.0, 400.0]))
    def restart(self, away_s: float):
        """The process begins anew: pauses keep their deadline, what stood of the patient stands."""
        bed, oracle, now_s = self.bed, self.oracle, self.bed.state.now_s + away_s
        bed.state, bed.now_s = restored(stored(bed.state), bed.state.rules, now_s, away_s), now_s
        oracle.restart(now_s)
        stood = [(c.key, c.occurrence) for c in self.seen.conditions if not c.technical]
        self.seen = snapshot(bed.state, now_s)
        assert [(c.key, c.occurrence) for c in self.seen.conditions] == stood
        self.counts_down()
        self.play(Tick(), 0.0)

    def play(self, event, wait_s: float):
        type(self).steps += 1
        bed, before, logged = self.bed, self.seen, len(self.bed.rows)
        told, paused = len(bed.applied), (self.oracle.audio, self.oracle.alarms)
        self.oracle.hear(event, bed.now_s + wait_s, before)
        bed.at(bed.now_s + wait_s, event)
        self.seen = snapshot(bed.state, bed.now_s)
        rows = bed.rows[logged:]
        self.is_legal(before, rows)
        self.is_what_the_oracle_says(before, rows)
        self.is_silent_for_a_reason(before, rows)
        self.is_consistent()
        self.counts_down()
        for was, now, word in zip(
            paused, (self.oracle.audio, self.oracle.alarms), ("audio enabled", "alarms enabled"), strict=True
        ):
            assert now or not was or word in {row.transition for row in rows}
        if self.seen.conditions != before.conditions or wait_s >= RULES.reassert_s:
            assert len(bed.applied) > told
        assert bed.applied[-1].conditions == self.seen.conditions
        bed.rows.clear()
        del bed.applied[:-1]

    def is_legal(self, before: AlarmSnapshot, rows) -> None:
        was, now = ({c.key: c for c in seen.conditions} for seen in (before, self.seen))
        for key in was | now:
            words = {r.transition for r in rows if (r.condition, r.source) == key and r.occurrence}
            words -= {"acknowledged", "suppressed"}
            allowed = LEGAL.get((shown(was.get(key)), shown(now.get(key))), set())
            # A change of patient may clear and raise a condition of the same name in one step.
            assert words <= allowed | ({"cleared"} if "new case" in {r.reason for r in rows} else set())
            assert words or "" in allowed
            fresh = key in now and (key not in was or now[key].occurrence != was[key].occurrence)
            assert fresh == bool(words & RAISING)

    def is_what_the_oracle_says(self, before: AlarmSnapshot, rows) -> None:
        known = {c.occurrence for c in before.conditions}
        for condition in self.seen.conditions:
            if condition.occurrence not in known:
                escalated = self.bed.state.facts.escalation.active
                self.oracle.raised(condition, escalated=escalated)
        technical = {c.key: int(c.priority) for c in self.seen.conditions if c.technical}
        demanded = self.oracle.technical(self.bed.state.now_s)
        assert technical.keys() == demanded.keys()
        assert all(demanded[key] in (None, priority) for key, priority in technical.items())
        told = {c.key: str(c.inactivation) for c in self.seen.conditions}
        assert told == {c.key: self.oracle.inactivation(c) for c in self.seen.conditions}
        assert self.seen.audio_off == bool(self.oracle.audio and math.isinf(self.oracle.audio[0]))

    def is_silent_for_a_reason(self, before: AlarmSnapshot, rows) -> None:
        """What was heard before and is shown still is silent by an act; what is new is logged as covered."""
        heard = {c.occurrence for c in before.conditions if c.inactivation == "enabled"}
        known = {c.occurrence for c in before.conditions}
        words = {(r.transition, r.occurrence) for r in rows}
        for condition in self.seen.conditions:
            silent = condition.inactivation != "enabled"
            begun = any((word, 0) in words for word in ("audio paused", "audio off", "alarm paused"))
            if silent and condition.occurrence in heard:
                assert begun or ("acknowledged", condition.occurrence) in words
            if silent and condition.occurrence not in known:
                assert ("suppressed", condition.occurrence) in words

    def counts_down(self) -> None:
        told = (self.seen.audio_pause_left_s, self.seen.alarm_pause_left_s)
        assert told == pytest.approx(self.oracle.left_s(self.bed.state.now_s))

    def is_consistent(self) -> None:
        now, facts = self.seen, self.bed.state.facts
        assert 0.0 <= now.audio_pause_left_s <= AUDIO_CAP_S
        assert 0.0 <= now.alarm_pause_left_s <= ALARM_CAP_S
        assert not (now.audio_off and now.audio_pause_left_s)
        assert now.audio_off or not now.reminder_due
        order = [(-c.priority, c.since_s, c.occurrence) for c in now.conditions]
        assert order == sorted(order)
        assert len({c.occurrence for c in now.conditions}) == len(order)
        assert all(c.priority <= Priority.MEDIUM and (c.active or c.latching) for c in now.conditions)
        names = {c.name for c in now.conditions if c.active}
        assert len(names & {"forecast hypotension", "frequent forecasts"}) <= 1
        if facts.trigger.active:
            assert names & {"forecast hypotension", "frequent forecasts", "forecast not available"} or (
                self.oracle.faulty
            )


def shown(condition) -> str:
    """Give a condition's place in LEGAL."""
    if condition is None:
        return "absent"
    return "active" if condition.active else "latched"


@pytest.mark.req("ALM-04", "ALM-05", "ALM-08")
def test_no_history_of_100_000_steps_leads_from_active_to_silent_without_an_operator_an_expiry_or_a_clear():
    AnyHistory.steps = 0
    run_state_machine_as_test(
        AnyHistory,
        settings=settings(
            max_examples=200,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

    assert AnyHistory.steps >= STEPS
