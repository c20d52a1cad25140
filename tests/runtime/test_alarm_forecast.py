"""Forecast hypotension: raised by two of two, cleared below p_off, not about a patient who is low already."""

from __future__ import annotations

from dataclasses import replace

from alarm_bed import ESCALATING, MEDIUM, Bed, alarming, spells

from barocast.calibration.trigger import TriggerRules
from barocast.runtime.alarm.machine import alarm_word, snapshot
from barocast.runtime.alarm.rules import AlarmRules, Priority
from barocast.runtime.domain import Fault


def test_two_high_risks_raise_an_advisory_with_its_reason_score_and_threshold():
    bed = alarming()

    condition = bed.shown()["forecast hypotension"]
    row = bed.rows[-1]
    assert (condition.priority, condition.since_s, condition.technical) == (Priority.LOW, 60.0, False)
    assert condition.text == "hypotension forecast: 90% within 10 min"
    assert (row.transition, row.score, row.threshold, row.priority) == ("raised", 0.9, 0.4, "low")
    assert alarm_word(bed.state) == "advisory"


def test_one_high_risk_raises_nothing():
    bed = Bed().risks(0.9)

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


def test_a_risk_of_a_hypotensive_patient_raises_nothing_and_counts_for_nothing():
    """Nor is it the first of the two: validation leaves such moments out."""
    assert Bed().low(0.9, 0.9, 0.9).risks(0.9).shown() == {}
    assert list(Bed().risks(0.9).low(*[0.1] * 3).risks(0.9).shown()) == ["forecast hypotension"]


def test_a_risk_of_a_hypotensive_patient_is_a_risk_all_the_same():
    bed = Bed().at(1.0, Fault(1.0, "engine")).low(*[0.9] * 20)

    assert bed.shown() == {}
    assert snapshot(bed.state, bed.now_s).decision.risk[1] == 0.9


def test_an_activation_stands_through_hypotension_and_ends_below_p_off():
    bed = alarming().low(*[0.35] * 30)
    assert bed.shown()["forecast hypotension"].occurrence == 1

    assert bed.low(0.29).shown() == {}
    assert bed.rows[-1].reason == "risk below p_off"


def test_a_hypotensive_patient_neither_escalates_nor_raises_again():
    bed = Bed(ESCALATING).risks(0.5, 0.5).low(*[0.9] * 30)

    assert bed.transitions() == [("raised", "forecast hypotension")]


def test_a_latched_advisory_whose_cause_has_gone_is_shown_and_is_no_alarm_of_a_later_decision():
    """Nobody acknowledges in a replay: one busy hour must not mark the rest of the case as alarming."""
    bed = spells(Bed(), 3)
    bed.risks(0.05, 0.05)

    assert not bed.shown()["frequent forecasts"].active
    assert alarm_word(bed.state) == "none"
