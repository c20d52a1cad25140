"""DRI records: header, sub-records, requests, and the second check that an 8-bit sum needs."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_data import captures

from barocast.runtime.decoders import dri_record
from barocast.runtime.decoders.dri_frame import Deframer, Frame, frame
from barocast.runtime.decoders.dri_record import (
    DISPLAYED,
    PHYSIOLOGY,
    REQUEST_LEVELS,
    WAVE,
    Implausible,
    Record,
    SubRecord,
    build,
    parse,
)
from barocast.runtime.decoders.dri_request import EXT1, PhysiologyRequest, WaveRequest, record_of, request_of

VALUES = SubRecord(DISPLAYED, bytes(278))
PLETH = SubRecord(8, dri_record.WAVE_HEAD.pack(2, 2, 0) + b"\x01\x00\x02\x00")
RECORD = Record(PHYSIOLOGY, (VALUES, VALUES), time_s=1533220220, number=45, level=10, plug=7)
RECORDINGS = ("pycollect_db00.raw", "pycollect_db02.raw", "pycollect_notebooks_raw.raw")


def edited(record, at, new):
    payload = bytearray(build(record))
    payload[at : at + len(new)] = new
    return bytes(payload)


def test_record_is_laid_out_as_specified():
    payload = build(RECORD)

    assert payload[:16].hex(" ") == "54 02 2d 0a 07 00 7c 15 63 5b 00 00 00 00 00 00"
    assert payload[16:25].hex(" ") == "00 00 01 16 01 01 00 00 ff"
    assert len(payload) == 40 + 2 * 278


@pytest.mark.parametrize(
    "record", [RECORD, Record(WAVE, (PLETH,) * 8, level=11), Record(8, (PLETH,), level=2)]
)
def test_record_comes_back(record):
    assert parse(build(record)) == record


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "header"),
        (build(RECORD)[:39], "header"),
        (build(RECORD)[:-1], "r_len"),
        (edited(RECORD, 3, b"\x01"), "level"),
        (edited(RECORD, 3, b"\x0d"), "level"),
        (build(replace(RECORD, level=0)), "level"),
        (edited(RECORD, 14, b"\x02\x00"), "main type"),
        (edited(RECORD, 14, b"\xff\xff"), "main type"),
        (edited(RECORD, 16, b"\x00\x00\xff"), "sub-records"),
        (edited(RECORD, 16, b"\x01\x00"), "sub-records"),
        (edited(RECORD, 19, b"\xff\xff"), "sub-records"),
        (edited(RECORD, 19, b"\xff\x7f"), "sub-records"),
        (edited(RECORD, 19, b"\x00\x00"), "sub-records"),
        (edited(Record(8, (PLETH, PLETH), level=10), 19, b"\x00\x00"), "sub-records"),
        (build(replace(RECORD, subrecords=(SubRecord(DISPLAYED, bytes(277)),))), "sub-records"),
        (build(Record(WAVE, (SubRecord(8, bytes(5)),), level=10)), "sub-records"),
        (build(Record(WAVE, (SubRecord(8, b"\x02\x00" + bytes(6)),), level=10)), "sub-records"),
        (build(Record(WAVE, (SubRecord(8, b"\xff\xff" + bytes(6)),), level=10)), "sub-records"),
    ],
)
def test_what_contradicts_itself_is_no_record(payload, reason):
    assert parse(payload) == Implausible(reason)


def test_junk_that_passes_the_sum_is_caught_by_the_second_check():
    """One junk frame in 256 has a right sum; here every one of 5,000."""
    random_bytes = random.Random(1)
    junk = [random_bytes.randbytes(random_bytes.randrange(41, 1200)) for _ in range(5000)]
    found = Deframer().feed(b"".join(map(frame, junk)))

    assert all(isinstance(each, Frame) for each in found)
    assert not [each for each in found if isinstance(parse(each.payload), Record)]


@pytest.mark.parametrize("name", RECORDINGS)
def test_damage_that_leaves_the_sum_right_is_caught_wherever_it_lies_in_the_header(name):
    """Two bytes changed against each other: the sum stays, the header contradicts itself or the length."""
    stream = captures(f"ge_dri/{name}").read_bytes()[:20_000]
    caught = Counter()
    for found in Deframer().feed(stream):
        if isinstance(found, Frame):
            for at in (0, 3, 14, 16):
                damaged = bytearray(found.payload)
                damaged[at], damaged[200] = (damaged[at] + 131) % 256, (damaged[200] - 131) % 256
                (again,) = Deframer().feed(frame(bytes(damaged)))
                assert isinstance(again, Frame)
                caught[parse(again.payload).reason] += 1

    assert set(caught) == {"r_len", "level", "main type", "sub-records"}


@pytest.mark.parametrize("name", RECORDINGS)
def test_recorded_records_are_written_back_byte_for_byte(name):
    stream = captures(f"ge_dri/{name}").read_bytes()
    payloads = [found.payload for found in Deframer().feed(stream) if isinstance(found, Frame)]

    assert payloads
    assert [build(parse(payload)) for payload in payloads] == payloads


@pytest.mark.parametrize(
    ("asked", "length"),
    [
        (PhysiologyRequest(DISPLAYED, 5, EXT1), 49),
        (PhysiologyRequest(DISPLAYED, -1), 49),
        (WaveRequest((4, 8)), 72),
        (WaveRequest((1, 2, 3, 4, 5, 6, 7, 8)), 72),
        (WaveRequest(()), 72),
    ],
)
def test_request_comes_back(asked, length):
    payload = build(record_of(asked))

    assert len(payload) == length
    assert request_of(parse(payload, REQUEST_LEVELS)) == asked


def test_stop_that_still_lists_waves_stops():
    start = bytearray(build(record_of(WaveRequest((4, 8)))))
    start[40] = 1

    assert request_of(parse(bytes(start), REQUEST_LEVELS)) == WaveRequest(())


def test_request_for_values_is_laid_out_as_specified():
    payload = build(record_of(PhysiologyRequest(DISPLAYED, 5, EXT1)))

    assert payload[40:].hex(" ") == "01 05 00 02 00 00 00 00 00"
    assert payload[16:22].hex(" ") == "00 00 00 00 00 ff"


def test_record_that_asks_for_nothing_is_no_request():
    assert request_of(RECORD) is None
    assert request_of(Record(WAVE, (SubRecord(0, b"\x00"),))) is None


def test_too_much_for_one_record_is_refused():
    with pytest.raises(ValueError, match="too much"):
        build(Record(WAVE, (PLETH,) * 9))
    with pytest.raises(ValueError, match="too much"):
        build(Record(WAVE, (SubRecord(8, bytes(1451)),)))


@given(st.binary(max_size=400) | st.binary(max_size=400).map(lambda tail: build(RECORD)[:30] + tail))
@settings(max_examples=200, deadline=None)
def test_any_payload_is_read_or_told(payload):
    assert isinstance(parse(payload), Record | Implausible)
