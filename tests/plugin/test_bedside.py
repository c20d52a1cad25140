"""One bed: what a feed does reaches the sinks, and silence is said."""

from __future__ import annotations

import json

import pytest
from builders import sample
from toy_bundle import toy_bundle

from barocast.plugin.bedside import Bedside
from barocast.plugin.sinks.jsonl import JsonLinesSink
from barocast.plugin.sinks.sink import Receipt
from barocast.plugin.watch import Watch, alarm_rules
from barocast.runtime.alarm.rules import Priority
from barocast.runtime.domain import Abstain, FeedCounts, Risk
from barocast.runtime.engines import OrtEngine


class Feed:
    """A session that hands out prepared events, a list for each step."""

    counts = FeedCounts()
    status = "associated"

    def __init__(self, *steps: list) -> None:
        self.steps = list(steps)

    def receive(self, data, now_s):
        return (self.steps.pop(0) if self.steps else []), data[::-1]

    def due(self, now_s):
        return b"."

    def release(self):
        return b"bye"


class Sink:
    """Keeps every snapshot; fails when told to."""

    guarantee = "primary"

    def __init__(self) -> None:
        self.snapshots, self.receipt = [], Receipt()

    def apply(self, snapshot):
        self.snapshots.append(snapshot)
        return self.receipt

    def close(self):
        self.snapshots.append("closed")


@pytest.fixture
def bundle(tmp_path):
    return toy_bundle(tmp_path / "b").read()


def bed(bundle, feed: Feed, sink: Sink, **more) -> Bedside:
    watch = Watch(bundle, OrtEngine(bundle))
    return Bedside(name="bed 1", session=feed, watch=watch, sinks=[sink], stale_s=5.0, **more)


def falling(minutes: int) -> list[list]:
    """A sample a step, every 10 s, from 90 mmHg down by 1 mmHg a minute."""
    return [[sample(10.0 * i, 90 - i / 6)] for i in range(6 * minutes + 1)]


def played(bedside: Bedside, steps: int, step_s: float = 10.0) -> None:
    for i in range(steps):
        bedside.step(b"", i * step_s)


def test_a_falling_pressure_ends_in_an_alarm_at_the_sink(bundle):
    sink = Sink()
    bedside = Bedside(
        name="bed 1",
        session=Feed(*falling(25)),
        watch=Watch(bundle, OrtEngine(bundle)),
        sinks=[sink],
        stale_s=60.0,
    )
    played(bedside, 150)

    assert isinstance(bedside.decision, Risk)
    assert bedside.watch.alarm == "advisory"
    assert any(c.name == "forecast hypotension" for c in sink.snapshots[-1].conditions)


def test_replies_and_what_is_due_go_back_to_the_monitor(bundle):
    assert bed(bundle, Feed(), Sink()).step(b"abc", 0.0) == b"cba."


def test_silence_is_an_abstention_and_a_technical_alarm_and_ends(bundle):
    sink = Sink()
    bedside = bed(bundle, Feed([sample(0.0, 80.0)], *[[]] * 7, [sample(8.0, 80.0)]), sink)
    for second in range(8):
        bedside.step(b"", float(second))

    assert bedside.decision == Abstain(5.0, "no data: nothing for 5 s")
    assert [c.name for c in sink.snapshots[-1].conditions if c.technical] == ["feed lost"]

    bedside.step(b"", 8.0)
    assert "feed lost" not in [c.name for c in sink.snapshots[-1].conditions]


def test_a_monitor_that_never_spoke_counts_as_silent_too(bundle):
    sink = Sink()
    bedside = bed(bundle, Feed(), sink)
    played(bedside, 8, 1.0)

    assert [c.name for c in sink.snapshots[-1].conditions] == ["feed lost"]


def test_a_failing_sink_is_noted_and_stops_nothing(bundle):
    sink = Sink()
    sink.receipt = Receipt(ok=False, text="unplugged")
    bedside = bed(bundle, Feed(), sink)
    bedside.step(b"", 0.0)

    assert bedside.troubles == {"Sink": "unplugged"}

    sink.receipt = Receipt()
    played(bedside, 10, 1.0)
    assert bedside.troubles == {}


def test_every_decision_is_a_line_of_the_log(bundle, tmp_path):
    log = JsonLinesSink(tmp_path / "log.jsonl", bundle_id="toy-1")
    bedside = bed(bundle, Feed(*falling(2)), Sink(), log=log)
    played(bedside, 13)
    bedside.close()
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]

    assert [line["t_s"] for line in lines if "no data" not in line["reason"]] == [0.0, 30.0, 60.0, 90.0]


def test_a_feed_without_times_is_dated_by_arrival(bundle):
    bedside = bed(bundle, Feed(*[[sample(None, 80.0 + i % 3)] for i in range(100)]), Sink())
    played(bedside, 100)

    bedside.watch.finish()  # the newest instants wait for their fellows

    assert bedside.watch.pipeline.timeline.newest_s == 990.0


@pytest.mark.parametrize("every_s", [10.0, 30.0, 60.0, 120.0, 300.0])
def test_a_risk_stands_for_two_periods_whatever_the_period(bundle, every_s):
    rules = alarm_rules(bundle, Priority.LOW, every_s)

    assert rules.unavailable_low_s == max(60.0, 2 * every_s)
    assert rules.unavailable_medium_s >= max(300.0, 2 * rules.unavailable_low_s)


def test_a_slow_decision_cadence_does_not_flap(bundle):
    """A decision every 120 s: once the first forecast is there nothing is `not available` in between."""
    watch = Watch(bundle, OrtEngine(bundle), every_s=120.0)
    shown = []
    for i in range(300):
        watch.feed([sample(10.0 * i, 90.0 + i % 3)], 10.0 * i)
        watch.tick(10.0 * i)
        shown.append({c.name for c in watch.snapshot(10.0 * i).conditions})

    assert set().union(*shown[110:]) == set()
    assert {"forecast not available"} in shown[:90]
