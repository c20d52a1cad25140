"""Time at the bed: the series stands on the device's clock, however and whenever its data arrive."""

from __future__ import annotations

from dataclasses import replace

import made_bed
import pytest
from builders import sample
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_bed import played
from toy_bundle import toy_bundle

from barocast.plugin.feed_hearing import STANDS
from barocast.plugin.screen import view_of
from barocast.plugin.sinks.sink import Receipt
from barocast.runtime.domain import Abstain


class Log:
    """Keeps every decision."""

    def __init__(self) -> None:
        self.decisions = []

    def write_decision(self, decision, alarm, map_10s):
        self.decisions.append(decision)
        return Receipt()

    def write_log(self, row, wall):
        return Receipt()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return toy_bundle(tmp_path_factory.mktemp("bundle") / "b").read()


def bed(bundle, *steps, stale_s=5.0):
    return made_bed.bed(bundle, *steps, log=Log(), stale_s=stale_s)


def conditions(bedside, now_s):
    return [c.text for c in bedside.watch.snapshot(now_s).conditions if "not available" not in c.name]


def told(bedside, now_s):
    return view_of(bedside, "bed 1", now_s).numerics


def test_silence_is_decided_on_at_the_devices_own_time(bundle):
    """The feed last spoke at 5000 s of its clock; six seconds of ours later it is 5006 there."""
    bedside = played(bed(bundle, [sample(4999.0, 80.0), sample(5000.0, 80.0)]), [3.0, 9.0])

    assert bedside.decision == Abstain(5006.0, "no data: nothing for 6 s")


def test_one_late_delivery_does_not_set_the_devices_time_back(bundle):
    bedside = played(bed(bundle, [sample(5000.0, 80.0)], [sample(5001.0, 80.0)]), [3.0, 7.0, 13.0])

    assert bedside.decision == Abstain(5010.0, "no data: nothing for 6 s")


def test_before_any_data_silence_is_counted_from_the_start(bundle):
    assert played(bed(bundle), [1000.0, 1006.0]).decision == Abstain(6.0, "no data: nothing for 6 s")


def test_silence_of_a_feed_without_times_is_decided_on_by_our_own_clock(bundle):
    """Its samples are dated by their arrival, so the abstention must follow them, not stand before them."""
    bedside = played(bed(bundle, [sample(None, 80.0)], [sample(None, 81.0)]), [700.0, 701.0, 707.0])

    assert bedside.decision == Abstain(707.0, "no data: nothing for 6 s")


def test_a_sample_without_a_time_stands_beside_those_that_have_one(bundle):
    """Waves of some gateways carry no time: dated by our own clock they would begin another case."""
    steps = [[sample(1.7e9 + i, 80.0), sample(None, 60.0 + i % 2, "HR")] for i in range(100)]
    timeline = played(bed(bundle, *steps), [float(i) for i in range(103)]).watch.pipeline.timeline

    assert timeline.seen_s == 99.0
    assert timeline.newest_s == 1.7e9 + 99


def test_the_age_of_a_number_is_told_by_the_devices_clock(bundle):
    bedside = played(bed(bundle, [sample(960.0, 82.0, "NIBP_MEAN"), sample(1000.0, 80.0)]), [3.0, 5.0])
    ages = {channel: numeric.age_s for channel, numeric in told(bedside, 7.0).items()}

    assert ages == {"NIBP_MEAN": 44.0, "ABP_MEAN": 4.0}


def test_a_number_measured_more_than_a_minute_ago_is_not_shown(bundle):
    bedside = played(bed(bundle, [sample(1000.0, 80.0), sample(500.0, 82.0, "NIBP_MEAN")]), [3.0, 5.0])

    assert set(told(bedside, 5.0)) == {"ABP_MEAN"}


def test_the_screen_says_that_two_lines_disagree(bundle):
    rival = replace(sample(1000.0, 50.0, channel=None, code="ART"), rival_of="ABP_MEAN")
    bedside = played(bed(bundle, [sample(1000.0, 80.0), rival]), [3.0, 5.0])

    assert told(bedside, 5.0)["ABP_MEAN"].reason == "disagree"


def test_the_screen_says_what_the_gate_said(bundle):
    triple = [sample(1000.0, v, c) for c, v in (("ABP_SYS", 1.0), ("ABP_DIA", 0.0), ("ABP_MEAN", 0.0))]
    bedside = played(bed(bundle, triple), [3.0, 5.0])

    assert told(bedside, 5.0)["ABP_SYS"].reason == "zeroing"


EVENTS = [sample(1.024 * i, 80.0 + 0.1 * (i % 7) - i / 100) for i in range(1200)]


def decisions(bundle, cuts, waits):
    """Play EVENTS in pieces, with whatever waits between them; silence itself is not judged."""
    edges = sorted({0, *cuts, len(EVENTS)})
    pieces = [EVENTS[a:b] for a, b in zip(edges, edges[1:])]  # noqa: B905, RUF007 - pairs of neighbours
    arrivals, now_s = [], 50.0
    for i in range(len(pieces)):
        now_s += waits[i % len(waits)]
        arrivals.append(now_s)
    arrivals.append(now_s + 10)  # whatever waits for its fellows is settled
    made = played(bed(bundle, *pieces, stale_s=1e9), arrivals)._log.decisions
    return {decision.t_s: repr(decision) for decision in made}


@given(
    st.lists(st.integers(0, len(EVENTS)), max_size=40),
    st.lists(st.floats(0.0, 500.0), min_size=1, max_size=40),
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_bursts_jitter_and_stalls_of_the_arrival_change_no_decision(bundle, cuts, waits):
    """A stall may cost decisions that are past by the time they could be made; it changes none."""
    steady = decisions(bundle, range(len(EVENTS)), [1.024])
    given = decisions(bundle, cuts, waits)

    assert given.items() <= steady.items()
    assert max(given) == max(steady)


def test_what_was_measured_before_a_restart_is_not_shown_as_now(bundle):
    before = [[sample(7200.0 + i, 80.0), sample(7200.0 + i, 70.0, "HR")] for i in range(10)]
    after = [[sample(1.0 + i, 71.0, "HR")] for i in range(20)]
    shown = told(played(bed(bundle, *before, *after), [float(i) for i in range(30)]), 29.0)

    assert (set(shown), shown["HR"].age_s) == ({"HR"}, 0.0)


@pytest.mark.req("RUN-04")
def test_a_feed_whose_clock_stands_still_is_not_lost_but_cannot_be_dated(bundle):
    """Values go on, all dated alike; from the first one that is dated later all is well."""
    still = [[sample(1000.0, 80.0 + i % 3)] for i in range(12)]
    bedside = bed(bundle, *still, [sample(1001.0, 80.0)])

    assert conditions(played(bedside, [float(i) for i in range(5)]), 4.0) == []
    assert conditions(played(bedside, [float(i) for i in range(5, 12)]), 11.0) == [
        f"clock not usable: bed 1: {STANDS}"
    ]
    assert bedside.decision.reason == "no data: nothing for 5 s"
    assert conditions(played(bedside, [12.0]), 12.0) == []
    assert bedside.silent_s(12.0) == 0.0


def test_a_standing_clock_that_falls_silent_is_a_lost_feed_and_the_other_way_round(bundle):
    still = [[sample(1000.0, 80.0 + i % 3)] for i in range(8)]
    bedside = played(bed(bundle, *still, *[[]] * 6, *still), [float(i) for i in range(13)])
    assert conditions(bedside, 12.0) == ["feed lost: bed 1: associated, quiet for 12 s"]

    played(bedside, [float(i) for i in range(13, 20)])
    assert conditions(bedside, 19.0) == [f"clock not usable: bed 1: {STANDS}"]


@pytest.mark.req("RUN-04")
@pytest.mark.parametrize(
    ("step_s", "said"), [(-3600.0, "set back by 3599 s"), (7200.0, "set forward by 7200 s")]
)
def test_a_clock_that_steps_disables_the_forecast_and_says_so(bundle, step_s, said):
    before = [[sample(5000.0 + i, 80.0 + i % 3)] for i in range(10)]
    after = [[sample(5010.0 + step_s + i, 80.0 + i % 3)] for i in range(10)]
    bedside = played(bed(bundle, *before, *after), [float(i) for i in range(20)])

    assert any(said in text for text in conditions(bedside, 19.0))
