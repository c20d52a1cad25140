"""A bed that is published: at once what matters, else at the page's own pace, and never at the bed's cost."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import pytest
from builders import sample
from toy_bundle import toy_bundle

from barocast.plugin.bedside import Bedside
from barocast.plugin.cases.case import Case
from barocast.plugin.watch import Watch, alarm_rules
from barocast.plugin.web.board import Board
from barocast.plugin.web.publisher import Publisher, Shown, leaning
from barocast.runtime.alarm.events import PauseAudio
from barocast.runtime.alarm.rules import Priority
from barocast.runtime.domain import FeedCounts, Risk
from barocast.runtime.engines import OrtEngine
from barocast.runtime.influence import Influence, asker

LEANING = Influence(-6.5, -4.0, 0.11, None, "leans")


class Feed:
    """A session that hands out prepared samples, one a step."""

    counts, status = FeedCounts(), "associated"

    def __init__(self, samples) -> None:
        self.samples = list(samples)

    def receive(self, data, now_s):
        return ([self.samples.pop(0)] if self.samples else []), b""

    def due(self, now_s):
        return b""


class Published(Board):
    """A board that keeps everything."""

    def __init__(self) -> None:
        super().__init__()
        self.states = []

    def publish(self, bed, state):
        super().publish(bed, state)
        self.states.append(json.loads(self.newest(bed).text))


class Bed:
    """A bed whose pressure falls from 90 mmHg by 1 a minute, and its page."""

    def __init__(self, bundle, *, silent=False, minutes=25, **sources) -> None:
        watch = Watch(bundle, OrtEngine(bundle))
        falling = (sample(10.0 * i, 90 - i / 6) for i in range(6 * minutes + 1))
        self.bedside = Bedside(name="bed 1", session=Feed(falling), watch=watch, sinks=[], stale_s=60.0)
        self.board = Published()
        shown = Shown("or-3", "OR 3", alarm_rules(bundle, Priority.LOW), silent=silent)
        self.publisher = Publisher(self.board, self.bedside, shown, wall=lambda: "w", **sources)

    def play(self, start: int, stop: int) -> list[dict]:
        """Go through steps of 10 s; what was published meanwhile."""
        before = len(self.board.states)
        for i in range(start, stop):
            self.bedside.step(b"", 10.0 * i)
            self.publisher(10.0 * i)
        return self.board.states[before:]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return toy_bundle(tmp_path_factory.mktemp("toy") / "b").read()


@pytest.fixture
def bed(bundle):
    return Bed(bundle)


def test_without_a_change_there_is_a_new_picture_every_half_second(bed):
    bed.play(0, 1)
    before = len(bed.board.states)
    for now_s in (0.1, 0.49, 0.5, 0.6, 0.99, 1.0):
        bed.publisher(now_s)

    assert len(bed.board.states) - before == 2


@pytest.mark.req("ALM-05")
def test_an_act_is_shown_in_the_turn_in_which_it_is_done(bed):
    bed.play(0, 1)
    before = len(bed.board.states)
    bed.bedside.tell(PauseAudio(60.0), 0.1)
    bed.publisher(0.1)

    assert len(bed.board.states) == before + 1
    assert bed.board.states[-1]["alarm"]["audio_pause_left_s"] == 60.0


@pytest.mark.req("ALM-06")
def test_an_alarm_is_shown_in_the_turn_in_which_it_is_raised(bundle):
    bed = Bed(bundle, every_s=1e9)
    states = bed.play(0, 150)
    names = [[condition["name"] for condition in state["alarm"]["conditions"]] for state in states]
    raised = next(
        state for state, shown in zip(states, names, strict=True) if "forecast hypotension" in shown
    )

    assert raised["decision"]["state"] == "forecast"
    assert raised["alarm"]["conditions"][0]["age_s"] == 0.0
    assert bed.publisher.trouble == ""


def test_a_trouble_and_a_new_case_are_shown_at_once(bundle):
    cases = [None]
    bed = Bed(bundle, case=lambda: cases[0], every_s=1e9)
    bed.play(0, 1)
    bed.bedside.report("log", "disk full")
    bed.publisher(0.1)
    cases[0] = Case("a1", "w")
    bed.publisher(0.2)

    assert [state["troubles"] for state in bed.board.states[-2:]] == [["log: disk full"]] * 2
    assert [state["case"] and state["case"]["id"] for state in bed.board.states[-2:]] == [None, "a1"]


def test_states_are_numbered_in_a_row(bed):
    assert [state["serial"] for state in bed.play(0, 30)] == list(range(1, 31))


def test_a_forecast_is_shown_first_and_then_once_what_it_leans_on(bundle):
    asked = []
    bed = Bed(bundle, lean=lambda risk: asked.append(risk) or LEANING)
    bed.play(0, 100)
    first = bed.board.states[-1]
    for now_s in (990.1, 990.2, 990.6, 991.2):
        bed.publisher(now_s)
    later = bed.board.states[-1]

    assert isinstance(bed.bedside.decision, Risk)
    assert [first["decision"]["state"], later["decision"]["influence"]["words"]] == ["forecast", "leans"]
    assert asked[-1] is bed.bedside.decision
    assert len(asked) == len({id(risk) for risk in asked})


def test_what_a_forecast_leans_on_is_found_in_the_window_that_it_was_made_of(bundle):
    bed, rules = Bed(bundle), alarm_rules(bundle, Priority.LOW)
    bed.play(0, 100)
    latest, pipeline = bed.bedside.decision, bed.bedside.watch.pipeline
    lean = leaning(pipeline, asker(OrtEngine(bundle), bundle.calibrators), rules)

    assert lean(latest).to_min == -0.5
    assert lean(replace(latest, t_s=latest.t_s - 30.0)) is None


def test_what_an_earlier_forecast_leaned_on_is_not_told_of_a_later_one(bundle):
    bed = Bed(bundle, lean=lambda _: LEANING)
    states = bed.play(0, 150)
    forecasts = [s["decision"] for s in states if s["decision"] and s["decision"]["state"] == "forecast"]
    fresh = [now for was, now in pairwise(forecasts) if now["age_s"] <= was["age_s"]]

    assert any(forecast["influence"] for forecast in forecasts)
    assert fresh
    assert not any(forecast["influence"] for forecast in fresh)


def test_a_silent_trial_publishes_no_forecast_and_asks_for_none(bundle):
    asked = []
    bed = Bed(bundle, silent=True, lean=lambda risk: asked.append(risk) or LEANING)
    states = bed.play(0, 150)

    assert bed.bedside.watch.alarm != "none"
    assert len(states) == 150
    assert asked == []
    assert "hypotension" not in json.dumps(states)
    assert all(state["decision"] is None for state in states)


def test_a_picture_that_fails_costs_the_picture_and_is_said(bundle):
    histories = [[{"wall": "w"}], []]
    bed = Bed(bundle, history=lambda: histories.pop(0))
    bed.play(0, 1)
    broken = bed.publisher.trouble
    bed.play(1, 2)

    assert "KeyError" in broken
    assert bed.publisher.trouble == ""
    assert len(bed.board.states) == 1
