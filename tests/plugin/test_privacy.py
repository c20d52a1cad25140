"""Who a patient is ends at the decoder: no name, number or birth date of any feed gets any further.

Every feed is given its own sound traffic with the canaries wherever the format has a place for them. A
recording of raw bytes is the one exception, and says so.
"""

from __future__ import annotations

import gzip
import json
import struct
from contextlib import closing
from dataclasses import asdict, replace

import pytest
from builders import abp_message
from toy_bundle import toy_bundle

from barocast.plugin.bedside import Bedside
from barocast.plugin.cli import main
from barocast.plugin.feeds import find_feed, live_names
from barocast.plugin.recorder import RecordedSession, Recorder
from barocast.plugin.recordings import open_recording
from barocast.plugin.screen import view_of
from barocast.plugin.settings import parse_settings
from barocast.plugin.sinks.jsonl import JsonLinesSink
from barocast.plugin.sinks.screen_layout import render
from barocast.plugin.watch import Watch
from barocast.runtime.decoders import bis_packet, dri_frame, dri_record, medibus_message
from barocast.runtime.decoders import intellivue_codes as codes
from barocast.runtime.decoders.demographics import TOLD
from barocast.runtime.decoders.intellivue_association import Act, Association, Terms
from barocast.runtime.decoders.intellivue_builder import build
from barocast.runtime.decoders.intellivue_numbers import number_bytes
from barocast.runtime.decoders.intellivue_pdu import EventReport, Observation, PollResult
from barocast.runtime.decoders.intellivue_values import float_word
from barocast.runtime.decoders.mib import frame
from barocast.runtime.decoders.mllp import wrap
from barocast.runtime.domain import Corrupt, Patient
from barocast.runtime.engines import OrtEngine
from barocast.runtime.errors import SettingsError
from barocast.runtime.sessions.described import DescribedSession

NAME, NUMBER, BORN = "Beeblebrox", "MRN4711042", "19520311"
CANARIES = (NAME, NUMBER, BORN)


def utf16(text):
    raw = (text + "\0").encode("utf-16-be")
    return struct.pack(">H", len(raw)) + raw


def intellivue():
    """Demographics as an object of their own, and among what the monitor says of itself."""
    identity = {0x095A: utf16(NUMBER), 0x095C: utf16(NAME), 0x095D: utf16(NAME), 0x0958: bytes.fromhex(BORN)}
    mean = {codes.NUMERIC_VALUE: number_bytes(0x4A17, 0, codes.MMHG, float_word(80))}
    said = (
        Association(Act.RESPONSE, Terms()),
        EventReport(1, True, 0, codes.MDS_CREATE, identity | {codes.OPERATING_MODE: b"\x40\0"}),  # noqa: FBT003 - a field's value
        PollResult(2, 2, 0, 8192, codes.DEMOGRAPHICS, 0, (Observation(1, 1, identity),)),
        PollResult(3, 3, 0, 8192, codes.NUMERIC, 0, (Observation(1, 2, mean | identity),)),
        PollResult(3, 3, 1, 16384, codes.NUMERIC, 0, (Observation(1, 2, mean),)),
    )
    return b"".join(frame(build(pdu)) for pdu in said)


def hl7():
    rows = abp_message(10).decode()
    identity = (
        f"PID|1||{NUMBER}^^^H^MR||{NAME}^Zaphod||{BORN}|M\rNK1|1|{NAME}\rPV1|1|I|OR^3||||{NUMBER}\r"
        f"NTE|1||{NAME} {BORN}\rOBX|9|ST|1^PatientName^99X||{NAME}||||||F\r"
        f"OBX|9|TX|2^PatientId^99X||{NUMBER}||||||F\rOBX|9|DT|3^Birth^99X||{BORN}||||||F\r"
    )
    head, _, body = rows.partition("\r")
    return f"{head}\r{identity}{body}".encode() + wrap(f"{head[1:]}\r{identity}".encode())


def dri():
    """A network record (main type 5): names and numbers stand in it."""
    told = dri_record.SubRecord(0, f"{NAME} {NUMBER} {BORN}".encode().ljust(80, b"\0"))
    return dri_frame.frame(dri_record.build(dri_record.Record(5, (told,), time_s=1_700_000_000, level=10)))


def vital():
    """Text tracks, a device's port, and the header, packed as Vital Recorder packs a file."""

    def packet(kind, body):
        return struct.pack("<BI", kind, len(body)) + body

    def text(value):
        return struct.pack("<I", len(value)) + value.encode()

    def track(number, kind, name):
        scale = struct.pack("<ffIfddBI", 0, 0, 0, 0, 1, 0, 0, 7)
        return packet(0, struct.pack("<HBB", number, kind, 1) + text(name) + text("mmHg") + scale)

    note = struct.pack("<HdH", 10, 100.0, 2) + struct.pack("<I", 0) + text(f"{NAME} {NUMBER} {BORN}")
    plain = (
        b"VITA"
        + struct.pack("<IH", 3, 10)
        + NUMBER.encode()
        + packet(9, struct.pack("<I", 7) + text("Monitor") + text("Monitor") + text(NAME))
    )
    plain += track(1, 2, "ABP_MEAN") + track(2, 5, "EVENT") + packet(1, note)
    return gzip.compress(plain + packet(1, struct.pack("<HdHf", 10, 100.0, 1, 80.0)))


def medibus():
    identity = medibus_message.answer(0x52, f"{NUMBER}'{NAME}' {BORN}".encode())
    return identity + medibus_message.answer(0x24, b"CD 80 ")


def bis():
    identity = bis_packet.message(4, 0x30, f"{NAME} {NUMBER} {BORN}".encode())
    return bis_packet.packet(bis_packet.DATA, 1, identity)


FEEDS = {
    "intellivue-serial": intellivue,
    "hl7": hl7,
    "mindray-pds": hl7,
    "dri": dri,
    "vital": vital,
    "medibus": medibus,
    "bis": bis,
}
"""What can name a patient. An oximeter's line has no place for one."""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return toy_bundle(tmp_path_factory.mktemp("bundle") / "b").read()


def named_in(text):
    """The canaries that stand in a text, in whatever writing of them."""
    seen = text if isinstance(text, bytes) else text.encode()
    ways = {c: (c.encode(), c.encode("utf-16-be"), c.encode("utf-16-le")) for c in CANARIES}
    spoken = {c for c, written in ways.items() if any(way in seen for way in written)}
    return spoken | ({BORN} if bytes.fromhex(BORN) in seen or b"1952-03-11" in seen else set())


@pytest.mark.req("SEC-06")
@pytest.mark.parametrize("feed", FEEDS)
@pytest.mark.parametrize("size", [1, 10_000])
def test_no_event_of_a_decoder_names_the_patient(feed, size):
    stream, decoder = FEEDS[feed](), find_feed(feed).decoder()
    events = [e for at in range(0, len(stream), size) for e in decoder.feed(stream[at : at + size])]
    events += decoder.close()

    assert decoder.counts.frames > 0
    assert not [event for event in events if isinstance(event, Corrupt)]
    assert named_in(repr(events)) == set()
    assert named_in(repr(decoder.counts)) == set()


@pytest.mark.req("SEC-06")
@pytest.mark.parametrize("feed", sorted(FEEDS.keys() - {"vital"}))
def test_neither_log_nor_screen_nor_what_the_box_says_names_the_patient(feed, tmp_path, bundle):
    said = []
    log = JsonLinesSink(tmp_path / "log.jsonl", bundle_id="toy")
    bedside = Bedside(
        name="bed 3",
        session=find_feed(feed).session(),
        watch=Watch(bundle, OrtEngine(bundle)),
        sinks=[],
        log=log,
        wall=lambda: "2026-01-01T00:00:00Z",
        say=said.append,
    )
    with closing(bedside):
        for now_s in range(60):
            bedside.step(FEEDS[feed]() if now_s < 3 else b"", float(now_s))
        drawn = "".join(line.plain for line in render(view_of(bedside, "bed 3", 60.0), 200, 50).renderables)
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())

    assert written
    assert [named_in(each) for each in (written, drawn, repr(said))] == [set()] * 3


@pytest.mark.req("SEC-06")
@pytest.mark.parametrize("feed", FEEDS)
def test_a_capture_decoded_to_lines_names_nobody(feed, tmp_path, capsys):
    path = tmp_path / "capture.raw"
    path.write_bytes(FEEDS[feed]())
    main(["decode", "--feed", feed, str(path)])

    assert named_in(capsys.readouterr().out) == set()


@pytest.mark.parametrize("feed", [feed for feed in live_names() if find_feed(feed).describer])
def test_a_site_that_asks_for_age_sex_and_size_gets_no_more_than_these(feed):
    describer = find_feed(feed).describer()
    describer.feed(FEEDS[feed.replace("-udp", "-serial")]())

    assert {name for name, value in asdict(describer.patient).items() if value} <= set(TOLD)
    assert named_in(repr(vars(describer))) == set()


def test_age_and_sex_that_the_feed_tells_reach_the_model_when_asked_for(bundle):
    session = DescribedSession(find_feed("hl7").session(), find_feed("hl7").describer())
    written, watch = Patient(department="Surgery"), Watch(bundle, OrtEngine(bundle))
    bedside = Bedside(name="bed", session=session, watch=watch, sinks=[], patient=written)
    bedside.describe = lambda: session.patient
    admitted = []
    bedside.watch.pipeline.admit = admitted.append
    for now_s, data in enumerate((b"", hl7(), b"", hl7())):
        bedside.step(data, float(now_s))

    assert admitted == [written, replace(written, age_years=73, sex="M")]


def test_a_site_that_asks_for_nothing_reads_nothing(tmp_path):
    """The default: no describer hears the line."""
    config = '[feed]\nkind = "hl7"\naddress = "tcp://gateway:2575"\n'

    assert parse_settings(config, "or3.toml").feed.demographics == "drop"
    assert (
        parse_settings(f'{config}demographics = "age-sex-size"\n', "or3.toml").feed.demographics
        == "age-sex-size"
    )


@pytest.mark.parametrize(
    ("kind", "address", "word", "said"),
    [
        ("hl7", "tcp://gateway:2575", "all", "'all' is not one of drop, age-sex-size"),
        ("bis", "serial:///dev/ttyUSB0", "age-sex-size", "bis tells none"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(kind, address, word, said):
    with pytest.raises(SettingsError, match=said):
        parse_settings(f'[feed]\nkind = "{kind}"\naddress = "{address}"\ndemographics = "{word}"\n', "x")


def test_the_comments_of_a_wfdb_header_are_not_read(tmp_path, capsys):
    (tmp_path / "case.dat").write_bytes(struct.pack("<4h", 80, 81, 80, 81))
    path = tmp_path / "case.hea"
    path.write_text(f"case 1 1 4\ncase.dat 16 1/mmHg 16 0 0 0 0 ABP\n# {NAME} {NUMBER} {BORN}\n")
    events = [event for batch in open_recording(path) for event in batch]

    assert len(events) == 4
    assert named_in(repr(events)) == set()


@pytest.mark.req("SEC-06")
def test_a_recording_keeps_the_raw_bytes_with_the_name_and_doctor_says_so(tmp_path, capsys):
    """The rule: a recording holds what the monitor sent. It is its owner's only, and off unless asked for."""
    with closing(Recorder(tmp_path, "hl7", wall=lambda: 0.0)) as recorder:
        events, _ = RecordedSession(find_feed("hl7").session(), recorder).receive(hl7(), 0.0)
    (path,) = tmp_path.iterdir()
    main(["doctor", "--json", "--recording", str(path)])
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert named_in(path.read_bytes()) == set(CANARIES)
    assert named_in(repr(events)) == named_in(repr(found)) == set()
    assert path.stat().st_mode & 0o077 == 0
    assert any("may name the patient" in each["text"] for each in found)
