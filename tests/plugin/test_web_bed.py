"""A real bed behind the page: what is asked comes to alarm system and case, and back onto the page."""

from __future__ import annotations

import contextlib
import threading

import pytest
from builders import sample
from eventually import eventually
from toy_bundle import toy_bundle
from web_ends import Served

from barocast.plugin.bedside import Bedside
from barocast.plugin.cases.book import CaseBook
from barocast.plugin.cases.facts import About
from barocast.plugin.cases.summary import summary_page
from barocast.plugin.clock import Clock, wall_time
from barocast.plugin.watch import Watch, alarm_rules
from barocast.plugin.web.publisher import Publisher, Shown
from barocast.runtime.alarm.rules import Priority
from barocast.runtime.domain import FeedCounts
from barocast.runtime.engines import OrtEngine


class Feed:
    """Twenty-five minutes of a falling pressure, then nothing."""

    counts, status = FeedCounts(), "associated"

    def __init__(self) -> None:
        self.samples = [sample(10.0 * i, 90 - i / 6) for i in range(150)]

    def receive(self, data, now_s):
        return ([self.samples.pop(0)] if self.samples else []), b""

    def due(self, now_s):
        return b""


@contextlib.contextmanager
def serving(bundle, *, silent=False):
    """The page of a bed that has raised its alarm, and goes on in a thread of its own."""
    book = CaseBook(About("OR 3", "toy-1", silent=silent), wall_time())
    served = Served(
        trend=lambda: book.trend(wall_time()), summary=lambda: summary_page(book.facts(wall_time()))
    )
    bedside = Bedside(
        name="OR 3",
        session=Feed(),
        watch=Watch(bundle, OrtEngine(bundle)),
        sinks=[],
        stale_s=1e6,
        desk=served.desk,
        book=book,
        wall=wall_time,
    )
    shown = Shown("or-3", "OR 3", alarm_rules(bundle, Priority.LOW), silent=silent)
    publisher = Publisher(
        served.board,
        bedside,
        shown,
        wall=wall_time,
        case=lambda: book.case,
        history=book.history,
        every_s=0.02,
    )
    for second in range(0, 1500, 10):
        bedside.step(b"", float(second))
    over, clock = threading.Event(), Clock()

    def turn() -> None:
        while not over.wait(0.005):
            bedside.step(b"", 1500.0 + clock())
            publisher(1500.0 + clock())

    turning = threading.Thread(target=turn)
    turning.start()
    try:
        eventually(lambda: served.board.newest("or-3"))
        yield served
    finally:
        over.set()
        turning.join()
        served.page.close()
    assert publisher.trouble == ""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return toy_bundle(tmp_path_factory.mktemp("toy") / "b").read()


def test_a_case_from_its_alarm_to_the_next_patient(bundle):
    with serving(bundle) as served:

        def state():
            return served.told("GET", "/api/or-3/state")[1]

        raised = state()["alarm"]["conditions"][0]
        acknowledged = served.told("POST", "/api/or-3/acknowledge", {"occurrence": raised["occurrence"]})
        seen = eventually(
            lambda: [c for c in state()["alarm"]["conditions"] if c["inactivation"] == "acknowledged"]
        )
        paused = served.told("POST", "/api/or-3/pause-audio", {"seconds": 90})
        left_s = eventually(lambda: state()["alarm"]["audio_pause_left_s"])
        gone = served.told("POST", "/api/or-3/acknowledge", {"occurrence": 999})
        before = state()
        admitted = served.told("POST", "/api/or-3/admit", {"patient": {"age_years": 41}})
        case = eventually(lambda: state()["case"])
        after = eventually(lambda: (now := state())["decision"] is None and now)

    assert [answer[0] for answer in (acknowledged, paused, gone, admitted)] == [200, 200, 409, 200]
    assert seen[0]["occurrence"] == raised["occurrence"]
    assert 0 < left_s <= 90
    assert before["decision"]["state"] == "forecast"
    assert "forecast hypotension" in [row["condition"] for row in before["history"]]
    assert case["patient"]["age_years"] == 41
    assert "forecast hypotension" not in [c["name"] for c in after["alarm"]["conditions"]]


def test_a_silent_trial_tells_nobody_of_a_forecast_on_any_address(bundle):
    with serving(bundle, silent=True) as served:
        told = [served.ask("GET", f"/api/or-3/{what}") for what in ("state", "trend", "summary")]

    assert [status for status, _, _ in told] == [200, 200, 200]
    assert not any(b"forecast hypotension" in text or b'"risk' in text for _, _, text in told)
    assert b'"silent":true' in told[0][2]
