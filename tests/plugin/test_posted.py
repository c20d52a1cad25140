"""A sink around work that is slow, hangs, fails or is well."""

from __future__ import annotations

import threading

import pytest
from alarm_states import forecast, state
from eventually import eventually

from barocast.plugin.sinks import beat, posted
from barocast.plugin.sinks.posted import HANGS_S, KEPT, PostedSink
from barocast.plugin.sinks.sink import Receipt

SOON_S = 10.0


class Noted:
    """Work that notes what it is given; `gate` holds it up, `trouble` is what it tells."""

    def __init__(self, *, every_change=True):
        self.every_change = every_change
        self.trouble = ""
        self.news, self.closed = [], threading.Event()
        self.inside, self.gate = threading.Event(), threading.Event()
        self.gate.set()

    def turn(self, news):
        self.inside.set()
        self.gate.wait(SOON_S)
        self.news += news
        if self.trouble == "raise":
            raise RuntimeError("no such thing")
        return self.trouble

    def close(self):
        self.closed.set()

    def hold(self):
        """Wait until a turn stands inside."""
        self.gate.clear()
        self.inside.clear()
        assert self.inside.wait(SOON_S)


@pytest.fixture
def work():
    return Noted()


@pytest.fixture
def clock():
    return [0.0]


@pytest.fixture
def sink(work, clock):
    made = PostedSink("pager", "room 5", work, clock=lambda: clock[0], wall=lambda: 1000.0 + clock[0])
    yield made
    work.gate.set()
    made.close()


def changes(number):
    return [state(60.0 + n, forecast(n, since_s=60.0 + n)) for n in range(number)]


def test_the_work_is_given_each_state_with_its_date(sink, work, clock):
    clock[0] = 5.0
    assert sink.apply(state(60.0, forecast())) == Receipt()

    assert eventually(lambda: work.news)
    assert [(dated.snapshot, dated.wall_s) for dated in work.news] == [(state(60.0, forecast()), 1005.0)]


@pytest.mark.req("ALM-06")
def test_the_bed_never_waits_for_work_that_hangs_and_is_told_in_seconds(sink, work, clock):
    sink.self_test()
    work.hold()

    receipts = []
    for now_s in (0.0, HANGS_S, HANGS_S + 0.1, 60.0):
        clock[0] = now_s
        receipts.append(sink.apply(state(now_s)))

    hangs = Receipt(ok=False, text="pager room 5: the device does not come back")
    assert receipts == [Receipt(), Receipt(), hangs, hangs]
    work.gate.set()
    assert eventually(lambda: sink.apply(state(61.0)).ok)


def test_states_that_tell_the_same_are_merged_and_changes_are_not(sink, work):
    sink.self_test()
    work.hold()
    paused = [state(60.0 + n, forecast(), audio_pause_left_s=120.0 - n) for n in range(50)]
    for snapshot in [*paused, *changes(3), state(99.0)]:
        sink.apply(snapshot)
    work.gate.set()

    assert eventually(lambda: len(work.news) == 5)
    assert [dated.snapshot.now_s for dated in work.news] == [109.0, 60.0, 61.0, 62.0, 99.0]


def test_the_end_of_a_pause_is_a_change(sink, work):
    sink.self_test()
    work.hold()
    for left_s in (2.0, 1.0, 0.0, 0.0):
        sink.apply(state(60.0, forecast(), alarm_pause_left_s=left_s))
    work.gate.set()

    assert eventually(lambda: len(work.news) == 2)
    assert [dated.snapshot.alarm_pause_left_s for dated in work.news] == [1.0, 0.0]


def test_work_that_tells_states_is_given_the_newest_only():
    work = Noted(every_change=False)
    sink = PostedSink("board", "hall", work)
    sink.self_test()
    work.hold()
    receipts = [sink.apply(snapshot) for snapshot in changes(2 * KEPT)]
    work.gate.set()

    assert eventually(lambda: work.news)
    assert all(receipt.ok for receipt in receipts)
    assert [dated.snapshot.now_s for dated in work.news] == [60.0 + 2 * KEPT - 1]
    sink.close()


@pytest.mark.req("ALM-12")
def test_of_ten_thousand_changes_the_newest_thousand_are_kept_and_the_loss_is_told(sink, work):
    sink.self_test()
    work.hold()
    told = changes(10_000)
    receipts = [sink.apply(snapshot) for snapshot in told]

    assert len(sink._news) == KEPT
    assert receipts[-1] == Receipt(ok=False, text="pager room 5: changes not sent: more than 1000 waited")
    work.gate.set()
    assert eventually(lambda: len(work.news) == KEPT)
    assert eventually(lambda: sink.apply(told[-1]).ok)


@pytest.mark.parametrize(
    ("trouble", "text"),
    [("no paper", "pager room 5: no paper"), ("raise", "pager room 5: RuntimeError: no such thing")],
)
def test_what_goes_wrong_in_the_work_is_told_and_taken_back(sink, work, trouble, text):
    work.trouble = trouble
    assert sink.self_test().text == text
    assert sink.apply(state(0.0)) == Receipt(ok=False, text=text)

    work.trouble = ""
    assert eventually(lambda: sink.apply(state(1.0)).ok)


def test_the_end_waits_for_no_work_that_hangs(sink, work, monkeypatch):
    monkeypatch.setattr(beat, "CLOSE_S", 0.05)
    sink.self_test()
    work.hold()

    sink.close()

    assert not work.closed.is_set()
    work.gate.set()


def test_the_end_closes_work_that_is_done(sink, work):
    sink.self_test()

    sink.close()

    assert work.closed.is_set()


def test_a_sink_that_was_never_used_ends_at_once(work):
    PostedSink("pager", "room 5", work).close()

    assert not work.closed.is_set()


def test_the_self_test_waits_for_the_first_turn_only(sink, work, monkeypatch):
    monkeypatch.setattr(posted, "TEST_S", 0.05)
    work.gate.clear()

    first = sink.self_test()

    assert (first.ok, first.text) == (True, "pager room 5: ready")
    work.gate.set()
