"""What the sinks are told, and when."""

from __future__ import annotations

import pytest
from alarm_bed import RULES, Bed, alarming, risk

from barocast.runtime.alarm.events import (
    FeedLost,
    PauseAudio,
    Tick,
)
from barocast.runtime.alarm.machine import AlarmState, start, step
from barocast.runtime.alarm.rules import Priority


@pytest.mark.req("ALM-10", "ALM-06")
def test_the_whole_state_is_applied_on_every_change_and_again_within_five_seconds():
    bed = Bed()
    for now_s in range(21):
        bed.at(float(now_s), Tick())
    bed.at(21.0, FeedLost("dri", 6.0, "silent"))

    assert [s.now_s for s in bed.applied] == [0.0, 5.0, 10.0, 15.0, 20.0, 21.0]


@pytest.mark.req("ALM-09", "P12")
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


@pytest.mark.req("RUN-06")
def test_ten_thousand_steps_leave_a_state_of_bounded_size():
    state: AlarmState = start(RULES, 0.0)
    for i in range(10_000):
        state, _ = step(state, risk(0.9 if i % 40 < 20 else 0.1), i * 15.0)

    assert len(state.facts.activations_s) <= RULES.budget_per_h
    assert len(state.facts.excess_s) <= 3600 / 300
    assert len(state.conditions) <= 2
