"""MIB framing: whole, byte by byte, what follows survives, garbage anywhere, any bytes at all."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_data import captures

from barocast.runtime.decoders import mib
from barocast.runtime.decoders.mib import Deframer, Frame, fcs, frame
from barocast.runtime.domain import Corrupt

PAYLOADS = (b"\xe1\x00\x00\x02", b"", b"\xc0\xc1\x7d\x20\x5d\xe0\xe1", bytes(range(256)))


def deframed(*chunks):
    deframer = Deframer()
    return [found for chunk in chunks for found in deframer.feed(chunk)] + deframer.close()


def payloads(found):
    return [frame.payload for frame in found if isinstance(frame, Frame)]


def reasons(found):
    return [corrupt.reason for corrupt in found if isinstance(corrupt, Corrupt)]


@pytest.mark.parametrize(("data", "expected"), [("3a71", 0x269B), ("3a91", 0xC195)])
def test_fcs_is_crc16_x25(data, expected):
    """The two vectors of the programming guide."""
    assert fcs(bytes.fromhex(data)) == expected


@given(st.binary(max_size=300) | st.just(bytes(mib.MAX_BODY)))
@settings(max_examples=100, deadline=None)
def test_fcs_is_that_of_the_definition_bit_by_bit(data):
    register = 0xFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x8408 if register & 1 else 0)

    assert fcs(data) == register ^ 0xFFFF


def test_fcs_byte_that_looks_like_an_end_is_escaped():
    """The guide's vector 3A 91 has the FCS 95 C1, sent as 95 7D E1."""
    assert mib._escaped(bytes.fromhex("3a9195c1")) == bytes.fromhex("3a91957de1")


def test_whole_stream_gives_every_payload():
    stream = b"".join(map(frame, PAYLOADS))

    assert payloads(deframed(stream)) == list(PAYLOADS)


def test_byte_by_byte_gives_the_same():
    stream = b"\x55" + b"".join(map(frame, PAYLOADS)) + b"\xc0\x11"

    assert deframed(*(bytes((byte,)) for byte in stream)) == deframed(stream)


def test_bytes_after_a_frame_are_kept_for_the_next():
    first, second = frame(PAYLOADS[0]), frame(PAYLOADS[2])
    deframer = Deframer()

    assert payloads(deframer.feed(first + second[:5])) == [PAYLOADS[0]]
    assert deframer.feed(second[5:]) == [Frame(len(first), len(second), PAYLOADS[2])]


def test_garbage_before_and_after_is_told_with_its_place():
    wire = frame(b"x")

    assert deframed(b"abc" + wire + b"de") == [
        Corrupt(0, 3, "garbage"),
        Frame(3, len(wire), b"x"),
        Corrupt(3 + len(wire), 2, "garbage"),
    ]


def test_flipped_bit_costs_one_frame():
    wire = bytearray(frame(PAYLOADS[3]))
    wire[40] ^= 0x04
    found = deframed(bytes(wire) + frame(b"x"))

    assert reasons(found) == ["fcs"]
    assert payloads(found) == [b"x"]


@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        (b"\xc0\x11\x01\x00\x05abc\x7d\xc1", "abort"),
        (b"\xc0\x11\x01\x00", "cut short"),
        (b"\xc0\xc1", "length"),
        (b"\xc0\x11\x01\x00\x05abc\x12\x34\xc1", "length"),
        (b"\xc0\x11\x01\x00\x03abc\x12\x34\xc1", "fcs"),
        (b"\xc0\x11\x01\x10\x01" + b"z" * (mib.MAX_PAYLOAD + 3) + b"\xc1", "length"),
        (b"\xc0" + b"z" * (mib.MAX_WIRE - 1), "oversize"),
    ],
)
def test_spoiled_frame_is_told_and_the_next_one_read(wire, reason):
    assert deframed(wire + frame(b"x")) == [
        Corrupt(0, len(wire), reason),
        Frame(len(wire), 9, b"x"),
    ]


def test_sound_frame_of_another_protocol_is_told():
    body = b"\x11\x02\x00\x01x"
    wire = b"\xc0" + body + fcs(body).to_bytes(2, "little") + b"\xc1"

    assert deframed(wire) == [Corrupt(0, len(wire), "header")]


def test_stream_that_ends_inside_a_frame_is_cut_short():
    assert deframed(frame(b"x")[:-1]) == [Corrupt(0, 8, "cut short")]


@pytest.mark.req("ACQ-05")
def test_endless_noise_is_told_in_pieces_and_not_kept():
    deframer = Deframer()
    found = [corrupt for _ in range(100) for corrupt in deframer.feed(b"\xff" * 1000)]

    assert [corrupt.length for corrupt in found] == [mib.MAX_GARBAGE] * (100_000 // mib.MAX_GARBAGE)
    assert deframer._held == b""


def test_payload_beyond_the_limit_is_refused():
    with pytest.raises(ValueError, match="at most 4096"):
        frame(bytes(mib.MAX_PAYLOAD + 1))


@given(st.lists(st.binary(max_size=60)))
@settings(max_examples=100, deadline=None)
def test_what_is_framed_comes_back(many):
    assert payloads(deframed(b"".join(map(frame, many)))) == many


noisy = st.lists(st.one_of(st.binary(max_size=40).map(frame), st.binary(max_size=20), st.just(b"\xc0")))


@given(noisy.map(b"".join), st.lists(st.integers(0, 600)))
@settings(max_examples=200, deadline=None)
def test_chunking_changes_nothing_and_every_byte_is_accounted_for(stream, cuts):
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    chunked = deframed(*(stream[a:b] for a, b in pairwise(edges)))

    assert chunked == deframed(stream)
    assert sum(found.length for found in chunked) == len(stream)


def test_recorded_frames_are_written_back_byte_for_byte():
    stream = captures("intellivue/jvscapture_MPRawoutput1.raw").read_bytes()
    found = [frame for frame in deframed(stream) if isinstance(frame, Frame)]

    assert b"".join(frame(sound.payload) for sound in found) == stream[: found[-1].offset + found[-1].length]
