"""A segment gives back what was written, and of a damaged one all that is not damaged."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barocast.plugin.segment_file import (
    HEAD_SIZE,
    MARK,
    MAX_DATA,
    MAX_HEADER,
    Chunk,
    Header,
    SegmentReader,
    pack_chunk,
    pack_header,
    read_header,
)
from barocast.runtime.domain import Corrupt

CHUNKS = [Chunk(float(at), 1.7e9 + at, bytes(range(at, at + 20))) for at in range(5)]
PACKED = [pack_chunk(chunk) for chunk in CHUNKS]
SIZE = len(PACKED[0])


def read(stream, size=None):
    reader = SegmentReader(0)
    size = size or max(1, len(stream))
    found = [item for at in range(0, len(stream), size) for item in reader.feed(stream[at : at + size])]
    return found + reader.close()


def test_chunks_come_back_with_both_of_their_times():
    assert read(b"".join(PACKED)) == CHUNKS


def test_byte_by_byte_a_chunk_is_given_with_its_last_byte_and_not_before():
    reader = SegmentReader(0)

    assert [found for byte in PACKED[0][:-1] for found in reader.feed(bytes([byte]))] == []
    assert reader.feed(PACKED[0][-1:]) == CHUNKS[:1]


def test_an_empty_chunk_and_the_longest_one_are_chunks():
    chunks = [Chunk(0.0, 0.0, b""), Chunk(1.0, 1.0, bytes(MAX_DATA))]

    assert read(b"".join(map(pack_chunk, chunks)), 5000) == chunks


def flipped(data, bit):
    broken = bytearray(data)
    broken[bit // 8] ^= 1 << bit % 8
    return bytes(broken)


def test_a_torn_tail_is_discarded_and_told_wherever_it_is_torn():
    whole = b"".join(PACKED[:2])
    found = [read(whole + PACKED[2][:cut]) for cut in range(1, SIZE)]

    assert found == [[*CHUNKS[:2], Corrupt(2 * SIZE, cut, "torn tail")] for cut in range(1, SIZE)]


def test_any_flipped_bit_costs_its_chunk_alone():
    found = [read(PACKED[0] + flipped(PACKED[1], bit) + PACKED[2]) for bit in range(8 * SIZE)]
    reasons = ["chunk head"] * 8 * HEAD_SIZE + ["chunk data"] * 8 * (SIZE - HEAD_SIZE)

    assert found == [[CHUNKS[0], Corrupt(SIZE, SIZE, reason), CHUNKS[2]] for reason in reasons]


def test_garbage_between_chunks_is_told_and_costs_none():
    found = read(b"noise" + PACKED[0] + MARK + b"more" + PACKED[1])

    assert found == [
        Corrupt(0, 5, "chunk head"),
        CHUNKS[0],
        Corrupt(5 + SIZE, 8, "chunk head"),
        CHUNKS[1],
    ]


def test_a_recording_inside_a_recording_is_data():
    chunk = Chunk(0.0, 0.0, b"".join(PACKED))

    assert read(pack_chunk(chunk)) == [chunk]


def test_endless_noise_is_not_held():
    reader = SegmentReader(0)
    for _ in range(20):
        reader.feed(b"\xb4" * 10_000)

    assert len(reader._held) < HEAD_SIZE


streams = st.lists(
    st.sampled_from([*PACKED, MARK, PACKED[0][:30], PACKED[1][8:]]) | st.binary(max_size=40)
).map(b"".join)


@settings(max_examples=150, deadline=None)
@given(stream=streams, size=st.integers(1, 90))
def test_any_chunking_gives_the_same(stream, size):
    assert repr(read(stream, size)) == repr(read(stream))


@settings(max_examples=100, deadline=None)
@given(stream=streams)
def test_every_byte_is_in_a_chunk_or_told(stream):
    sizes = [HEAD_SIZE + len(f.data) if isinstance(f, Chunk) else f.length for f in read(stream)]

    assert sum(sizes) == len(stream)


def test_a_header_comes_back_with_its_length():
    packed = pack_header(Header("intellivue-serial", 12))

    assert read_header(packed + b"rest") == (Header("intellivue-serial", 12), len(packed))
    assert len(packed) <= MAX_HEADER


def test_a_header_with_any_flipped_bit_is_refused():
    packed = pack_header(Header("bis", 1))
    refused = 0
    for bit in range(8 * len(packed)):
        with pytest.raises(ValueError, match=r"begin as|version|damaged"):
            read_header(flipped(packed, bit))
        refused += 1

    assert refused == 8 * len(packed)


@pytest.mark.parametrize("data", [b"", b"BREC", pack_header(Header("bis", 1))[:-1], b"t_s,ABP_MEAN\n0,71\n"])
def test_what_has_no_whole_header_is_refused(data):
    with pytest.raises(ValueError, match=r"begin as|damaged"):
        read_header(data)


def test_what_cannot_be_read_back_is_not_written():
    with pytest.raises(ValueError, match="at most 65536"):
        pack_chunk(Chunk(0.0, 0.0, bytes(MAX_DATA + 1)))
    with pytest.raises(ValueError, match="1 to 64"):
        pack_header(Header("x" * 65, 1))
