"""What became of an alarm: the very rule of the validation, and no more than is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barocast.calibration.alarm_burden import RiskTrack, alarm_times, burden
from barocast.calibration.events import find_events
from barocast.calibration.landmarks import find_landmarks
from barocast.calibration.trigger import TriggerRules
from barocast.plugin.cases.verdicts import Fate, judge

STEP_S, HORIZON_S = 10.0, 600.0
RULES = TriggerRules(p_on=0.5, p_off=0.4)


def fall_at(*onsets_s: float, minutes: int = 90, missing=()) -> np.ndarray:
    """MAP of 80 mmHg that falls to 60 for three minutes at each onset."""
    mmhg = np.full(minutes * 6, 80.0)
    for onset_s in onsets_s:
        mmhg[round(onset_s / STEP_S) : round(onset_s / STEP_S) + 18] = 60.0
    for start_s, stop_s in missing:
        mmhg[round(start_s / STEP_S) : round(stop_s / STEP_S)] = np.nan
    return mmhg


@pytest.mark.parametrize(
    ("alarm_s", "fate", "lead_s"),
    [
        (1200.0, Fate.FOLLOWED, 600.0),
        (1790.0, Fate.FOLLOWED, 10.0),
        (1190.0, Fate.NOT_FOLLOWED, None),
        (1800.0, Fate.LATE, None),
        (1850.0, Fate.LATE, None),
        (1860.0, Fate.HYPOTENSIVE, None),
        (2090.0, Fate.HYPOTENSIVE, None),
        (2100.0, Fate.NOT_FOLLOWED, None),
        (5000.0, Fate.UNKNOWN, None),
    ],
)
def test_an_alarm_is_judged_by_what_followed(alarm_s, fate, lead_s):
    (verdict,) = judge(fall_at(1800.0), STEP_S, [alarm_s], HORIZON_S).verdicts

    assert (verdict.fate, verdict.lead_s) == (fate, lead_s)


def test_an_alarm_before_a_stretch_without_pressure_is_not_known():
    mmhg = fall_at(missing=[(700.0, 1000.0)])

    assert judge(mmhg, STEP_S, [600.0], HORIZON_S).verdicts[0].fate is Fate.UNKNOWN


def test_the_earliest_alarm_before_an_event_is_its_lead():
    (fall,) = judge(fall_at(1800.0), STEP_S, [1500.0, 1300.0, 1000.0], HORIZON_S).falls

    assert (fall.start_s, fall.end_s, fall.lowest_mmhg, fall.lead_s) == (1800.0, 1980.0, 60.0, 500.0)


def test_an_event_without_an_alarm_before_it_says_so():
    judgement = judge(fall_at(1800.0, 4000.0), STEP_S, [3700.0], HORIZON_S)

    assert [fall.lead_s for fall in judgement.falls] == [None, 300.0]


def test_nothing_measured_is_nothing_judged():
    assert judge(np.empty(0), STEP_S, [], HORIZON_S).falls == ()
    assert judge(np.full(60, math.nan), STEP_S, [30.0], HORIZON_S).verdicts[0].fate is Fate.UNKNOWN


@given(st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_counts_agree_with_the_validations_own(seed):
    """Alarms that the trigger fires at eligible landmarks, judged here and by calibration.alarm_burden."""
    noise = np.random.default_rng(seed)
    mmhg = 72 + 9 * np.cumsum(noise.normal(size=900)) / np.sqrt(np.arange(1, 901)) + noise.normal(size=900)
    at = find_landmarks(mmhg, STEP_S).at
    onsets_s = np.array([event.start * STEP_S for event in find_events(mmhg, STEP_S)])
    track = RiskTrack(at * STEP_S, noise.uniform(size=at.size), onsets_s)
    validation = burden([track], RULES, HORIZON_S)
    ours = judge(mmhg, STEP_S, alarm_times(track, RULES), HORIZON_S)

    followed = sum(verdict.fate is Fate.FOLLOWED for verdict in ours.verdicts)
    leads = sorted(fall.lead_s for fall in ours.falls if fall.lead_s is not None)
    assert followed == validation.alarms - validation.false_alarms
    assert leads == pytest.approx(sorted(validation.leads_s))
