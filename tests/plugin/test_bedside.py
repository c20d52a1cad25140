"""One bed: what a feed does reaches the sinks, and silence is said."""

from __future__ import annotations

import json

import pytest
from builders import sample
from made_bed import Sink, bed, played
from toy_bundle import toy_bundle

from barocast.plugin.sinks.jsonl import JsonLinesSink
from barocast.plugin.watch import Watch, alarm_rules
from barocast.runtime.alarm.events import PauseAlarms
from barocast.runtime.alarm.rules import Priority
from barocast.runtime.domain import Abstain, Risk
from barocast.runtime.engines import OrtEngine
from barocast.runtime.errors import SettingsError


@pytest.fixture
def bundle(tmp_path):
    return toy_bundle(tmp_path / "b").read()


def falling(minutes: int) -> list[list]:
    """A sample a step, every 10 s, from 90 mmHg down by 1 mmHg a minute."""
    return [[sample(10.0 * i, 90 - i / 6)] for i in range(6 * minutes + 1)]


def test_a_falling_pressure_ends_in_an_alarm_at_the_sink(bundle):
    sink = Sink()
    bedside = played(bed(bundle, *falling(25), sinks=[sink], stale_s=60.0), range(0, 1500, 10))

    assert isinstance(bedside.decision, Risk)
    assert bedside.watch.alarm == "advisory"
    assert any(c.name == "forecast hypotension" for c in sink.snapshots[-1].conditions)


def test_replies_and_what_is_due_go_back_to_the_monitor(bundle):
    assert bed(bundle).step(b"abc", 0.0) == b"cba."


@pytest.mark.req("ACQ-01")
def test_silence_is_an_abstention_and_a_technical_alarm_and_ends(bundle):
    sink = Sink()
    bedside = bed(bundle, [sample(0.0, 80.0)], *[[]] * 7, [sample(8.0, 80.0)], sinks=[sink])
    for second in range(8):
        bedside.step(b"", float(second))

    assert bedside.decision == Abstain(5.0, "no data: nothing for 5 s")
    assert [c.name for c in sink.snapshots[-1].conditions if c.technical] == ["feed lost"]

    bedside.step(b"", 8.0)
    assert "feed lost" not in [c.name for c in sink.snapshots[-1].conditions]


@pytest.mark.req("ACQ-01")
def test_a_monitor_that_never_spoke_counts_as_silent_too(bundle):
    sink = Sink()
    bedside = bed(bundle, sinks=[sink])
    played(bedside, range(8))

    assert [c.name for c in sink.snapshots[-1].conditions] == ["feed lost"]


def test_every_decision_is_a_line_of_the_log(bundle, tmp_path):
    log = JsonLinesSink(tmp_path / "log.jsonl", bundle_id="toy-1")
    bedside = bed(bundle, *falling(2), log=log)
    played(bedside, range(0, 130, 10))
    bedside.close()
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]

    assert [line["t_s"] for line in lines if "no data" not in line["reason"]] == [0.0, 30.0, 60.0, 90.0]


def test_a_feed_without_times_is_dated_by_arrival(bundle):
    bedside = bed(bundle, *[[sample(None, 80.0 + i % 3)] for i in range(100)])
    played(bedside, range(0, 1000, 10))

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


@pytest.mark.req("ALM-05", "ALM-08")
def test_a_site_may_let_a_forecast_escalate_and_alarms_be_paused_for_longer(bundle):
    p_on = bundle.manifest.alarm.trigger.p_on
    watch = Watch(bundle, OrtEngine(bundle), escalate_at=p_on + 0.05, alarm_pause_max_s=600.0)
    for i in range(6 * 25 + 1):
        watch.feed([sample(10.0 * i, 90 - i / 6)], 10.0 * i)
    assert watch.alarm == "medium"

    watch.tell(PauseAlarms(900.0), 1500.0)
    assert watch.snapshot(1500.0).alarm_pause_left_s == 600.0


@pytest.mark.parametrize("choice", [{"escalate_at": 0.01}, {"alarm_pause_max_s": 601.0}])
def test_a_choice_that_a_site_cannot_have_is_refused(bundle, choice):
    with pytest.raises(SettingsError, match="alarm rules: "):
        Watch(bundle, OrtEngine(bundle), **choice)
