"""Audio off and alarm paused: how each begins, what it covers, how it ends, and that it is said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from alarm_bed import RULES, Bed, alarming, risk, spells

from barocast.runtime.alarm.events import (
    Acknowledge,
    AudioOff,
    FeedLost,
    Inactivation,
    NewCase,
    PauseAlarms,
    PauseAudio,
    ResumeAlarms,
    ResumeAudio,
    Tick,
)
from barocast.runtime.alarm.machine import alarm_word, snapshot
from barocast.runtime.alarm.rules import Priority


def test_audio_off_lasts_until_somebody_resumes_it():
    bed = alarming().at(61.0, AudioOff()).risks(*[0.9] * 10)
    now = snapshot(bed.state, bed.now_s)
    assert (now.sounding, now.audio_off, now.audio_pause_left_s) == (None, True, 0.0)
    assert bed.shown()["forecast hypotension"].inactivation is Inactivation.AUDIO_OFF

    bed.at(bed.now_s, ResumeAudio())

    assert snapshot(bed.state, bed.now_s).sounding is Priority.LOW
    assert [(r.transition, r.reason, r.who) for r in bed.rows[-2:]] == [
        ("audio off", "operator", "operator"),
        ("audio enabled", "operator", "operator"),
    ]


def test_a_reminder_is_due_again_and_again_while_audio_is_off():
    bed = Bed().at(10.0, Tick(), AudioOff())
    due = [now_s for now_s in range(10, 300) if snapshot(bed.state, float(now_s)).reminder_due]

    assert due == [*range(130, 135), *range(250, 255)]
    assert not snapshot(bed.at(252.0, ResumeAudio()).state, 252.0).reminder_due


def test_the_sinks_are_told_at_once_that_a_reminder_is_due():
    bed = Bed().at(10.0, AudioOff()).risks(0.1, 0.1, 0.1).at(129.0, Tick()).at(130.0, Tick())

    assert [(s.now_s, s.reminder_due) for s in bed.applied[-2:]] == [(129.0, False), (130.0, True)]


def test_a_pause_takes_the_place_of_audio_off_and_audio_off_that_of_a_pause():
    bed = alarming().at(61.0, AudioOff(), PauseAudio(60.0))
    assert (snapshot(bed.state, 61.0).audio_off, snapshot(bed.state, 61.0).audio_pause_left_s) == (
        False,
        60.0,
    )

    bed.at(62.0, AudioOff())

    assert (snapshot(bed.state, 62.0).audio_off, snapshot(bed.state, 62.0).audio_pause_left_s) == (True, 0.0)


@pytest.mark.req("ALM-05")
def test_an_alarm_pause_takes_sound_and_sign_of_the_patients_conditions_away_and_ends_by_itself():
    bed = alarming().at(61.0, PauseAlarms(100.0))
    now = snapshot(bed.state, 61.0)
    assert (now.sounding, now.priority, now.alarm_pause_left_s) == (None, None, 100.0)
    assert bed.shown()["forecast hypotension"].inactivation is Inactivation.ALARM_PAUSED
    assert alarm_word(bed.state) == "advisory"

    bed.risks(0.9, 0.9, 0.9, 0.9)

    assert bed.applied[-1].sounding is Priority.LOW
    assert [(r.transition, r.reason) for r in bed.rows[-1:]] == [("alarms enabled", "expired")]


@pytest.mark.req("ALM-05")
def test_an_alarm_pause_is_300_s_unless_the_site_sets_another_and_never_longer_than_600():
    assert snapshot(alarming().at(61.0, PauseAlarms(3600.0)).state, 61.0).alarm_pause_left_s == 300.0
    longest = alarming(replace(RULES, alarm_pause_max_s=600.0)).at(61.0, PauseAlarms(3600.0))
    assert snapshot(longest.state, 61.0).alarm_pause_left_s == 600.0


def test_a_forecast_raised_under_an_alarm_pause_is_covered_and_logged():
    """The pause is meant for the forecasts to come, so one of the ordinary priority does not break it."""
    bed = Bed().at(1.0, PauseAlarms(300.0)).risks(0.9, 0.9)

    assert snapshot(bed.state, 61.0).priority is None
    assert [(r.transition, r.reason) for r in bed.rows[-2:]] == [
        ("raised", "hypotension forecast: 90% within 10 min"),
        ("suppressed", "alarm paused"),
    ]


def test_resuming_alarms_leaves_the_audio_pause():
    bed = alarming().at(61.0, PauseAudio(60.0), PauseAlarms(60.0), ResumeAlarms())

    assert bed.shown()["forecast hypotension"].inactivation is Inactivation.AUDIO_PAUSED
    assert snapshot(bed.state, 61.0).alarm_pause_left_s == 0.0


def test_of_several_states_the_one_that_takes_most_away_is_shown():
    bed = alarming().at(61.0, PauseAudio(100.0), Acknowledge())
    assert bed.shown()["forecast hypotension"].inactivation is Inactivation.ACKNOWLEDGED

    bed.at(61.0, PauseAlarms(50.0))
    assert bed.shown()["forecast hypotension"].inactivation is Inactivation.ALARM_PAUSED

    bed.at(111.0, risk(0.9))
    assert bed.shown()["forecast hypotension"].inactivation is Inactivation.ACKNOWLEDGED


@pytest.mark.parametrize("first", [30.0, 100.0])
def test_a_countdown_that_is_set_anew_is_told_at_once(first):
    bed = Bed().at(1.0, Tick(), PauseAudio(first)).at(2.0, PauseAudio(60.0))

    assert (bed.applied[-1].now_s, bed.applied[-1].audio_pause_left_s) == (2.0, 60.0)


def test_another_patient_ends_every_pause_and_what_stood_of_the_former_one():
    bed = spells(Bed(), 3).at(1900.0, FeedLost("dri", 6.0, "silent"))
    bed.at(1900.0, AudioOff(), PauseAlarms(60.0), NewCase())
    now = snapshot(bed.state, 1900.0)

    assert [c.name for c in now.conditions] == ["feed lost"]
    assert (now.audio_off, now.alarm_pause_left_s, now.sounding) == (False, 0.0, Priority.LOW)
    row = next(
        row for row in bed.rows if row.condition == "frequent forecasts" and row.transition == "cleared"
    )
    assert row.reason == "new case"
    assert list(bed.risks(0.9, 0.9).shown()) == ["feed lost", "forecast hypotension"]
