"""The timeline: one grid, gaps that stay gaps, and the same window however the samples came."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from builders import sample, series
from hypothesis import given, settings
from hypothesis import strategies as st

from barocast.runtime.domain import DERIVED, Abstain, Reason, Sample, Window
from barocast.runtime.timeline import Timeline

NAN = math.nan


def timeline(*groups) -> Timeline:
    built = Timeline(("ABP_MEAN",))
    for group in groups:
        built.take(group)
    return built


def window_of(built: Timeline, t_s: float) -> Window:
    window = built.window(t_s)
    assert isinstance(window, Window), window
    return window


def test_a_column_holds_the_mean_of_what_was_measured_in_its_ten_seconds():
    steady = series([80.0] * 90)
    window = window_of(timeline(steady, [sample(895.0, 70.0), sample(900.0, 74.0)]), 900.0)

    assert window.values[0, -1] == 72.0
    assert window.values[0, -2] == 80.0


@pytest.mark.req("ACQ-04")
def test_a_missing_value_stays_missing():
    values = [80.0] * 91
    values[50:55] = [NAN] * 5
    window = window_of(timeline(series(values)), 900.0)

    assert np.flatnonzero(~window.mask[0]).tolist() == [49, 50, 51, 52, 53]
    assert np.isnan(window.values[0, 49:54]).all()


@pytest.mark.req("ACQ-04")
def test_a_row_that_never_came_stays_missing():
    rows = [s for s in series([80.0] * 91) if s.t_s != 500.0]

    assert np.flatnonzero(~window_of(timeline(rows), 900.0).mask[0]).tolist() == [49]


@pytest.mark.parametrize("cadence_s", [1.024, 2.0, 10.0, 12.0, 29.5, 60.0])
def test_a_feed_is_whole_at_its_own_cadence(cadence_s):
    window = window_of(timeline(series([80.0] * round(1000 / cadence_s), cadence_s)), 900.0)

    assert window.mask.all()


@pytest.mark.req("P4")
@pytest.mark.parametrize("gap_s", [20.0, 40.0, 60.0])
@pytest.mark.parametrize("gaps", [1, 2])
def test_a_feed_that_begins_with_gaps_is_not_taken_for_a_slow_one(gap_s, gaps):
    """Two values of a feed of 2 s that was held up twice stand for their own column alone."""
    alone = [sample(-gap_s * number, 70.0) for number in range(gaps, 0, -1)]
    columns = timeline(alone, series([80.0] * 100, 2.0)).recent("ABP_MEAN")

    assert np.count_nonzero(columns == 70.0) == gaps


def test_what_a_first_report_stood_for_is_taken_out_with_an_artefact():
    first = [sample(0.0, 80.0), sample(20.0, 80.0)]
    zeroed = Sample("ABP_MEAN", "MAP", 31.0, NAN, "mmHg", valid=False, reason=Reason.ZEROING)
    columns = timeline(first, [zeroed], series([80.0] * 5, 30.0, start_s=60.0)).recent("ABP_MEAN")

    assert np.isnan(columns).tolist()[:7] == [False, False, True, True, True, True, False]


def test_nothing_holds_longer_than_its_cadence():
    """After the last report of a 30 s feed (at 900 s), three columns stand, and then MAP is not current."""
    built = timeline(series([80.0] * 31, 30.0))

    assert window_of(built, 930.0).mask[0, -6:].tolist() == [True, True, True, True, True, False]
    assert isinstance(built.window(931.0), Abstain)


def test_a_slow_feed_is_current_for_its_own_period():
    built = timeline(series([80.0] * 16, 60.0))

    assert isinstance(built.window(960.0), Window)
    assert isinstance(built.window(970.0), Abstain)


def test_a_feed_slower_than_a_minute_cannot_carry_a_forecast():
    decision = timeline(series([80.0] * 12, 120.0)).window(1320.0)

    assert isinstance(decision, Abstain)
    assert decision.reason.startswith("too little MAP: 48%")


def test_the_first_fifteen_minutes_are_too_short():
    decision = timeline(series([80.0] * 61)).window(600.0)

    assert decision == Abstain(600.0, "short history: 10.2 of 15 min")


@pytest.mark.req("ACQ-04")
def test_an_old_pressure_is_not_current():
    built = timeline(series([80.0] * 91), series([NAN] * 6, start_s=910.0))

    assert built.window(960.0) == Abstain(960.0, "no current MAP: none in the last 30 s (missing)")
    assert built.window(1100.0) == Abstain(1100.0, "no current MAP: none in the last 30 s")


def test_the_monitors_own_numeric_beats_the_derived_one():
    given_map = series([80.0] * 60 + [NAN] * 31)
    derived = series([70.0] * 91, code=DERIVED)
    window = window_of(timeline(sorted(given_map + derived, key=lambda s: s.t_s)), 900.0)

    assert window.values[0, 58] == 80.0
    assert window.values[0, 59:].tolist() == [70.0] * 31


def test_another_case_begins_when_the_clock_jumps():
    built = timeline(series([80.0] * 200), series([75.0] * 91, start_s=90_000.0))
    window = window_of(built, 90_900.0)

    assert window.case.map_mean == 75.0
    assert window.case.minutes == pytest.approx(15.17, abs=0.01)


def test_a_pressure_later_than_another_channel_is_no_clock_that_was_set():
    known = series([80.0] * 100)
    rate = Sample("HR", "hr", 1060.0, 70.0, "1/min")

    built = timeline(known, [rate], series([75.0], start_s=1000.0))

    assert window_of(built, 1000.0).case.minutes == pytest.approx(16.8, abs=0.1)


def test_the_case_so_far_counts_events_and_low_minutes():
    fall = [80.0] * 100 + [60.0] * 12 + [80.0] * 50
    case = window_of(timeline(series(fall)), 1600.0).case

    assert (case.events, case.minutes_below_65, case.map_min) == (1, 2.0, 60.0)


@pytest.mark.parametrize(
    ("values", "hypotensive"),
    [
        ([80.0] * 100, False),
        ([80.0] * 97 + [64.0] * 3, True),  # low now, though no event yet
        ([80.0] * 80 + [60.0] * 10 + [80.0] * 10, True),  # an event ended 100 s ago
        ([80.0] * 70 + [60.0] * 10 + [80.0] * 20, False),  # and here 200 s ago
    ],
)
def test_a_moment_at_or_soon_after_an_event_is_marked(values, hypotensive):
    assert window_of(timeline(series(values)), 990.0).hypotensive == hypotensive


@pytest.mark.req("RUN-06")
def test_memory_is_bounded_over_days():
    built = timeline(series([80.0] * 30_000))

    assert window_of(built, 299_990.0).case.minutes == 24 * 60


@pytest.mark.req("RUN-06")
def test_a_case_takes_its_memory_when_it_begins():
    built = timeline(series([80.0] * 100))
    more = [
        Sample(name, name, t_s, 80.0, "mmHg")
        for t_s in np.arange(1e3, 6e4, 10.0)
        for name in ("ABP_MEAN", "HR")
    ]
    tracemalloc.start()
    for one in more:
        built.take((one,))
    grown = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()

    assert grown < 4000


def test_a_window_never_sees_what_came_after_it():
    early = timeline(series([80.0] * 91))
    late = timeline(series([80.0] * 91 + [40.0] * 30))

    np.testing.assert_array_equal(window_of(early, 900.0).values, window_of(late, 900.0).values)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.one_of(st.just(NAN), st.floats(20, 200)), min_size=100, max_size=140),
    st.sampled_from([1.024, 5.0, 10.0, 15.0]),
    st.sampled_from([1, 7, 1000]),
)
def test_any_chunking_gives_the_same_window(values, cadence_s, chunk):
    samples = series(values * 10 if cadence_s < 5 else values, cadence_s)
    whole = timeline(samples)
    cut = timeline(*(samples[i : i + chunk] for i in range(0, len(samples), chunk)))
    t_s = math.floor(samples[-1].t_s / 30) * 30.0

    assert repr(whole.window(t_s)) == repr(cut.window(t_s))
