"""Whatever a line loses is counted by its kind and seen: at the bed, in a recording, by doctor."""

from __future__ import annotations

import json
from contextlib import closing

import pytest
from builders import abp_message, sample
from shared_data import captures
from toy_bundle import toy_bundle

from barocast.plugin.bedside import Bedside
from barocast.plugin.cli import main
from barocast.plugin.feeds import find_feed, live_names
from barocast.plugin.recorder import RecordedSession, Recorder
from barocast.plugin.screen import view_of
from barocast.plugin.sinks.screen_layout import render
from barocast.plugin.watch import Watch
from barocast.runtime.domain import FeedCounts
from barocast.runtime.engines import OrtEngine

NOISE = {
    "bis": b"\xba\xab" + b"\xff" * 16 + b"\xba\xab",
    "dri": b"\x7eabcdefgh\x7e",
    "hl7": b"\x0bPID|no header\x1c\r",
    "intellivue-serial": b"\xc0\x11\x01noise\xc1",
    "intellivue-udp": b"\x00\x01noise",
    "masimo": b"SPO2=??? HR=072\r\n",
    "mindray-pds": b"\x0bPID|no header\x1c\r",
    "medibus": b"\x01$C8 0zz\r",
}
"""Feed -> bytes that are none of its own."""


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return toy_bundle(tmp_path_factory.mktemp("bundle") / "b")


def bed(toy, session):
    bundle = toy.read()
    return Bedside(name="bed", session=session, watch=Watch(bundle, OrtEngine(bundle)), sinks=[])


def header(bedside, now_s=1.0):
    """The first line of the screen."""
    first = render(view_of(bedside, "bed 3", now_s), 200, 24).renderables[0]
    return first.plain.rstrip()


@pytest.mark.req("ACQ-04")
@pytest.mark.parametrize("feed", sorted(NOISE))
def test_what_any_feed_cannot_read_is_counted_by_kind_and_stands_on_the_screen(toy, feed):
    bedside = bed(toy, find_feed(feed).session())
    for now_s in range(3):
        bedside.step(NOISE[feed], float(now_s))
    counts = bedside.session.counts

    assert counts.corrupt == sum(counts.corrupt_by_reason.values()) > 0
    assert all(f"{reason} {count}" in header(bedside) for reason, count in counts.corrupt_by_reason.items())


def test_every_live_feed_of_ours_was_asked():
    assert set(live_names()) - NOISE.keys() <= {"sdc"}  # a library of its own decodes that one


def test_what_no_disk_took_is_told_on_the_screen(toy, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with closing(Recorder(tmp_path / "file", "masimo", wall=lambda: 0.0)) as recorder:
        bedside = bed(toy, RecordedSession(find_feed("masimo").session(), recorder))
        bedside.losses["bytes not recorded"] = lambda: recorder.lost
        bedside.step(b"SPO2=097 HR=072\r\n", 0.0)

    assert header(bedside).endswith("17 bytes not recorded")


def test_events_of_a_stray_time_are_told_on_the_screen(toy):
    class Feed:
        counts, status = FeedCounts(), "associated"

        def receive(self, data, now_s):
            return [sample(9e9 if now_s == 1.0 else 100.0 + now_s, 80.0)], b""

        def due(self, now_s):
            return b""

    bedside = bed(toy, Feed())
    for now_s in range(4):
        bedside.step(b"", float(now_s))

    assert header(bedside).endswith("1 stray times")


def doctored(capsys, *arguments):
    """What doctor says of a recording: its findings by topic."""
    main(["doctor", "--json", *map(str, arguments)])
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return {each["topic"]: each for each in found}


def test_doctor_tells_what_is_lost_of_a_real_line(capsys):
    path = captures("intellivue/jvscapture_MPRawoutput1.raw")
    line = doctored(capsys, "--recording", path, "--feed", "intellivue-serial")["line"]

    assert line["ok"]
    assert line["text"].endswith("2,887 frames, 1 piece lost (cut short 1)")


def test_doctor_says_that_a_recording_of_ours_may_name_the_patient(tmp_path, capsys):
    with closing(Recorder(tmp_path, "masimo", wall=lambda: 0.0)) as recorder:
        recorder.record(b"SPO2=097 HR=072\r\n", 0.0)
    (path,) = tmp_path.iterdir()
    found = doctored(capsys, "--recording", path)

    assert found["line"]["text"].endswith("1 frames, nothing lost")
    assert "may name the patient" in found["privacy"]["text"]


def test_doctor_says_why_a_recording_cannot_be_read(tmp_path, capsys):
    line = doctored(capsys, "--recording", tmp_path / "gone.csv")["line"]

    assert (line["ok"], "cannot be read" in line["text"]) == (False, True)


def test_doctor_finds_a_line_bad_that_loses_much(tmp_path, capsys):
    path = tmp_path / "ward.hl7"
    path.write_bytes(abp_message(0) + b"\x0bPID|no header\x1c\r" + abp_message(10)[:-9])
    line = doctored(capsys, "--recording", path)["line"]

    assert not line["ok"]
    assert line["text"].endswith("2 pieces lost (header 1, cut short 1)")
