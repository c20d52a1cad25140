"""A restart of the process: pauses keep their deadline or go, and nothing that stood is silenced by it."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from alarm_bed import ESCALATING, MEDIUM, RULES, Bed, alarming, risk, spells
from hypothesis import given, settings
from hypothesis import strategies as st

from barocast.runtime.alarm.events import (
    Acknowledge,
    AudioOff,
    FeedLost,
    Inactivation,
    PauseAlarms,
    PauseAudio,
    Tick,
)
from barocast.runtime.alarm.machine import snapshot, start
from barocast.runtime.alarm.restart import restored, stored
from barocast.runtime.alarm.rules import AlarmRules, Priority


def restarted(bed: Bed, away_s: float, rules: AlarmRules = RULES, now_s: float = 7000.0) -> Bed:
    """Give the bed after its process was away, on another clock; what is kept went through a file."""
    again = Bed(rules)
    again.state, again.now_s = (
        restored(json.loads(json.dumps(stored(bed.state))), rules, now_s, away_s),
        now_s,
    )
    return again


@pytest.mark.req("ALM-04")
@pytest.mark.parametrize(("act", "left"), [(PauseAudio(100.0), "audio"), (PauseAlarms(100.0), "alarm")])
def test_a_pause_keeps_its_original_deadline(act, left):
    again = restarted(alarming().at(61.0, act).at(71.0, risk(0.9)), 20.0)
    seen = snapshot(again.state, 7000.0)

    assert getattr(seen, f"{left}_pause_left_s") == pytest.approx(70.0)
    assert seen.sounding is None
    assert snapshot(again.at(7070.0, risk(0.9)).state, 7070.0).sounding is Priority.LOW


@pytest.mark.parametrize("act", [PauseAudio(100.0), PauseAlarms(100.0)])
def test_a_pause_whose_deadline_passed_meanwhile_is_over(act):
    seen = snapshot(restarted(alarming().at(61.0, act), 100.0).state, 7000.0)

    assert (seen.audio_pause_left_s, seen.alarm_pause_left_s) == (0.0, 0.0)


def test_a_pause_is_cut_to_what_the_rules_allow_now():
    bed = alarming().at(61.0, PauseAudio(120.0), PauseAlarms(300.0))
    seen = snapshot(
        restarted(bed, 0.0, replace(RULES, audio_pause_max_s=30.0, alarm_pause_max_s=60.0)).state, 7000.0
    )

    assert (seen.audio_pause_left_s, seen.alarm_pause_left_s) == (30.0, 60.0)


def test_audio_off_is_on_again():
    seen = snapshot(restarted(alarming().at(61.0, AudioOff()), 1.0).state, 7000.0)

    assert (seen.audio_off, seen.sounding) == (False, Priority.LOW)


def test_a_forecast_that_stood_stands_with_its_occurrence_and_its_acknowledgement():
    bed = alarming().at(61.0, Acknowledge())
    again = restarted(bed, 5.0).at(7001.0, Tick())

    condition = again.shown()["forecast hypotension"]
    assert (condition.inactivation, condition.occurrence) == (Inactivation.ACKNOWLEDGED, 1)
    assert again.rows == []


@pytest.mark.req("ALM-09")
def test_a_risk_that_is_high_after_the_restart_alarms_though_the_refractory_is_running():
    again = restarted(alarming().at(61.0, Acknowledge()), 100.0).at(7000.0, Tick())
    assert list(again.shown()) == ["forecast not available"]

    again.at(7010.0, risk(0.9))

    assert again.shown()["forecast hypotension"].inactivation is Inactivation.ENABLED


def test_the_refractory_and_the_budget_hold_on():
    again = restarted(alarming().risks(0.1), 30.0).risks(0.9, 0.9)
    assert again.shown() == {}
    assert again.rows[-1].reason == "refractory: 180 s left"

    again = restarted(spells(Bed(MEDIUM), 2), 30.0, MEDIUM).risks(0.9, 0.9)
    assert list(again.shown()) == ["frequent forecasts"]


def test_a_latched_advisory_waits_for_its_acknowledgement():
    again = restarted(spells(Bed(), 3), 60.0).at(7000.0, Tick())
    assert not again.shown()["frequent forecasts"].active

    assert "frequent forecasts" not in again.at(7001.0, Acknowledge()).shown()


def test_a_technical_condition_sounds_as_new_where_it_is_still_true():
    bed = Bed().at(1.0, FeedLost("dri", 6.0, "silent"), Acknowledge())
    again = restarted(bed, 5.0)
    assert again.shown() == {}

    again.at(7001.0, FeedLost("dri", 6.0, "silent"))

    assert again.shown()["feed lost"].inactivation is Inactivation.ENABLED
    assert again.shown()["feed lost"].occurrence > 1


def test_an_escalation_is_forgotten_by_rules_that_know_none():
    bed = Bed(ESCALATING).risks(0.9, 0.9)
    assert bed.shown()["forecast hypotension"].priority is Priority.MEDIUM

    assert restarted(bed, 1.0).at(7001.0, Tick()).shown()["forecast hypotension"].priority is Priority.LOW


@pytest.mark.parametrize("away_s", [-1.0, math.nan, math.inf])
def test_where_nobody_knows_how_long_it_was_away_nothing_is_kept(away_s):
    assert restarted(alarming().at(61.0, PauseAlarms(100.0)), away_s).state == start(RULES, 7000.0)


KEPT = stored(spells(Bed(), 3).at(1900.0, PauseAudio(60.0), PauseAlarms(60.0)).state)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*KEPT]), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from([*KEPT]), JSON, st.floats(0.0, 300.0))
@settings(max_examples=200, deadline=None)
def test_a_file_that_was_tampered_with_never_raises_and_never_silences_for_longer(key, value, away_s):
    state = restored({**KEPT, key: value}, RULES, 7000.0, away_s)
    seen = snapshot(state, 7000.0)

    assert seen.audio_pause_left_s <= max(0.0, RULES.audio_pause_max_s - away_s)
    assert seen.alarm_pause_left_s <= max(0.0, RULES.alarm_pause_max_s - away_s)
    assert not seen.audio_off


@given(JSON)
@settings(max_examples=100, deadline=None)
def test_what_is_no_memory_at_all_is_a_fresh_start(kept):
    assert restored(kept, RULES, 7000.0, 1.0) == start(RULES, 7000.0)
