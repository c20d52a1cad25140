"""A device's clock: strays are dropped, gaps believed once confirmed, a clock that was set begins anew."""

from __future__ import annotations

import pytest
from builders import sample, series
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_bundle import toy_bundle

from barocast.runtime.domain import Risk
from barocast.runtime.engines import OrtEngine
from barocast.runtime.pipeline import Pipeline
from barocast.runtime.steady_time import SteadyTime


def times(steady: SteadyTime, *t_s: float, channel: str = "ABP_MEAN") -> list[float]:
    return [event.t_s for t in t_s for event in steady.feed([sample(t, 80.0, channel=channel)])]


def test_an_orderly_feed_passes_as_it_is():
    assert times(SteadyTime(), 0, 1, 2, 2, 1.5, 60, 200) == [0, 1, 2, 2, 1.5, 60, 200]


def test_one_stray_stamp_is_dropped_and_counted():
    steady = SteadyTime()

    assert times(steady, 0, 10, 3000, 20, 30) == [0, 10, 20, 30]
    assert steady.strays == 1


def test_a_gap_is_believed_when_a_later_sample_confirms_it():
    assert times(SteadyTime(), 0, 10, 3000, 3000, 3010) == [0, 10, 3000, 3000, 3010]


def test_a_clock_that_was_set_back_is_believed_when_confirmed():
    assert times(SteadyTime(), 7200, 7210, 3600, 3610, 3620) == [7200, 7210, 3600, 3610, 3620]


def test_a_cuff_reading_told_late_passes_at_once():
    steady = SteadyTime()
    times(steady, 1000, 1010)

    assert times(steady, 700, channel="NIBP_MEAN") == [700]


def test_what_is_in_doubt_at_the_end_is_given():
    steady = SteadyTime()
    times(steady, 0, 10, 3000)

    assert [event.t_s for event in steady.flush()] == [3000]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0, 1e6), max_size=60))
def test_nothing_is_lost_but_what_is_counted(stamps):
    steady = SteadyTime()
    given_back = times(steady, *stamps)

    assert len(given_back) + len(steady.flush()) + steady.strays == len(stamps)


@pytest.fixture
def bed(tmp_path):
    bundle = toy_bundle(tmp_path / "b").read()
    return Pipeline(bundle, OrtEngine(bundle))


def living(start_s: float, samples: int, level: float = 80.0) -> list:
    return series([level + 0.1 * (i % 2) for i in range(samples)], start_s=start_s)


def test_a_clock_set_back_an_hour_costs_a_new_history_and_no_more(bed):
    before = bed.feed(living(7200.0, 200))
    after = bed.feed(living(7200.0 + 2000 - 3600, 200, level=60.0))

    assert isinstance(before[-1], Risk)
    assert isinstance(after[-1], Risk)
    assert after[-1].t_s == pytest.approx(7570.0, abs=30)
    assert bed.timeline.window(after[-1].t_s).values.max() < 61  # nothing of both times in one column


def test_a_stray_stamp_neither_blinds_the_bed_nor_wipes_the_case(bed):
    bed.feed(living(0.0, 150))
    bed.feed([sample(6000.0, 80.0)])
    after = bed.feed(living(1500.0, 20))

    assert [type(decision) for decision in after] == [Risk] * 7
