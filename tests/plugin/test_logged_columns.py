"""What a decision is logged with: the grid that the pipeline saw, without a hole and without a doublet."""

from __future__ import annotations

import json
import math
from itertools import pairwise

import numpy as np
import pytest
from builders import sample, series
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from toy_bundle import toy_bundle

from barocast.plugin.sinks.jsonl import decision_line
from barocast.plugin.watch import Watch
from barocast.runtime.engines import OrtEngine

DECISIONS_OF_CASE = 41
"""Of 20 min."""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return toy_bundle(tmp_path_factory.mktemp("bundle") / "b").read()


def watch(bundle, every_s=30.0):
    return Watch(bundle, OrtEngine(bundle), every_s=every_s)


def falling(minutes=20, start_s=0.0):
    return series((90 - 0.05 * i for i in range(minutes * 6 + 1)), start_s=start_s)


def grid(outcomes):
    """Column -> MAP, where each outcome's columns end at its own time; what is told later stands."""
    columns = {}
    for outcome in outcomes:
        end = math.floor(outcome.decision.t_s / 10)
        columns |= {end + 1 - outcome.map_10s.size + i: v for i, v in enumerate(outcome.map_10s.tolist())}
    return columns


def told(bed, events, chunk=7):
    """Feed a recording in chunks, and end it."""
    outcomes = []
    for start in range(0, len(events), chunk):
        outcomes += bed.feed(events[start : start + chunk])
    return outcomes + bed.finish()


def test_forecasts_and_abstentions_carry_the_columns_since_the_one_before(bundle):
    bed, events = watch(bundle), falling()
    outcomes = told(bed, events)

    assert [outcome.map_10s.size for outcome in outcomes] == [1] + [3] * (DECISIONS_OF_CASE - 1)
    assert np.concatenate([outcome.map_10s for outcome in outcomes]).tolist() == pytest.approx(
        [event.value for event in events]
    )


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(1, 200), max_size=8))
def test_the_columns_do_not_depend_on_how_the_events_were_cut(bundle, cuts):
    """Irregular reports are held for their own period, which is only known a little later."""
    events = [sample(t_s, 80.0 + t_s % 7) for t_s in np.cumsum([4.0, 9.0, 31.0, 2.0] * 20).tolist()]
    whole, bed, outcomes, start = told(watch(bundle), events, len(events)), watch(bundle), [], 0
    for cut in cuts:
        outcomes += bed.feed(events[start : start + cut])
        start += cut
    outcomes += bed.feed(events[start:]) + bed.finish()

    assert [repr(o.map_10s.tolist()) for o in outcomes] == [repr(o.map_10s.tolist()) for o in whole]


def test_a_missing_value_is_null(bundle):
    events = [sample(10.0 * i, float("nan") if i == 5 else 80.0) for i in range(10)]
    third = told(watch(bundle), events)[2]

    assert decision_line(third.decision, "none", "b", third.map_10s)["map_10s"] == [80.0, None, 80.0]


def test_an_hour_without_decisions_leaves_no_column_out(bundle):
    """Live, what a gap made due too late is not news: its columns come with the next decision."""
    bed, events = watch(bundle), falling()
    before = bed.feed(events, 0.0)
    after = bed.feed(series([70.0] * 7, start_s=4000.0), 2800.0)
    columns = grid(before + after)

    assert [outcome.decision.t_s for outcome in before][-1] == 1170.0
    assert [outcome.decision.t_s for outcome in after] == [3930.0, 3960.0, 3990.0, 4020.0]
    assert sorted(columns) == list(range(403))
    assert (columns[120], columns[400]) == (events[120].value, 70.0)
    assert all(math.isnan(columns[i]) for i in range(121, 400))


def test_silence_carries_what_came_before_it_and_then_nothing(bundle):
    bed = watch(bundle)
    bed.feed(falling(), 0.0)
    bed.feed([], 3.0)
    first, second = bed.abstain(1206.5, 6.0, 6.5), bed.abstain(1236.5, 36.0, 36.5)

    assert first.map_10s.tolist() == pytest.approx([84.1, 84.05, 84.0])
    assert np.isnan(second.map_10s).tolist() == [True, True, True]


def test_what_silence_did_not_know_is_told_by_the_next_decision(bundle):
    """A gateway that lost its line sends afterwards what it kept."""
    bed, events = watch(bundle), falling(22)
    outcomes = bed.feed(events[:121], 0.0)
    outcomes += [bed.abstain(1216.0, 16.0, 16.0)]
    outcomes += bed.feed(events[121:], 40.0)
    columns = grid(outcomes)

    assert [columns[i] for i in range(1, 130)] == pytest.approx([event.value for event in events[1:130]])


def test_before_any_data_silence_has_no_columns(bundle):
    assert watch(bundle).abstain(6.0, 6.0, 6.0).map_10s.size == 0


@pytest.mark.parametrize("begins_s", [100_000.0, 300.0], ids=["a long gap", "the clock set back"])
def test_another_case_begins_with_its_own_columns(bundle, begins_s):
    events = falling() + [sample(begins_s + 10 * i, 70.0) for i in range(13)]
    outcomes = told(watch(bundle), events, len(events))
    second = next(
        i for i, (a, b) in enumerate(pairwise(outcomes), 1) if b.decision.t_s - a.decision.t_s != 30
    )

    assert grid(outcomes[:second]).keys() == set(range(118))
    assert {v for o in outcomes[second:] for v in o.map_10s.tolist()} == {70.0}
    assert min(grid(outcomes[second:])) == begins_s / 10


def test_decisions_that_fall_within_a_column_do_not_tell_it_twice(bundle):
    outcomes = told(watch(bundle, every_s=4.0), falling(1))

    assert [outcome.map_10s.size for outcome in outcomes[:6]] == [1, 0, 0, 1, 0, 1]
    assert sorted(grid(outcomes)) == list(range(7))


def test_a_line_of_a_forecast_stays_small(bundle):
    last = told(watch(bundle), falling())[-1]
    line = decision_line(last.decision, last.alarm, "b", last.map_10s)

    assert line["state"] == "forecast"
    assert len(json.dumps(line["map_10s"])) <= 34
