"""The operator: acknowledging, pausing the audio, and what breaks every pause."""

from __future__ import annotations

import pytest
from alarm_bed import ESCALATING, Bed, alarming, risk

from barocast.runtime.alarm.events import (
    Acknowledge,
    AudioOff,
    FeedLost,
    Inactivation,
    PauseAlarms,
    PauseAudio,
    ResumeAudio,
    Tick,
)
from barocast.runtime.alarm.machine import alarm_word, snapshot
from barocast.runtime.alarm.rules import Priority
from barocast.runtime.domain import Fault


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


@pytest.mark.req("ALM-05")
def test_an_audio_pause_is_never_longer_than_120_s():
    bed = alarming().at(61.0, PauseAudio(3600.0))

    assert snapshot(bed.state, 61.0).audio_pause_left_s == 120.0


def test_the_sinks_are_told_of_a_pause_even_when_nothing_is_shown():
    bed = Bed().at(1.0, Tick(), PauseAudio(60.0), ResumeAudio())

    assert [s.audio_pause_left_s for s in bed.applied] == [0.0, 60.0, 0.0]


@pytest.mark.req("ALM-05")
def test_a_forecast_of_the_same_priority_leaves_the_pause_and_the_log_says_that_it_is_covered():
    """A feed is lost when the pause begins; what the patient does later is no worse."""
    bed = Bed().at(1.0, FeedLost("dri", 6.0, "silent")).risks(0.9).at(40.0, PauseAudio(120.0)).risks(0.9)

    assert snapshot(bed.state, 70.0).sounding is None
    assert bed.shown()["forecast hypotension"].inactivation is Inactivation.AUDIO_PAUSED
    assert (bed.rows[-1].transition, bed.rows[-1].condition, bed.rows[-1].reason) == (
        "suppressed",
        "forecast hypotension",
        "audio paused",
    )


PAUSES = (PauseAudio(120.0), AudioOff(), PauseAlarms(300.0))
ENABLED = {PauseAudio: "audio enabled", AudioOff: "audio enabled", PauseAlarms: "alarms enabled"}


@pytest.mark.req("ALM-05")
@pytest.mark.parametrize("act", PAUSES)
def test_a_technical_condition_breaks_every_pause(act):
    bed = alarming().at(61.0, act, FeedLost("dri", 6.0, "silent"))

    assert snapshot(bed.state, 61.0).sounding is Priority.LOW
    assert {str(c.inactivation) for c in bed.shown().values()} == {"enabled"}
    assert (bed.rows[-1].transition, bed.rows[-1].reason) == (ENABLED[type(act)], "technical: feed lost")


@pytest.mark.req("ALM-05")
@pytest.mark.parametrize("act", PAUSES)
def test_an_escalation_breaks_every_pause(act):
    bed = Bed(ESCALATING).risks(0.5, 0.5).at(60.0, act).risks(0.9, 0.9)

    assert snapshot(bed.state, 120.0).sounding is Priority.MEDIUM
    assert bed.rows[-1].transition == ENABLED[type(act)]


@pytest.mark.parametrize("act", PAUSES)
def test_an_escalation_breaks_a_pause_even_where_something_of_its_priority_stood(act):
    bed = Bed(ESCALATING).at(1.0, Fault(1.0, "engine")).risks(0.5, 0.5).at(60.0, Fault(60.0, "engine"), act)

    bed.risks(0.9, 0.9)

    assert snapshot(bed.state, 120.0).sounding is Priority.MEDIUM
    assert bed.rows[-1].reason == "escalated: forecast hypotension"


def test_the_same_technical_condition_told_again_breaks_nothing():
    bed = Bed().at(1.0, FeedLost("dri", 6.0, "silent"), PauseAudio(120.0), FeedLost("dri", 9.0, "silent"))

    assert snapshot(bed.state, 1.0).sounding is None


def test_a_pause_that_began_with_nothing_shown_covers_nothing():
    bed = Bed().at(1.0, PauseAudio(120.0)).risks(0.9, 0.9)

    assert snapshot(bed.state, 61.0).sounding is Priority.LOW


@pytest.mark.parametrize("act", [PauseAudio, PauseAlarms])
@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_a_pause_that_cannot_be_meant_is_refused(act, seconds: float):
    with pytest.raises(ValueError, match="cannot be meant"):
        act(seconds)
