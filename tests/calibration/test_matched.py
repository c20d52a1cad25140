"""Two scores where they cost the same, checked by hand and against plain counting."""

from __future__ import annotations

import numpy as np
import pytest

from barocast.calibration.alarm_burden import RiskTrack, burden
from barocast.calibration.bootstrap import draw_patients
from barocast.calibration.log_odds import sigmoid
from barocast.calibration.matched import (
    at_specificity,
    of_sounded,
    seen_by,
    within_budget,
)
from barocast.calibration.trigger import TriggerRules

HORIZON_S = 600.0


def _rows(n=3000):
    random = np.random.default_rng(0)
    z = random.normal(-2, 1.5, n)
    labels = (random.random(n) < sigmoid(z)).astype(float)
    return labels, z, -80 + z + random.normal(0, 2, n), draw_patients(np.arange(n) // 30, 200)


def test_at_a_specificity_the_sharper_score_finds_more():
    labels, sharp, blunt, draws = _rows()

    found = at_specificity(labels, sharp, blunt, 0.9, draws)

    for side, scores in ((found.first, sharp), (found.second, blunt)):
        called = scores >= side.threshold
        assert side.cost.value == pytest.approx((~called)[labels == 0].mean())
        assert side.cost.value == pytest.approx(0.9, abs=0.001)
        assert side.sensitivity.value == pytest.approx(called[labels == 1].mean())
        assert side.ppv.value == pytest.approx(labels[called].mean())
    assert found.difference.low > 0
    assert found.mcnemar_p < 1e-3
    assert found.units == labels.sum()


def test_the_disagreements_are_the_difference():
    labels, sharp, blunt, draws = _rows()

    found = at_specificity(labels, sharp, blunt, 0.9, draws)

    surplus = (found.only_first - found.only_second) / found.units
    assert found.difference.value == pytest.approx(surplus)


def test_a_score_against_itself_differs_nowhere():
    labels, sharp, _, draws = _rows()

    found = at_specificity(labels, sharp, 3 * sharp + 5, 0.8, draws)

    assert (found.only_first, found.only_second, found.mcnemar_p) == (0, 0, 1)
    assert (found.difference.low, found.difference.high) == (0, 0)


def test_a_yes_or_no_call_is_compared_at_what_it_can_keep():
    labels, sharp, _, draws = _rows()
    call = (sharp > 0).astype(float)

    found = at_specificity(labels, sharp, call, 0.5, draws)

    assert found.second.threshold == 1
    assert found.second.cost.value > found.first.cost.value >= 0.5


def _case(scores, onsets_s=()):
    return RiskTrack(900.0 + 30 * np.arange(len(scores)), np.array(scores, float), np.array(onsets_s, float))


def _ward(cases=12, seed=0):
    """Cases whose score rises ahead of each onset, and the same scores with noise."""
    random = np.random.default_rng(seed)
    sharp, blunt = [], []
    for _ in range(cases):
        onsets = np.sort(random.choice(np.arange(2000.0, 9000.0, 900.0), 3, replace=False))
        t_s = 900.0 + 30 * np.arange(300)
        lead = np.min(np.where(onsets > t_s[:, None], onsets - t_s[:, None], 1e9), axis=1)
        signal = np.exp(-lead / 300) + random.normal(0, 0.1, t_s.size)
        sharp.append(RiskTrack(t_s, signal, onsets))
        blunt.append(RiskTrack(t_s, signal + random.normal(0, 0.5, t_s.size), onsets))
    return sharp, blunt, draw_patients(np.arange(cases), 100)


def test_within_an_alarm_budget_the_sharper_score_finds_more_events():
    sharp, blunt, draws = _ward()

    seen = seen_by([sharp, blunt], HORIZON_S)
    found = of_sounded(*(within_budget(one, seen, HORIZON_S, 1.5) for one in (sharp, blunt)), draws)

    assert max(found.first.cost.value, found.second.cost.value) <= 1.5
    assert found.units == 36
    assert found.difference.value == pytest.approx((found.only_first - found.only_second) / 36)
    assert found.first.sensitivity.value > found.second.sensitivity.value


def test_counts_are_those_of_the_alarm_burden():
    """The rows left out as changing nothing do change nothing."""
    sharp, _, draws = _ward()
    sounded = within_budget(sharp, seen_by([sharp], HORIZON_S), HORIZON_S, 1.5)
    above = [RiskTrack(t.t_s, (t.p >= sounded.threshold).astype(float), t.onsets_s) for t in sharp]

    expected = burden(above, TriggerRules(p_on=0.5, p_off=0.4), HORIZON_S)

    assert (sounded.alarms, sounded.found) == (expected.alarms, expected.detected)
    assert sounded.hours == pytest.approx(expected.hours)
    itself = of_sounded(sounded, sounded, draws)
    assert itself.first.ppv.value == pytest.approx(expected.ppv)
    assert itself.only_first == itself.only_second == 0


def test_no_threshold_in_the_budget_takes_the_quietest():
    always = [_case([1.0] * 50, [1800.0])]
    sounded = within_budget(always, seen_by([always], HORIZON_S), HORIZON_S, 0.1)

    assert (sounded.threshold, sounded.alarms, sounded.found) == (1, 1, 0)


def test_an_event_counts_only_where_both_scores_could_have_seen_it():
    whole = _case([0.1] * 40, [1000.0, 2000.0])
    late = RiskTrack(whole.t_s[-4:], whole.p[-4:], whole.onsets_s)  # its first row is at 1980 s

    (by_one,) = seen_by([[whole]], HORIZON_S)
    (by_both,) = seen_by([[whole], [late]], HORIZON_S)

    assert by_one.tolist() == [True, True]
    assert by_both.tolist() == [False, True]
