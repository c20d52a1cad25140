"""The device's clock seen from ours: bursts, jitter, drift and gaps leave the estimate within its bound."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barocast.plugin.virtual.intellivue import VirtualIntelliVue
from barocast.runtime.clock_anchor import GRAIN_S, SET_BACK_S, WINDOW_S, ClockAnchor
from barocast.runtime.domain import Sample, WaveChunk
from barocast.runtime.sessions.intellivue import IntelliVueSession
from barocast.runtime.timeline import STEP_S, Timeline

HOUR_S = 3600.0
TICK_S = 1.024


def anchored(*pairs):
    anchor = ClockAnchor()
    for device_s, arrival_s in pairs:
        anchor.heard(device_s, arrival_s)
    return anchor


def test_before_anything_was_heard_the_time_there_is_unknown():
    assert ClockAnchor().device_s(5.0) is None
    assert ClockAnchor().offset_s is None


def test_the_time_there_runs_on_through_silence():
    assert anchored((100.0, 7.0)).device_s(67.0) == 160.0


def test_the_least_delayed_counts_whatever_its_place_in_a_burst():
    for order in ([10.0, 11.0, 12.0], [12.0, 11.0, 10.0], [11.0, 12.0, 10.0]):
        assert anchored(*[(device_s, 50.0) for device_s in order]).offset_s == 38.0


def test_a_late_arrival_does_not_move_the_anchor():
    assert anchored((100.0, 0.1), (101.0, 9.0)).offset_s == pytest.approx(-99.9)


def test_what_is_older_than_the_window_is_forgotten():
    assert anchored((100.0, 0.0), (99.5 + WINDOW_S, WINDOW_S)).offset_s == -100.0
    assert anchored((100.0, 0.0), (100.0 + WINDOW_S, WINDOW_S + 0.5)).offset_s == -99.5


def test_a_clock_that_started_anew_is_followed():
    """A monitor needs half a minute to start, and then counts from another place."""
    anchor = anchored((90_000.0, 0.0))
    anchor.device_s(1.0)
    anchor.heard(3.0, WINDOW_S + 5.0)

    assert anchor.device_s(WINDOW_S + 6.0) == 4.0


def test_a_small_step_back_is_not_told():
    """The least delay has grown by a second; the answer waits for the clock to catch up."""
    anchor = anchored((100.0, 0.0))
    last = anchor.device_s(WINDOW_S + 1.0)
    anchor.heard(100.0 + WINDOW_S, WINDOW_S + 1.0)

    assert anchor.device_s(WINDOW_S + 1.0) == last
    assert anchor.device_s(WINDOW_S + 3.0) == 102.0 + WINDOW_S


def test_a_time_far_ahead_is_believed_for_one_window_only():
    anchor = anchored((1e9, 0.0))
    anchor.device_s(0.0)
    for arrival_s in range(1, 40):
        anchor.heard(100.0 + arrival_s, float(arrival_s))

    assert anchor.device_s(40.0) == 140.0


drifts = st.floats(-1e-3, 1e-3)
bursts = st.lists(st.integers(1, 40), min_size=1, max_size=60)


def heard_over_time(drift, sizes, delays, gaps=()):
    """(device time, arrival, true device time at arrival): `sizes` numbers a burst, a number each 1.024 s."""
    now_s, device = 1000.0, 0.0
    for k, size in enumerate(sizes):
        now_s += size * TICK_S + (gaps[k % len(gaps)] if gaps else 0.0)
        true_s = 5e5 + (now_s - 1000.0) * (1 + drift)
        for i in reversed(range(size)):
            device = true_s - i * TICK_S
            arrival = now_s + delays[k % len(delays)]
            yield device, arrival, true_s + delays[k % len(delays)] * (1 + drift)
        now_s += delays[k % len(delays)]


@given(drifts, bursts, st.lists(st.floats(0.0, 0.9), min_size=1, max_size=20))
@settings(max_examples=150, deadline=None)
def test_the_error_is_bounded_by_drift_over_the_window_and_the_least_delay(drift, sizes, delays):
    anchor = ClockAnchor()
    arrived = []
    for device_s, arrival_s, true_s in heard_over_time(drift, sizes, delays):
        anchor.heard(device_s, arrival_s)
        arrived.append((arrival_s, true_s - device_s))
        least = min(delay for at, delay in arrived if arrival_s - at <= WINDOW_S - GRAIN_S)
        error_s = true_s - (arrival_s - anchor.offset_s)

        assert -abs(drift) * WINDOW_S - 1e-6 <= error_s <= least + 2 * abs(drift) * WINDOW_S + 1e-6


@given(
    drifts,
    bursts,
    st.lists(st.floats(0.0, 4.0), min_size=1, max_size=20),
    st.lists(st.floats(0.0, 100.0), max_size=5),
)
@settings(max_examples=150, deadline=None)
def test_the_time_there_never_goes_back(drift, sizes, delays, gaps):
    anchor = ClockAnchor()
    told = []
    newest = {}
    for device_s, arrival_s, _ in heard_over_time(drift, sizes, delays, gaps):
        newest[arrival_s] = max(device_s, newest.get(arrival_s, device_s))
    for arrival_s, device_s in newest.items():
        anchor.heard(device_s, arrival_s)
        told += [anchor.device_s(arrival_s), anchor.device_s(arrival_s + 0.01)]

    assert SET_BACK_S > 4.0
    assert told == sorted(told)


@given(st.lists(st.tuples(st.floats(0.0, 2.0), st.floats(-1e3, 1e3)), min_size=1, max_size=400))
@settings(max_examples=100, deadline=None)
def test_memory_is_bounded_whatever_comes(steps):
    anchor, now_s = ClockAnchor(), 0.0
    for wait_s, device_s in steps:
        now_s += wait_s
        anchor.heard(device_s, now_s)

        assert 1 <= len(anchor._least) <= WINDOW_S / GRAIN_S + 1


def test_memory_is_bounded_while_everything_comes_later_and_later():
    anchor = ClockAnchor()
    for i in range(10_000):
        anchor.heard(0.009 * i, 0.01 * i)

    assert len(anchor._least) <= WINDOW_S / GRAIN_S + 1


class Counting:
    """A patient whose numbers and wave say at what time they were measured."""

    def numerics(self, t_s):
        return {"ABP_SYS": 140.0, "ABP_DIA": 60.0, "ABP_MEAN": mean_at(t_s), "HR": 60.0}

    def wave(self, channel, t_s, n, rate_hz):
        return wave_at(t_s + np.arange(n) / rate_hz)


def mean_at(t_s):
    return 70.0 + round(t_s / TICK_S) % 60


def wave_at(t_s):
    return 100.0 + 20.0 * np.sin(2 * np.pi * t_s / 3.7)


def an_hour_with_drift(drift, start_ticks, step_s=0.25):
    """Events, and how wrong the estimate of the monitor's clock was at each step, over an hour of ours."""
    session, anchor = IntelliVueSession(), ClockAnchor()
    monitor = VirtualIntelliVue(Counting(), start_ticks=start_ticks)
    events, errors = [], []
    for now_s in np.arange(0.0, HOUR_S, step_s):
        there_s = now_s * (1 + drift)
        said = monitor.receive(session.due(now_s), there_s) + monitor.due(there_s)
        seen, reply = session.receive(said, now_s)
        monitor.receive(reply, there_s)
        told = [event.t_s for event in seen if isinstance(event, Sample | WaveChunk)]
        if told:
            anchor.heard(max(told), now_s)
        if anchor.offset_s is not None:
            errors.append(there_s - (anchor.device_s(now_s) - start_ticks / 8000))
        events += seen
    return events, np.array(errors)


@pytest.mark.parametrize(("drift", "start_ticks"), [(1e-3, (1 << 32) - 8192 * 1000), (-1e-3, 0)])
def test_an_hour_of_drift_misplaces_no_sample(drift, start_ticks):
    """1 ms/s is 3.6 s in the hour, and 32 bits of ticks wrap within it: not one sample moves."""
    events, errors = an_hour_with_drift(drift, start_ticks)
    start_s = start_ticks / 8000
    means = [event for event in events if event.channel == "ABP_MEAN"]
    chunks = [event for event in events if event.channel == "ABP_WAVE"]
    timeline = Timeline(("ABP_MEAN",))
    timeline.take(means)
    columns = timeline.recent("ABP_MEAN")
    last = round(timeline.newest_s // STEP_S)  # the last whole column
    truth = [
        np.mean([s.value for s in means if c * STEP_S < s.t_s <= (c + 1) * STEP_S])
        for c in range(last - 20, last)
    ]

    assert len(means) > 0.99 * HOUR_S * (1 + drift) / TICK_S
    assert all(s.value == mean_at(s.t_s - start_s) for s in means)
    assert np.diff([s.t_s for s in means]) == pytest.approx(TICK_S, abs=1e-6)
    for chunk in chunks:
        expected = wave_at(chunk.t_s - start_s + np.arange(len(chunk.values)) / chunk.rate_hz)
        np.testing.assert_allclose(chunk.values, expected, atol=1 / 16)
    assert columns[-21:-1] == pytest.approx(truth)
    # What the clocks drift apart in a window and until the next burst, and our own step.
    apart_s = 1e-3 * (WINDOW_S + 2 * TICK_S)
    assert errors.min() >= -apart_s
    assert errors.max() <= apart_s + 0.25
