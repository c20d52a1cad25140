"""DRI framing: whole, byte by byte, what follows survives, garbage anywhere, any bytes at all."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_data import captures

from barocast.runtime.decoders import dri_frame
from barocast.runtime.decoders.dri_frame import MAX_STRETCH, Deframer, Frame, frame
from barocast.runtime.domain import Corrupt

PAYLOADS = (b"\x34\x12", b"\x7e\x7d\x5e\x5d\x20", bytes(range(256)), b"\x7d" * 40)


def deframed(*chunks):
    deframer = Deframer()
    return [found for chunk in chunks for found in deframer.feed(chunk)] + deframer.close()


def payloads(found):
    return [each.payload for each in found if isinstance(each, Frame)]


def reasons(found):
    return [each.reason for each in found if isinstance(each, Corrupt)]


@pytest.mark.parametrize(
    ("payload", "wire"),
    [
        (b"\x01\x02", "7e 01 02 03 7e"),
        (b"\x7e\x01", "7e 7d5e 01 7f 7e"),
        (b"\x7d\x01", "7e 7d5d 01 7d5e 7e"),  # the sum itself is a flag
        (b"\x7c\x01", "7e 7c 01 7d5d 7e"),
        (b"\xff\xff", "7e ff ff fe 7e"),
    ],
)
def test_sum_is_formed_before_escaping(payload, wire):
    assert frame(payload) == bytes.fromhex(wire)


def test_whole_stream_gives_every_payload():
    assert payloads(deframed(b"".join(map(frame, PAYLOADS)))) == list(PAYLOADS)


def test_byte_by_byte_gives_the_same():
    stream = b"\x55" + b"".join(map(frame, PAYLOADS)) + b"\x11"

    assert deframed(*(bytes((byte,)) for byte in stream)) == deframed(stream)


def test_one_flag_may_end_a_frame_and_begin_the_next():
    first, second = frame(PAYLOADS[0]), frame(PAYLOADS[2])

    assert payloads(deframed(first[:-1] + second)) == [PAYLOADS[0], PAYLOADS[2]]


def test_flags_in_a_row_are_no_frames():
    assert deframed(b"\x7e\x7e\x7e" + frame(b"xy") + b"\x7e\x7e") == [Frame(4, 3, b"xy")]


def test_bytes_after_a_frame_are_kept_for_the_next():
    first, second = frame(PAYLOADS[0]), frame(PAYLOADS[1])
    deframer = Deframer()

    assert payloads(deframer.feed(first + second[:4])) == [PAYLOADS[0]]
    assert payloads(deframer.feed(second[4:])) == [PAYLOADS[1]]


def test_garbage_before_inside_and_after_costs_no_other_frame():
    wire = frame(b"xy")
    found = deframed(b"abc" + wire + b"junk" + wire + b"de")

    assert found == [
        Corrupt(0, 3, "garbage"),
        Frame(4, 3, b"xy"),
        Corrupt(8, 4, "sum"),
        Frame(13, 3, b"xy"),
        Corrupt(17, 2, "cut short"),
    ]


def test_flipped_bit_costs_one_frame():
    wire = bytearray(frame(PAYLOADS[2]))
    wire[40] ^= 0x04
    found = deframed(bytes(wire) + frame(b"xy"))

    assert reasons(found) == ["sum"]
    assert payloads(found) == [b"xy"]


@pytest.mark.parametrize(
    ("inside", "reason"),
    [
        (b"\x01", "length"),
        (b"\x01\x02\x7d", "escape"),
        (b"\x01\x02\x04", "sum"),
        (bytes(dri_frame.MAX_RECORD + 2), "length"),
        (b"z" * MAX_STRETCH, "length"),
    ],
)
def test_spoiled_frame_is_told_and_the_next_one_read(inside, reason):
    assert deframed(b"\x7e" + inside + frame(b"xy")) == [
        Corrupt(1, len(inside), reason),
        Frame(len(inside) + 2, 3, b"xy"),
    ]


def test_longest_record_is_still_a_frame():
    longest = b"\x7d" * dri_frame.MAX_RECORD

    assert payloads(deframed(frame(longest))) == [longest]


def test_line_without_flags_is_told_in_pieces_and_not_kept():
    deframer = Deframer()
    deframer.feed(b"\x7e")
    found = [corrupt for _ in range(20) for corrupt in deframer.feed(b"\x55" * 1000)]

    assert {corrupt.length for corrupt in found} == {MAX_STRETCH}
    assert reasons(found) == ["oversize"] + ["garbage"] * (len(found) - 1)
    assert len(deframer._held) <= MAX_STRETCH


def test_record_beyond_the_limit_is_refused():
    with pytest.raises(ValueError, match="at most 1490"):
        frame(bytes(dri_frame.MAX_RECORD + 1))


@given(st.lists(st.binary(min_size=1, max_size=60)))
@settings(max_examples=100, deadline=None)
def test_what_is_framed_comes_back(many):
    assert payloads(deframed(b"".join(map(frame, many)))) == many


noisy = st.lists(
    st.one_of(
        st.binary(min_size=1, max_size=40).map(frame),
        st.binary(max_size=20),
        st.sampled_from([b"\x7e", b"\x7d", b"\x55" * (MAX_STRETCH - 1), b"\x55" * (2 * MAX_STRETCH + 1)]),
    )
)


@given(noisy.map(b"".join), st.lists(st.integers(0, 8000)))
@settings(max_examples=200, deadline=None)
def test_chunking_changes_nothing_and_every_byte_is_accounted_for(stream, cuts):
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    chunked = deframed(*(stream[a:b] for a, b in pairwise(edges)))

    assert chunked == deframed(stream)
    assert sum(found.length for found in chunked) + stream.count(b"\x7e") == len(stream)


@pytest.mark.parametrize(
    ("name", "frames", "corrupt"),
    [
        ("pycollect_db00.raw", 3520, ["garbage", "cut short"]),
        ("pycollect_db02.raw", 213, ["cut short"]),
        ("pycollect_notebooks_raw.raw", 21, ["cut short"]),
    ],
)
def test_recording_is_sound_but_for_its_ends_and_is_written_back_byte_for_byte(name, frames, corrupt):
    stream = captures(f"ge_dri/{name}").read_bytes()
    found = deframed(stream)
    sound = [each for each in found if isinstance(each, Frame)]
    start, stop = sound[0].offset - 1, sound[-1].offset + sound[-1].length + 1

    assert (len(sound), reasons(found)) == (frames, corrupt)
    assert b"".join(frame(each.payload) for each in sound) == stream[start:stop]
