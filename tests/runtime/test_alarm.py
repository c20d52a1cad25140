"""The alarm machine, step by step: raising, holding back, acknowledging, pausing, expiring, healing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from barocast.calibration.trigger import TriggerRules
from barocast.runtime.alarm.events import (
    Acknowledge,
    AlarmEvent,
    AlarmSnapshot,
    Apply,
    Condition,
    FeedBack,
    FeedLost,
    Inactivation,
    Log,
    LogRow,
    PauseAudio,
    ResumeAudio,
    Tick,
)
from barocast.runtime.alarm.machine import AlarmState, alarm_word, snapshot, start, step
from barocast.runtime.alarm.rules import AlarmRules, Priority, forecast_priority
from barocast.runtime.domain import Abstain, Fault, Forecast, Risk
from barocast.runtime.errors import SettingsError

RULES = AlarmRules(TriggerRules(p_on=0.4, p_off=0.3))
MEDIUM = replace(RULES, forecast_priority=Priority.MEDIUM)
CURVE = np.linspace(80.0, 60.0, 15)
FORECAST = Forecast(np.zeros(3), np.arange(1.0, 16.0), CURVE - 5, CURVE, CURVE + 5, {})
STEP_S = 30.0


def risk(p: float, *, hypotensive: bool = False) -> Risk:
    return Risk(0.0, (p / 2, p, min(1.0, p * 1.1)), FORECAST, hypotensive)


class Bedside:
    """A machine with its clock, and everything that it has said."""

    def __init__(self, rules: AlarmRules = RULES) -> None:
        self.now_s, self.state = 0.0, start(rules, 0.0)
        self.rows: list[LogRow] = []
        self.applied: list[AlarmSnapshot] = []

    def at(self, now_s: float, *events: AlarmEvent) -> Bedside:
        self.now_s = now_s
        for event in events:
            self.state, effects = step(self.state, event, now_s)
            self.rows += [e.row for e in effects if isinstance(e, Log)]
            self.applied += [e.snapshot for e in effects if isinstance(e, Apply)]
        return self

    def risks(self, *ps: float) -> Bedside:
        for p in ps:
            self.at(self.now_s + STEP_S, risk(p))
        return self

    def low(self, *ps: float) -> Bedside:
        """Risks of a patient who is hypotensive already."""
        for p in ps:
            self.at(self.now_s + STEP_S, risk(p, hypotensive=True))
        return self

    def shown(self) -> dict[str, Condition]:
        return {c.name: c for c in snapshot(self.state, self.now_s).conditions}

    def transitions(self) -> list[tuple[str, str]]:
        return [(row.transition, row.condition) for row in self.rows]


def alarming(rules: AlarmRules = RULES) -> Bedside:
    """Two high risks, so that `forecast hypotension` stands; now is 60 s."""
    return Bedside(rules).risks(0.9, 0.9)


# --- forecast hypotension -----------------------------------------------------------------------


def test_two_high_risks_raise_an_advisory_with_its_reason_score_and_threshold():
    bed = alarming()

    condition = bed.shown()["forecast hypotension"]
    row = bed.rows[-1]
    assert (condition.priority, condition.since_s, condition.technical) == (Priority.LOW, 60.0, False)
    assert condition.text == "hypotension forecast: 90% within 10 min"
    assert (row.transition, row.score, row.threshold, row.priority) == ("raised", 0.9, 0.4, "low")
    assert alarm_word(bed.state) == "advisory"


def test_one_high_risk_raises_nothing():
    bed = Bedside().risks(0.9)

    assert (bed.shown(), alarm_word(bed.state)) == ({}, "none")


def test_only_the_rules_horizon_raises():
    """0.9 within 10 min is 0.45 within 5: under a threshold of 0.6 only the 10 min risk exceeds."""
    five = AlarmRules(TriggerRules(p_on=0.6, p_off=0.5), horizon_min=5)

    assert alarming(five).shown() == {}
    assert "forecast hypotension" in alarming(replace(five, horizon_min=10)).shown()


def test_the_setting_makes_it_medium():
    assert alarm_word(alarming(MEDIUM).state) == "medium"


def test_it_clears_below_p_off_and_not_between_the_thresholds():
    bed = alarming().risks(0.35)
    assert "forecast hypotension" in bed.shown()

    bed.risks(0.29)

    assert bed.shown() == {}
    assert bed.rows[-1].transition == "cleared"
    assert bed.rows[-1].threshold == 0.3


def test_a_risk_held_back_by_the_refractory_is_logged_once_and_raised_when_it_is_over():
    bed = alarming().risks(0.1).risks(*[0.9] * 9)

    assert bed.transitions()[-3:] == [
        ("cleared", "forecast hypotension"),
        ("suppressed", "forecast hypotension"),
        ("raised", "forecast hypotension"),
    ]
    assert bed.rows[-2].reason == "refractory: 210 s left"
    assert bed.rows[-1].now_s == 360.0


def spells(bed: Bedside, count: int) -> Bedside:
    """Let the risk rise and fall `count` times, ten minutes apart."""
    for _ in range(count):
        bed.risks(0.9, 0.9, 0.1, *[0.1] * 17)
    return bed


def test_activations_over_the_budget_become_one_latched_advisory_and_each_is_logged():
    bed = spells(Bedside(MEDIUM), 4)

    frequent = bed.shown()["frequent forecasts"]
    assert (frequent.priority, frequent.latching, frequent.active) == (Priority.LOW, True, False)
    assert frequent.text == "frequent forecasts: 2 beyond 2 in the last hour"
    assert bed.transitions().count(("raised", "forecast hypotension")) == 2
    suppressed = [row.reason for row in bed.rows if row.transition == "suppressed"]
    assert suppressed == ["budget: 2 activations within the hour"] * 2


def test_a_latched_advisory_that_is_met_again_is_a_new_occurrence():
    bed = spells(Bedside(), 4)

    again = bed.shown()["frequent forecasts"]
    assert ("raised again", "frequent forecasts") in bed.transitions()
    assert (again.occurrence, again.since_s) == (4, 1860.0)


def test_an_hour_later_the_budget_is_free_again():
    bed = spells(Bedside(), 3)
    bed.at(3700.0, Acknowledge()).risks(0.9, 0.9)

    assert list(bed.shown()) == ["forecast hypotension"]


def test_a_latched_advisory_goes_only_by_its_acknowledgement():
    bed = spells(Bedside(), 3)
    assert "frequent forecasts" in bed.shown()

    bed.at(bed.now_s, Acknowledge())

    assert bed.shown() == {}
    assert [(row.transition, row.reason) for row in bed.rows[-2:]] == [
        ("acknowledged", "operator"),
        ("cleared", "operator"),
    ]


def test_an_acknowledged_advisory_stays_shown_while_its_cause_lasts():
    bed = spells(Bedside(), 2).risks(0.9, 0.9).at(1290.0, Acknowledge())
    assert bed.shown()["frequent forecasts"].inactivation is Inactivation.ACKNOWLEDGED

    bed.risks(0.1)

    assert bed.shown() == {}


ESCALATING = replace(RULES, escalate_at=0.8)


def test_escalation_is_a_new_occurrence_that_an_acknowledgement_does_not_cover():
    bed = Bedside(ESCALATING).risks(0.5, 0.5)
    bed.at(60.0, Acknowledge()).risks(0.9, 0.9)

    condition = bed.shown()["forecast hypotension"]
    assert (condition.priority, condition.inactivation) == (Priority.MEDIUM, Inactivation.ENABLED)
    assert (condition.since_s, condition.occurrence) == (60.0, 2)


def test_escalation_breaks_the_refractory():
    bed = Bedside(ESCALATING).risks(0.5, 0.5, 0.1, 0.9, 0.9)

    assert bed.shown()["forecast hypotension"].priority is Priority.MEDIUM


def test_escalation_is_not_coalesced():
    bed = spells(Bedside(ESCALATING), 2).risks(0.5, 0.5)
    assert list(bed.shown()) == ["frequent forecasts"]

    bed.risks(0.9, 0.9)

    assert list(bed.shown()) == ["forecast hypotension", "frequent forecasts"]


def test_an_activation_that_stands_for_its_whole_horizon_is_raised_again_unacknowledged():
    """Raised at 60 s and acknowledged; at 660 s the risk is still above p_on."""
    bed = alarming().at(61.0, Acknowledge()).at(60.0).risks(*[0.5] * 19)
    assert snapshot(bed.state, bed.now_s).sounding is None

    bed.risks(0.5)

    condition = bed.shown()["forecast hypotension"]
    assert (condition.since_s, condition.occurrence, condition.inactivation) == (
        660.0,
        2,
        Inactivation.ENABLED,
    )
    assert (bed.rows[-1].transition, bed.rows[-1].occurrence) == ("raised again", 2)
    assert bed.risks(*[0.5] * 19).transitions()[-1][0] == "raised again"
    assert bed.rows[-1].now_s == 660.0


def test_an_activation_whose_horizon_passes_between_the_thresholds_ends():
    bed = alarming().risks(*[0.35] * 20)

    assert bed.shown() == {}
    assert (bed.rows[-1].transition, bed.rows[-1].reason, bed.rows[-1].now_s) == (
        "cleared",
        "horizon passed, risk below p_on",
        660.0,
    )


def test_a_forecast_raised_again_at_its_horizon_is_no_new_activation_of_the_budget():
    assert list(alarming().risks(*[0.9] * 110).shown()) == ["forecast hypotension"]


# --- already hypotensive ------------------------------------------------------------------------


def test_a_risk_of_a_hypotensive_patient_raises_nothing_and_counts_for_nothing():
    """Nor is it the first of the two: validation leaves such moments out."""
    assert Bedside().low(0.9, 0.9, 0.9).risks(0.9).shown() == {}
    assert list(Bedside().risks(0.9).low(*[0.1] * 3).risks(0.9).shown()) == ["forecast hypotension"]


def test_a_risk_of_a_hypotensive_patient_is_a_risk_all_the_same():
    bed = Bedside().at(1.0, Fault(1.0, "engine")).low(*[0.9] * 20)

    assert bed.shown() == {}
    assert snapshot(bed.state, bed.now_s).decision.risk[1] == 0.9


def test_an_activation_stands_through_hypotension_and_ends_below_p_off():
    bed = alarming().low(*[0.35] * 30)
    assert bed.shown()["forecast hypotension"].occurrence == 1

    assert bed.low(0.29).shown() == {}
    assert bed.rows[-1].reason == "risk below p_off"


def test_a_hypotensive_patient_neither_escalates_nor_raises_again():
    bed = Bedside(ESCALATING).risks(0.5, 0.5).low(*[0.9] * 30)

    assert bed.transitions() == [("raised", "forecast hypotension")]


# --- technical conditions -----------------------------------------------------------------------


def test_abstention_is_low_after_60_s_and_medium_after_300_s():
    bed = Bedside()
    seen = []
    for now_s in (59.0, 60.0, 299.0, 300.0):
        bed.at(now_s, Abstain(now_s, "no current MAP: 0.5 of 15 min"))
        seen.append([(c.text, str(c.priority)) for c in bed.shown().values()])

    text = "forecast not available: no current MAP: 0.5 of 15 min"
    assert seen == [[], [(text, "low")], [(text, "low")], [(text, "medium")]]
    assert alarm_word(bed.state) == "none"


def test_silence_of_the_pipeline_itself_is_not_mistaken_for_calm():
    """No decision at all, only ticks: the condition comes as for an abstention."""
    assert Bedside().at(60.0, Tick()).shown()["forecast not available"].text.endswith("no decision")


def test_a_usable_risk_clears_it():
    assert Bedside().at(60.0, Tick()).risks(0.1).shown() == {}


def test_an_expired_forecast_alarm_hands_over_in_one_step():
    """The last risk stands for 60 s; then the technical condition takes its place, never silence."""
    bed = alarming().at(119.0, Abstain(119.0, "flush"))
    assert list(bed.shown()) == ["forecast hypotension"]

    bed.at(120.0, Tick())

    assert list(bed.shown()) == ["forecast not available"]
    assert ("expired", "forecast hypotension") in bed.transitions()


def test_a_risk_still_high_after_a_gap_alarms_again_at_once():
    bed = alarming().at(120.0, Tick()).at(130.0, risk(0.9))

    assert list(bed.shown()) == ["forecast hypotension"]
    assert bed.shown()["forecast hypotension"].since_s == 130.0


@pytest.mark.parametrize("gap_s", [60.0, 7200.0])
def test_after_a_gap_a_risk_between_the_thresholds_raises_nothing(gap_s: float):
    bed = alarming()
    bed.at(bed.now_s + gap_s, Tick(), risk(0.35))

    assert bed.shown() == {}
    assert bed.transitions().count(("raised", "forecast hypotension")) == 1


def test_without_ticks_the_log_says_that_the_gap_ended_it():
    bed = alarming().at(160.0, risk(0.35))

    assert (bed.shown(), bed.rows[-1].reason) == ({}, "no risk for 100 s")


def test_after_two_hours_one_high_risk_is_not_yet_a_run():
    bed = alarming().at(7260.0, Tick(), risk(0.9))
    assert bed.shown() == {}

    assert list(bed.risks(0.9).shown()) == ["forecast hypotension"]


def test_after_a_gap_a_risk_that_had_ended_is_still_held_by_the_refractory():
    bed = alarming().risks(0.1).at(160.0, risk(0.9)).risks(0.9)

    assert bed.shown() == {}
    assert bed.rows[-1].reason == "refractory: 170 s left"


def test_after_a_gap_a_hypotensive_patient_is_not_alarmed_on_again():
    assert alarming().at(130.0, Tick(), risk(0.9, hypotensive=True)).shown() == {}


@pytest.mark.parametrize("p", [(np.nan, 0.1, 0.2), (0.1, np.nan, 0.2), (0.1, 0.2, 1.5), (0.1, 0.2)])
def test_a_risk_that_is_no_probability_is_a_fault(p: tuple[float, float, float]):
    bed = Bedside().at(1.0, Risk(1.0, p, FORECAST))

    assert bed.shown()["forecast fault"].priority is Priority.MEDIUM
    assert snapshot(bed.state, 1.0).decision.state == "fault"


def test_a_fault_stands_until_a_usable_risk_and_not_until_an_abstention():
    bed = Bedside().at(1.0, Fault(1.0, "engine")).at(2.0, Abstain(2.0, "flush"))
    assert list(bed.shown()) == ["forecast fault"]

    assert bed.at(3.0, risk(0.1)).shown() == {}


def test_a_fault_takes_the_place_of_not_available_and_the_log_says_so():
    bed = Bedside().at(60.0, Tick()).at(61.0, Fault(61.0, "engine"))

    assert list(bed.shown()) == ["forecast fault"]
    assert [(row.transition, row.condition, row.reason) for row in bed.rows[-2:]] == [
        ("cleared", "forecast not available", "forecast fault"),
        ("raised", "forecast fault", "forecast fault: engine"),
    ]


def test_each_lost_feed_is_its_own_condition_and_says_when_it_is_back():
    bed = Bedside().at(10.0, FeedLost("dri", 6.0, "silent"), FeedLost("hl7", 8.0, "refused"))
    assert [c.text for c in snapshot(bed.state, 10.0).conditions] == [
        "feed lost: dri: silent, quiet for 6 s",
        "feed lost: hl7: refused, quiet for 8 s",
    ]

    bed.at(20.0, FeedBack("dri", 16.0))

    assert [c.source for c in snapshot(bed.state, 20.0).conditions] == ["hl7"]
    assert (bed.rows[-1].transition, bed.rows[-1].reason) == ("cleared", "back after 16 s")


# --- the operator -------------------------------------------------------------------------------


def test_an_acknowledgement_stops_the_sound_and_keeps_the_sign():
    bed = alarming().at(61.0, Acknowledge())

    assert snapshot(bed.state, 61.0).sounding is None
    assert bed.shown()["forecast hypotension"].inactivation is Inactivation.ACKNOWLEDGED
    assert alarm_word(bed.state) == "advisory"


def test_an_acknowledgement_does_not_cover_the_next_occurrence():
    bed = alarming().at(61.0, Acknowledge()).risks(0.1).risks(*[0.9] * 10)

    assert snapshot(bed.state, bed.now_s).sounding is Priority.LOW


def test_an_acknowledgement_of_a_former_occurrence_is_without_effect():
    bed = alarming()
    old = bed.shown()["forecast hypotension"].occurrence
    bed.risks(0.1).risks(*[0.9] * 10).at(bed.now_s, Acknowledge(old))

    assert snapshot(bed.state, bed.now_s).sounding is Priority.LOW


def test_an_acknowledgement_names_one_of_several():
    bed = alarming().at(61.0, FeedLost("dri", 6.0, "silent"))
    bed.at(62.0, Acknowledge(bed.shown()["feed lost"].occurrence))

    assert {name: str(c.inactivation) for name, c in bed.shown().items()} == {
        "forecast hypotension": "enabled",
        "feed lost": "acknowledged",
    }


def test_an_audio_pause_counts_down_and_ends_by_itself():
    bed = alarming().at(61.0, PauseAudio(20.0))
    assert snapshot(bed.state, 71.0).audio_pause_left_s == 10.0
    assert snapshot(bed.state, 71.0).sounding is None

    bed.at(81.0, risk(0.9))

    assert bed.applied[-1].sounding is Priority.LOW
    assert ("audio enabled", "") in bed.transitions()


def test_an_audio_pause_is_never_longer_than_120_s():
    bed = alarming().at(61.0, PauseAudio(3600.0))

    assert snapshot(bed.state, 61.0).audio_pause_left_s == 120.0


def test_the_sinks_are_told_of_a_pause_even_when_nothing_is_shown():
    bed = Bedside().at(1.0, Tick(), PauseAudio(60.0), ResumeAudio())

    assert [s.audio_pause_left_s for s in bed.applied] == [0.0, 60.0, 0.0]


def test_a_condition_of_the_same_priority_leaves_the_pause_and_a_higher_one_breaks_it():
    bed = alarming().at(61.0, PauseAudio(120.0), FeedLost("dri", 6.0, "silent"))
    assert snapshot(bed.state, 61.0).sounding is None

    bed.at(62.0, Fault(62.0, "engine"))

    assert snapshot(bed.state, 62.0).sounding is Priority.MEDIUM
    assert bed.rows[-1].reason == "higher priority: forecast fault"


def test_a_pause_that_began_with_nothing_shown_covers_nothing():
    bed = Bedside().at(1.0, PauseAudio(120.0), FeedLost("dri", 6.0, "silent"))

    assert snapshot(bed.state, 1.0).sounding is Priority.LOW


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_a_pause_that_cannot_be_meant_is_refused(seconds: float):
    with pytest.raises(ValueError, match="cannot be meant"):
        PauseAudio(seconds)


# --- what the sinks are told --------------------------------------------------------------------


def test_the_whole_state_is_applied_on_every_change_and_again_within_five_seconds():
    bed = Bedside()
    for now_s in range(21):
        bed.at(float(now_s), Tick())
    bed.at(21.0, FeedLost("dri", 6.0, "silent"))

    assert [s.now_s for s in bed.applied] == [0.0, 5.0, 10.0, 15.0, 20.0, 21.0]


def test_a_machine_started_amid_a_high_risk_alarms_after_its_two_evaluations():
    """Nothing is remembered from before a restart, and nothing has to change first."""
    assert list(alarming().shown()) == ["forecast hypotension"]


def test_a_clock_that_steps_back_neither_raises_nor_prolongs():
    bed = alarming().at(61.0, PauseAudio(20.0)).at(-1000.0, Tick())

    assert bed.state.now_s == 61.0
    assert bed.at(81.0, Tick()).applied[-1].sounding is Priority.LOW


def test_a_time_that_is_none_is_a_programming_error():
    with pytest.raises(ValueError, match="no time"):
        step(start(RULES, 0.0), Tick(), float("nan"))


# --- the rules ----------------------------------------------------------------------------------


def test_the_settings_words_for_priority():
    assert [forecast_priority(word) for word in ("advisory", "medium")] == [Priority.LOW, Priority.MEDIUM]


@pytest.mark.parametrize(("word", "said"), [("high", "never a high-priority"), ("loud", "'loud' is not one")])
def test_a_priority_that_a_forecast_cannot_have_is_refused(word: str, said: str):
    with pytest.raises(SettingsError, match=said):
        forecast_priority(word)


@pytest.mark.parametrize(
    "changes",
    [
        {"forecast_priority": Priority.HIGH},
        {"horizon_min": 7},
        {"budget_per_h": 0},
        {"unavailable_low_s": 400.0},
        {"audio_pause_max_s": 121.0},
        {"reassert_s": 6.0},
        {"escalate_at": 0.42},
    ],
)
def test_rules_that_cannot_be_meant_are_refused(changes: dict[str, float]):
    with pytest.raises(SettingsError, match="alarm rules: "):
        replace(RULES, **changes)


# --- any history --------------------------------------------------------------------------------


class AnyHistory(RuleBasedStateMachine):
    """Any decisions, feeds, operators and waits; what must hold after each."""

    ALLOWED_SILENCERS = frozenset(
        {"acknowledged", "audio paused", "cleared", "expired", "latched", "de-escalated"}
    )

    @initialize(
        escalate_at=st.sampled_from([None, 0.8]), priority=st.sampled_from([Priority.LOW, Priority.MEDIUM])
    )
    def begin(self, escalate_at: float | None, priority: Priority):
        self.bed = Bedside(replace(RULES, escalate_at=escalate_at, forecast_priority=priority))
        self.lost: set[str] = set()
        self.faulty = False
        self.risk_s = 0.0
        self.run: list[float] = []

    def play(self, event: AlarmEvent, wait_s: float = 0.0):
        """One step, and the promise about silence."""
        before = snapshot(self.bed.state, self.bed.now_s)
        logged, told = len(self.bed.rows), len(self.bed.applied)
        self.bed.at(self.bed.now_s + wait_s, event)
        after = snapshot(self.bed.state, self.bed.now_s)
        reasons = {row.transition for row in self.bed.rows[logged:]}
        if (after.sounding or 0) < (before.sounding or 0):
            assert reasons & self.ALLOWED_SILENCERS
        if after.conditions != before.conditions or wait_s >= RULES.reassert_s:
            assert len(self.bed.applied) > told

    @rule(
        p=st.sampled_from([0.0, 0.29, 0.35, 0.4, 0.6, 0.85, 1.0]),
        hypotensive=st.booleans(),
        wait_s=st.sampled_from([1.0, 30.0, 59.0, 60.0]),
    )
    def risk(self, p: float, *, hypotensive: bool, wait_s: float):
        self.faulty = False
        was = {(c.name, c.occurrence) for c in self.bed.shown().values()}
        self.play(risk(p, hypotensive=hypotensive), wait_s)
        if hypotensive or p < RULES.trigger.p_on:
            assert {(c.name, c.occurrence) for c in self.bed.shown().values()} <= was
        self.risk_s = self.bed.now_s

    @rule(reason=st.sampled_from(["flush", "no current MAP"]), wait_s=st.sampled_from([1.0, 30.0]))
    def abstain(self, reason: str, wait_s: float):
        self.play(Abstain(0.0, reason), wait_s)

    @rule(event=st.sampled_from([Fault(0.0, "engine"), Risk(0.0, (0.1, float("nan"), 0.2), FORECAST)]))
    def fault(self, event: AlarmEvent):
        self.faulty = True
        self.play(event)

    @rule(feed=st.sampled_from(["dri", "hl7"]))
    def lose(self, feed: str):
        self.lost.add(feed)
        self.play(FeedLost(feed, 6.0, "silent"))

    @precondition(lambda self: self.lost)
    @rule()
    def regain(self):
        self.play(FeedBack(self.lost.pop(), 9.0))

    @rule(event=st.sampled_from([Acknowledge(), Acknowledge(1), PauseAudio(300.0), ResumeAudio()]))
    def operate(self, event: AlarmEvent):
        self.play(event)

    @rule(wait_s=st.sampled_from([0.0, 1.0, 31.0, 130.0, 1000.0, -50.0]))
    def wait(self, wait_s: float):
        self.play(Tick(), max(0.0, wait_s))

    @invariant()
    def conditions_are_exactly_what_the_facts_demand(self):
        shown = self.bed.shown()
        assert ("feed lost" in shown) == bool(self.lost)
        assert ("forecast fault" in shown) == self.faulty
        stale = self.bed.state.now_s - self.risk_s >= RULES.unavailable_low_s
        told = self.bed.state.applied is not None
        assert ("forecast not available" in shown) == (told and stale and not self.faulty)

    @invariant()
    def an_active_trigger_is_shown_unless_a_technical_condition_stands_for_it(self):
        facts, shown = self.bed.state.facts, self.bed.shown()
        if facts.trigger.active and self.bed.state.applied is not None:
            assert shown.keys() & {
                "forecast hypotension",
                "frequent forecasts",
                "forecast not available",
                "forecast fault",
            }

    @invariant()
    def the_snapshot_is_lawful(self):
        now = snapshot(self.bed.state, self.bed.now_s)
        assert 0.0 <= now.audio_pause_left_s <= 120.0
        assert all(c.priority <= Priority.MEDIUM for c in now.conditions)
        assert [c.priority for c in now.conditions] == sorted(
            (c.priority for c in now.conditions), reverse=True
        )
        assert len({c.occurrence for c in now.conditions}) == len(now.conditions)
        assert all(c.active or c.latching for c in now.conditions)


TestAnyHistory = AnyHistory.TestCase
TestAnyHistory.settings = settings(max_examples=100, stateful_step_count=60, deadline=None)


def test_ten_thousand_steps_leave_a_state_of_bounded_size():
    state: AlarmState = start(RULES, 0.0)
    for i in range(10_000):
        state, _ = step(state, risk(0.9 if i % 40 < 20 else 0.1), i * 15.0)

    assert len(state.facts.activations_s) <= RULES.budget_per_h
    assert len(state.facts.excess_s) <= 3600 / 300
    assert len(state.conditions) <= 2


def test_a_case_that_has_just_begun_is_said_and_not_escalated():
    """Fifteen minutes of history are needed; a medium alarm in every case's fifth minute would be noise."""
    bed = Bedside()
    for minute in range(1, 15):
        bed.at(60.0 * minute, Abstain(60.0 * minute, f"short history: {minute:.1f} of 15 min"))

    assert bed.shown()["forecast not available"].priority is Priority.LOW


def test_a_latched_advisory_whose_cause_has_gone_is_shown_and_is_no_alarm_of_a_later_decision():
    """Nobody acknowledges in a replay: one busy hour must not mark the rest of the case as alarming."""
    bed = spells(Bedside(), 3)
    bed.risks(0.05, 0.05)

    assert not bed.shown()["frequent forecasts"].active
    assert alarm_word(bed.state) == "none"
