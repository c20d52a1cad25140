"""Technical conditions: about the forecast, the feed, and the parts that the alarm system stands on."""

from __future__ import annotations

import numpy as np
import pytest
from alarm_bed import FORECAST, Bed, alarming, risk

from barocast.runtime.alarm.events import (
    Acknowledge,
    FeedBack,
    FeedLost,
    Inactivation,
    NewCase,
    Part,
    PartFailed,
    PartWell,
    Tick,
)
from barocast.runtime.alarm.machine import alarm_word, snapshot
from barocast.runtime.alarm.rules import Priority
from barocast.runtime.domain import Abstain, Fault, Risk


@pytest.mark.req("INF-08")
def test_abstention_is_low_after_60_s_and_medium_after_300_s():
    bed = Bed()
    seen = []
    for now_s in (59.0, 60.0, 299.0, 300.0):
        bed.at(now_s, Abstain(now_s, "no current MAP: 0.5 of 15 min"))
        seen.append([(c.text, str(c.priority)) for c in bed.shown().values()])

    text = "forecast not available: no current MAP: 0.5 of 15 min"
    assert seen == [[], [(text, "low")], [(text, "low")], [(text, "medium")]]
    assert alarm_word(bed.state) == "none"


@pytest.mark.req("INF-08")
def test_silence_of_the_pipeline_itself_is_not_mistaken_for_calm():
    """No decision at all, only ticks: the condition comes as for an abstention."""
    assert Bed().at(60.0, Tick()).shown()["forecast not available"].text.endswith("no decision")


def test_a_usable_risk_clears_it():
    assert Bed().at(60.0, Tick()).risks(0.1).shown() == {}


@pytest.mark.req("INF-08")
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


@pytest.mark.req("INF-06")
@pytest.mark.parametrize("p", [(np.nan, 0.1, 0.2), (0.1, np.nan, 0.2), (0.1, 0.2, 1.5), (0.1, 0.2)])
def test_a_risk_that_is_no_probability_is_a_fault(p: tuple[float, float, float]):
    bed = Bed().at(1.0, Risk(1.0, p, FORECAST))

    assert bed.shown()["forecast fault"].priority is Priority.MEDIUM
    assert snapshot(bed.state, 1.0).decision.state == "fault"


def test_a_fault_stands_until_a_usable_risk_and_not_until_an_abstention():
    bed = Bed().at(1.0, Fault(1.0, "engine")).at(2.0, Abstain(2.0, "flush"))
    assert list(bed.shown()) == ["forecast fault"]

    assert bed.at(3.0, risk(0.1)).shown() == {}


def test_a_fault_takes_the_place_of_not_available_and_the_log_says_so():
    bed = Bed().at(60.0, Tick()).at(61.0, Fault(61.0, "engine"))

    assert list(bed.shown()) == ["forecast fault"]
    assert [(row.transition, row.condition, row.reason) for row in bed.rows[-2:]] == [
        ("cleared", "forecast not available", "forecast fault"),
        ("raised", "forecast fault", "forecast fault: engine"),
    ]


def test_each_lost_feed_is_its_own_condition_and_says_when_it_is_back():
    bed = Bed().at(10.0, FeedLost("dri", 6.0, "silent"), FeedLost("hl7", 8.0, "refused"))
    assert [c.text for c in snapshot(bed.state, 10.0).conditions] == [
        "feed lost: dri: silent, quiet for 6 s",
        "feed lost: hl7: refused, quiet for 8 s",
    ]

    bed.at(20.0, FeedBack("dri", 16.0))

    assert [c.source for c in snapshot(bed.state, 20.0).conditions] == ["hl7"]
    assert (bed.rows[-1].transition, bed.rows[-1].reason) == ("cleared", "back after 16 s")


def test_a_case_that_has_just_begun_is_said_and_not_escalated():
    """Fifteen minutes of history are needed; a medium alarm in every case's fifth minute would be noise."""
    bed = Bed()
    for minute in range(1, 15):
        bed.at(60.0 * minute, Abstain(60.0 * minute, f"short history: {minute:.1f} of 15 min"))

    assert bed.shown()["forecast not available"].priority is Priority.LOW


# --- parts --------------------------------------------------------------------------------------


@pytest.mark.req("ALM-01", "ALM-10")
@pytest.mark.parametrize(
    ("part", "primary", "priority"),
    [
        (Part.SIGNAL, False, "low"),
        (Part.SINK, False, "low"),
        (Part.SINK, True, "medium"),
        (Part.LOG, False, "low"),
        (Part.CLOCK, False, "low"),
        (Part.ENGINE, False, "medium"),
    ],
)
def test_each_part_that_fails_is_a_condition_of_its_own_until_it_works_again(part, primary, priority):
    bed = Bed().at(1.0, PartFailed(part, "it", "broken", primary=primary))
    condition = bed.shown()[str(part)]
    assert (str(condition.priority), condition.technical) == (priority, True)
    assert condition.text == f"{part}: it: broken"

    bed.at(2.0, PartWell(part, "another"))
    assert str(part) in bed.shown()

    bed.at(3.0, PartWell(part, "it"))
    assert bed.shown() == {}
    assert (bed.rows[-1].transition, bed.rows[-1].reason) == ("cleared", "works again")


def test_a_part_that_fails_for_another_reason_is_the_same_occurrence_with_another_text():
    bed = Bed().at(1.0, PartFailed(Part.SIGNAL, "ABP", "flush"), Acknowledge())
    bed.at(2.0, PartFailed(Part.SIGNAL, "ABP", "zeroing"))

    condition = bed.shown()["signal not usable"]
    assert (condition.text, condition.occurrence) == ("signal not usable: ABP: zeroing", 1)
    assert condition.inactivation is Inactivation.ACKNOWLEDGED
    assert bed.applied[-1].now_s == 2.0


def test_two_sinks_that_fail_are_two_conditions():
    bed = Bed().at(1.0, PartFailed(Part.SINK, "mqtt", "refused"), PartFailed(Part.SINK, "relay", "gone"))

    assert [c.source for c in snapshot(bed.state, 1.0).conditions] == ["mqtt", "relay"]


def test_another_patient_leaves_the_trouble_of_the_box():
    bed = Bed().at(1.0, Fault(1.0, "engine"), PartFailed(Part.LOG, "log", "disk full"), NewCase())

    assert sorted(bed.shown()) == ["forecast fault", "log fault"]
