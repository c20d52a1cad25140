"""The trigger on runs of risks: what fires, what is held back, what re-arms."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barocast.calibration.trigger import Trigger, TriggerRules, advance, restarted

RULES = TriggerRules(p_on=0.4, p_off=0.3)
STEP_S = 30.0


def fired_at(risks: list[float], rules: TriggerRules = RULES, step_s: float = STEP_S) -> list[int]:
    """Play a run of evenly spaced risks; give the indices at which it fired."""
    trigger, fired = Trigger(), []
    for i, p in enumerate(risks):
        trigger, fires = advance(trigger, p, i * step_s, rules)
        fired += [i] * fires
    return fired


def test_one_exceedance_does_not_fire_and_the_second_in_a_row_does():
    assert fired_at([0.9, 0.1, 0.9, 0.9, 0.9]) == [3]


def test_a_risk_of_exactly_p_on_is_an_exceedance():
    assert fired_at([0.4, 0.4]) == [1]


def test_two_of_three_fires_across_one_dip():
    rules = TriggerRules(p_on=0.4, p_off=0.3, k=2, n=3)

    assert fired_at([0.9, 0.1, 0.9], rules) == [2]


def test_it_never_fires_on_a_risk_that_is_itself_low():
    """Two of three, held by the refractory: when that is over, the old exceedances alone do not fire."""
    rules = TriggerRules(p_on=0.4, p_off=0.3, k=2, n=3, refractory_s=100.0)
    risks = [0.5, 0.5, 0.1, 0.5, 0.5, 0.1]

    assert fired_at(risks, rules) == [1]


def test_re_arming_forgets_the_exceedances_of_the_activation_that_ended():
    rules = TriggerRules(p_on=0.4, p_off=0.3, k=2, n=4, refractory_s=0.0)

    assert fired_at([0.5, 0.5, 0.1, 0.5, 0.5], rules) == [1, 4]


def test_between_the_thresholds_it_stays_active_and_does_not_fire_again():
    """Twenty minutes inside the hysteresis band are one activation."""
    assert fired_at([0.5, 0.5] + [0.35, 0.45] * 20) == [1]


def test_below_p_off_it_re_arms_and_fires_again_after_the_refractory():
    risks = [0.5, 0.5, 0.2] + [0.2] * 10 + [0.5, 0.5]

    assert fired_at(risks) == [1, 14]


def test_a_risk_that_stands_through_the_refractory_fires_when_it_is_over():
    """Fired at 30 s; armed again at 60 s; high from 90 s: it fires at 330 s, not never."""
    assert fired_at([0.5, 0.5, 0.2] + [0.5] * 20) == [1, 11]


def test_the_refractory_says_that_it_holds_a_risk_back():
    trigger = Trigger(fired_s=0.0)
    trigger, _ = advance(trigger, 0.9, 60.0, RULES)

    trigger, fired = advance(trigger, 0.9, 90.0, RULES)

    assert (trigger.held, trigger.active, fired) == (True, False, False)


def test_an_urgent_risk_breaks_the_refractory():
    trigger, _ = advance(Trigger(fired_s=0.0), 0.9, 60.0, RULES)

    _, fired = advance(trigger, 0.9, 90.0, RULES, urgent=True)

    assert fired


def test_two_exceedances_across_a_long_gap_are_not_a_run():
    assert fired_at([0.9, 0.9], step_s=RULES.memory_s + 1) == []


def test_a_restart_keeps_the_refractory_and_what_is_still_fresh():
    old, fresh = (0.0, 0.9), (590.0, 0.8)
    trigger = Trigger((old, fresh), active=True, held=True, fired_s=590.0)

    assert restarted(trigger, 700.0, RULES) == Trigger((fresh,), fired_s=590.0)


@pytest.mark.parametrize("p", [float("nan"), float("inf"), -0.01, 1.01])
def test_what_is_no_probability_raises_and_never_passes_for_a_low_risk(p: float):
    with pytest.raises(ValueError, match="no probability"):
        advance(Trigger(), p, 0.0, RULES)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"p_off": 0.4}, "p_off < p_on"),
        ({"p_on": float("nan")}, "p_off < p_on"),
        ({"p_off": 0.36}, "at least 0.05"),
        ({"k": 3}, "k <= n"),
        ({"refractory_s": -1.0}, "refractory_s"),
    ],
)
def test_rules_that_cannot_be_meant_are_refused(changes: dict[str, float], said: str):
    with pytest.raises(ValueError, match=said):
        TriggerRules(**{"p_on": 0.4, "p_off": 0.3, **changes})


def test_a_hysteresis_of_five_hundredths_in_decimal_text_is_accepted():
    assert TriggerRules(p_on=0.35, p_off=0.30).p_off == 0.30


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(0.0, 1.0), max_size=60))
def test_activations_keep_their_distance_and_no_standing_risk_is_lost(risks: list[float]):
    """Fired indices are a refractory apart; where k of n stand high the trigger is active or held."""
    trigger, fired = Trigger(), []
    for i, p in enumerate(risks):
        trigger, fires = advance(trigger, p, i * STEP_S, RULES)
        fired += [i * STEP_S] * fires
        if i > 0 and min(risks[i - 1 : i + 1]) >= RULES.p_on:
            assert trigger.active or trigger.held

    assert all(b - a >= RULES.refractory_s for a, b in pairwise(fired))
