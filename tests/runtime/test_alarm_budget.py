"""Refractory, budget, escalation, horizon: what holds a forecast back, and that none is dropped."""

from __future__ import annotations

import pytest
from alarm_bed import ESCALATING, MEDIUM, Bed, alarming, spells

from barocast.runtime.alarm.events import (
    Acknowledge,
    Inactivation,
)
from barocast.runtime.alarm.machine import snapshot
from barocast.runtime.alarm.rules import Priority


@pytest.mark.req("ALM-08")
def test_a_risk_held_back_by_the_refractory_is_logged_once_and_raised_when_it_is_over():
    bed = alarming().risks(0.1).risks(*[0.9] * 9)

    assert bed.transitions()[-3:] == [
        ("cleared", "forecast hypotension"),
        ("suppressed", "forecast hypotension"),
        ("raised", "forecast hypotension"),
    ]
    assert bed.rows[-2].reason == "refractory: 210 s left"
    assert bed.rows[-1].now_s == 360.0


@pytest.mark.req("ALM-08")
def test_activations_over_the_budget_become_one_latched_advisory_and_each_is_logged():
    bed = spells(Bed(MEDIUM), 4)

    frequent = bed.shown()["frequent forecasts"]
    assert (frequent.priority, frequent.latching, frequent.active) == (Priority.LOW, True, False)
    assert frequent.text == "frequent forecasts: 2 beyond 2 in the last hour"
    assert bed.transitions().count(("raised", "forecast hypotension")) == 2
    suppressed = [row.reason for row in bed.rows if row.transition == "suppressed"]
    assert suppressed == ["budget: 2 activations within the hour"] * 2


def test_a_latched_advisory_that_is_met_again_is_a_new_occurrence():
    bed = spells(Bed(), 4)

    again = bed.shown()["frequent forecasts"]
    assert ("raised again", "frequent forecasts") in bed.transitions()
    assert (again.occurrence, again.since_s) == (4, 1860.0)


def test_an_hour_later_the_budget_is_free_again():
    bed = spells(Bed(), 3)
    bed.at(3700.0, Acknowledge()).risks(0.9, 0.9)

    assert list(bed.shown()) == ["forecast hypotension"]


def test_a_latched_advisory_goes_only_by_its_acknowledgement():
    bed = spells(Bed(), 3)
    assert "frequent forecasts" in bed.shown()

    bed.at(bed.now_s, Acknowledge())

    assert bed.shown() == {}
    assert [(row.transition, row.reason) for row in bed.rows[-2:]] == [
        ("acknowledged", "operator"),
        ("cleared", "operator"),
    ]


def test_an_acknowledged_advisory_stays_shown_while_its_cause_lasts():
    bed = spells(Bed(), 2).risks(0.9, 0.9).at(1290.0, Acknowledge())
    assert bed.shown()["frequent forecasts"].inactivation is Inactivation.ACKNOWLEDGED

    bed.risks(0.1)

    assert bed.shown() == {}


def test_escalation_is_a_new_occurrence_that_an_acknowledgement_does_not_cover():
    bed = Bed(ESCALATING).risks(0.5, 0.5)
    bed.at(60.0, Acknowledge()).risks(0.9, 0.9)

    condition = bed.shown()["forecast hypotension"]
    assert (condition.priority, condition.inactivation) == (Priority.MEDIUM, Inactivation.ENABLED)
    assert (condition.since_s, condition.occurrence) == (60.0, 2)


@pytest.mark.req("ALM-08")
def test_escalation_breaks_the_refractory():
    bed = Bed(ESCALATING).risks(0.5, 0.5, 0.1, 0.9, 0.9)

    assert bed.shown()["forecast hypotension"].priority is Priority.MEDIUM


@pytest.mark.req("ALM-08")
def test_escalation_is_not_coalesced():
    bed = spells(Bed(ESCALATING), 2).risks(0.5, 0.5)
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
