"""The kit finds faults: small broken drivers, each failed by the check that is there for it."""

from __future__ import annotations

import math
import os
import socket
import threading
import time
from collections import deque
from dataclasses import replace
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING

import pytest
from broken_decoders import DECODERS, Endless, OneLedger, Raising, Skipping, doing
from broken_sessions import SESSIONS, Raiser
from toy_driver import Datagrams, Decoder, Monitor, Session, feed_of

from barocast.plugin.conformance import check as kit
from barocast.plugin.conformance import garbage
from barocast.plugin.conformance.bench import Bench
from barocast.plugin.conformance.subject import make_subject
from barocast.plugin.conformance.verdict import Grade
from barocast.runtime.domain import FeedCounts

if TYPE_CHECKING:
    from barocast.plugin.conformance.verdict import Verdict
    from barocast.plugin.feeds import Feed


SEED = 5
BITTEN = (b"\xff" + Monitor().line()) * 360
"""Lines with a bad byte before each."""


@pytest.fixture(autouse=True)
def short_frames(monkeypatch):
    """Toy frames are short: less is endless to them."""
    monkeypatch.setattr(garbage, "ENDLESS_BYTES", 1 << 18)
    monkeypatch.setattr(garbage, "MAX_HELD", 1 << 17)
    monkeypatch.setattr(garbage, "NOISE_BYTES", 100_000)


def judged(name: str, feed: Feed, monitor=Monitor, recorded=None) -> Verdict:
    """Run one check, `part/name`, over a feed; its recording comes from a sound driver's monitor."""
    part, _, name = name.partition("/")
    (check,) = (check for check in kit.CHECKS if (check.part, check.name) == (part, name))
    sound = make_subject(feed_of(schemes=feed.schemes), Bench(monitor), SEED)
    subject = replace(sound, feed=feed, recording=recorded or sound.recording)
    return kit._judged(check, subject)


@pytest.mark.parametrize(("name", "decoder"), DECODERS, ids=lambda one: getattr(one, "__name__", one))
def test_a_decoder_that_breaks_a_rule_is_failed_by_its_check(name, decoder):
    assert judged(name, feed_of(Decoder)).grade is Grade.PASS
    assert judged(name, feed_of(decoder)).grade is Grade.FAIL


def test_counts_that_change_behind_the_readers_back_are_found():
    verdict = judged("interface/counts grow", feed_of(OneLedger), recorded=BITTEN)

    assert (verdict.grade, "change with later input" in verdict.evidence) == (Grade.FAIL, True)


def test_a_driver_that_never_ends_is_stopped(monkeypatch):
    monkeypatch.setattr(kit, "PATIENCE_S", 0.2)
    verdict = judged("garbage/any bytes", feed_of(Endless))

    assert (verdict.grade, "endless loop" in verdict.evidence) == (Grade.FAIL, True)


@pytest.mark.parametrize(
    ("act", "named"),
    [
        (time.monotonic, "time.monotonic"),
        (lambda: datetime.now(timezone.utc), "datetime.now"),
        (date.today, "date.today"),
        (lambda: open(os.devnull).close(), "io.open"),  # noqa: PTH123 - as a driver would
        (lambda: socket.socket().close(), "socket."),
        (lambda: threading.Thread(target=int).start(), "threading."),
    ],
)
def test_a_decoder_that_is_not_pure_gets_an_advice_and_no_failure(act, named):
    verdict = judged("interface/pure", feed_of(doing(act)))

    assert (verdict.grade, named in verdict.evidence) == (Grade.ADVICE, True)
    assert judged("interface/pure", feed_of()).grade is Grade.PASS


def test_what_raises_is_told_with_its_place_and_its_seed():
    verdict = judged("garbage/any bytes", feed_of(Raising))

    assert "UnicodeDecodeError" in verdict.evidence
    assert "broken_decoders.py" in verdict.evidence
    assert "seed " in verdict.place


@pytest.mark.parametrize(
    ("name", "session", "monitor"), SESSIONS, ids=lambda one: getattr(one, "__name__", one)
)
def test_a_session_that_breaks_a_rule_is_failed_by_its_check(name, session, monitor):
    schemes = ("udp",) if monitor is Datagrams else ("serial",)

    assert judged(name, feed_of(schemes=schemes), monitor).grade is Grade.PASS
    assert judged(name, feed_of(session=session, schemes=schemes), monitor).grade is Grade.FAIL


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "My Feed"},
        {"schemes": ()},
        {"schemes": ("rs232",)},
        {"stale_s": 0.0},
        {"stale_s": math.nan},
        {"session": None},
        {"decoder": None},
    ],
)
def test_a_feed_that_the_bedside_cannot_use_is_failed(changes):
    assert judged("interface/feed", feed_of()).grade is Grade.PASS
    assert judged("interface/feed", replace(feed_of(), **changes)).grade is Grade.FAIL


def test_without_a_virtual_monitor_and_a_recording_nothing_is_passed_that_was_not_tried():
    report = kit.examine(make_subject(feed_of(), Bench(), SEED))
    grades = {(finding.part, finding.grade) for finding in report.findings}

    assert {
        grade for part, grade in grades if part in ("silence", "reconnect", "drift", "replay", "events")
    } == {Grade.NOT_SHOWN}
    assert report.grade == "conforms as far as shown"


def test_a_driver_that_raises_from_the_first_word_on_is_reported_and_stops_no_check():
    report = kit.examine(make_subject(feed_of(session=Raiser), Bench(Monitor), SEED))

    assert "no recording: it raised TimeoutError" in report.recording
    assert {finding.grade for finding in report.findings if finding.part == "reconnect"} == {Grade.FAIL}


def test_a_decoder_that_cannot_be_made_is_a_fault_and_no_crash():
    report = kit.examine(make_subject(feed_of(decoder=lambda: 1 / 0), Bench(Monitor), SEED))
    wrong = {finding.name for finding in report.findings if finding.grade is Grade.FAIL}

    assert {"counts grow", "decodes", "any bytes", "memory", "pure"} <= wrong


def test_checks_of_sessions_and_datagrams_say_nothing_of_feeds_without_them():
    of_file = kit.checks_for(make_subject(feed_of(session=None, schemes=()), Bench(), SEED))
    of_line = kit.checks_for(make_subject(feed_of(), Bench(), SEED))

    assert {check.part for check in of_file} == {"interface", "replay", "events", "garbage"}
    assert "datagrams" not in {check.name for check in of_line}


def test_the_same_seed_finds_the_same(monkeypatch):
    monkeypatch.setattr(kit, "CHECKS", garbage.CHECKS[:4])
    one, other = (kit.examine(make_subject(feed_of(Skipping), Bench(Monitor), SEED)) for _ in range(2))

    assert one == other
    assert one.grade == "fails"


def test_a_new_decoder_has_counted_nothing():
    class Used(Decoder):
        @property
        def counts(self):
            return replace(super().counts, frames=1 + super().counts.frames)

    verdict = judged("interface/counts grow", feed_of(Used))

    assert (verdict.grade, str(FeedCounts(frames=1)) in verdict.evidence) == (Grade.FAIL, True)


def test_every_check_fails_some_broken_driver():
    proved = {name for name, *_ in (*DECODERS, *SESSIONS)} | {"interface/feed", "interface/pure"}

    assert {f"{check.part}/{check.name}" for check in kit.CHECKS} == proved


def test_a_queue_that_empties_is_no_storm():
    class Queueing(Session):
        def __init__(self):
            super().__init__()
            self.queue = deque([b"go\n"] * 5)

        def due(self, now_s):
            return self.queue.popleft() if self.queue else super().due(now_s)

    assert judged("silence/repeated", feed_of(session=Queueing)).grade is Grade.PASS
