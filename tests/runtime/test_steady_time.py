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
from barocast.runtime.steady_time import MAX_HELD, SteadyTime


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


def test_any_channel_that_goes_on_confirms_a_clock_that_was_set_back():
    steady = SteadyTime()
    times(steady, 7200, 7205, channel="HR")

    assert times(steady, 1, 6, 11, 16, channel="HR") == [1, 6, 11, 16]
    assert (steady.set_backs, steady.strays) == (1, 0)


def test_a_few_late_values_of_one_channel_set_no_clock_back():
    steady = SteadyTime()
    times(steady, 1000)
    given_back = times(steady, 1000, 940, 942, channel="HR") + times(steady, 1002)

    assert given_back == [1000, 1002]
    assert (steady.set_backs, steady.strays) == (0, 2)


def test_a_channel_that_is_always_later_than_another_passes():
    steady = SteadyTime()
    told = [t for i in range(20) for t in times(steady, 1000 + i, channel="HR") + times(steady, 980 + i)]

    assert (len(told), steady.strays) == (40, 0)


def test_a_cuff_keeps_no_time_whenever_it_is_dated():
    steady = SteadyTime()

    assert times(steady, 1e6, channel="NIBP_MEAN") == [1e6]
    assert times(steady, 0, 10) == [0, 10]
    assert times(steady, 1e6, 1e6 + 60, channel="NIBP_MEAN") == []
    assert times(steady, 20, 30) == [20, 30]
    assert steady.strays == 2


def test_what_is_beyond_the_most_that_is_held_is_counted():
    steady = SteadyTime()
    times(steady, 0)
    given_back = times(steady, *[1000] * 400, 1001)

    assert len(given_back) + steady.strays == 401
    assert len(given_back) == MAX_HELD


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


def rates(start_s: float, samples: int) -> list:
    return series([70.0 + 0.1 * (i % 2) for i in range(samples)], start_s=start_s, channel="HR")


def test_a_restart_before_the_arterial_line_costs_nothing(bed):
    bed.feed(rates(0.0, 720))
    beside = zip(rates(0.0, 200), living(0.0, 200), strict=True)
    after = bed.feed([event for pair in beside for event in pair])

    assert isinstance(after[-1], Risk)
    assert after[-1].t_s == 1980.0


def test_an_arterial_line_that_is_alone_after_a_restart_costs_nothing(bed):
    bed.feed(rates(0.0, 720))

    assert isinstance(bed.feed(living(0.0, 200))[-1], Risk)


def test_a_restart_with_nothing_but_a_rate_is_noticed(bed):
    bed.feed(living(0.0, 720) + rates(7200.0, 10))
    bed.feed(rates(0.0, 30))

    assert bed.timeline.newest_s == 290.0


def test_a_first_cuff_that_is_dated_a_day_ahead_blinds_no_bed(bed):
    bed.feed([sample(86400.0, 80.0, channel="NIBP_MEAN")])

    assert isinstance(bed.feed(living(0.0, 200))[-1], Risk)
