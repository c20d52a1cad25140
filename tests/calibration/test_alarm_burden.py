"""The alarm layer's counts, on cases small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pytest

from barocast.calibration.alarm_burden import RiskTrack, alarm_times, burden, choose, sweep
from barocast.calibration.trigger import TriggerRules

RULES = TriggerRules(p_on=0.3, p_off=0.25)
TEN_MIN = 600.0


def _track(risks: dict[float, float], onsets: list[float], minutes: int = 60) -> RiskTrack:
    """Risk 0.05 every 30 s, but for the seconds named."""
    t_s = np.arange(900.0, 900 + minutes * 60, 30)
    return RiskTrack(t_s, np.array([risks.get(t, 0.05) for t in t_s.tolist()]), np.array(onsets))


def test_two_exceedances_in_a_row_make_one_alarm():
    assert alarm_times(_track({1500: 0.4}, []), RULES) == []
    assert alarm_times(_track({1500: 0.4, 1530: 0.4, 1560: 0.4}, []), RULES) == [1530]


def test_an_alarm_is_true_when_an_onset_follows_within_the_horizon():
    rising = {1500.0: 0.4, 1530.0: 0.4}

    found = burden([_track(rising, [1530 + 360.0]), _track(rising, [1530 + 601.0])], RULES, TEN_MIN)

    assert (found.events, found.detected, found.alarms, found.false_alarms) == (2, 1, 2, 1)
    assert found.leads_s == (360.0,)
    assert found.detected_early == 1
    assert found.sensitivity == 0.5
    assert found.ppv == 0.5
    assert found.alarms_per_hour == pytest.approx(1.0)


def test_the_earliest_alarm_before_an_onset_gives_its_lead():
    twice = {1500.0: 0.4, 1530.0: 0.4, 1860.0: 0.4, 1890.0: 0.4}

    found = burden([_track(twice, [2000.0])], RULES, TEN_MIN)

    assert (found.alarms, found.detected, found.false_alarms) == (2, 1, 0)
    assert found.leads_s == (470.0,)


def test_an_onset_without_an_eligible_moment_before_it_is_no_missed_event():
    assert burden([_track({}, [100.0])], RULES, TEN_MIN).events == 0


def test_the_chosen_point_is_the_most_sensitive_within_the_budget():
    random = np.random.default_rng(0)
    tracks = []
    for _ in range(30):
        track = _track({}, [2500.0], minutes=60)
        near = (track.t_s > 1900) & (track.t_s <= 2500)
        tracks.append(
            RiskTrack(track.t_s, random.uniform(0, 0.4, track.t_s.size) + 0.4 * near, track.onsets_s)
        )

    points = sweep(tracks, RULES, TEN_MIN)
    _, best = choose(points, 1.5)

    assert best.alarms_per_hour <= 1.5
    assert best.sensitivity == max(b.sensitivity for _, b in points if b.alarms_per_hour <= 1.5)
    assert best.sensitivity > 0.9


def test_without_a_point_in_the_budget_the_quietest_is_taken():
    noisy = _track(dict.fromkeys(np.arange(900.0, 4500.0, 30), 0.99), [])

    _, best = choose(sweep([noisy], RULES, TEN_MIN), 0.0)

    assert best.alarms == 1
