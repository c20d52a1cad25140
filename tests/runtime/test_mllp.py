"""MLLP blocks survive whatever a TCP stream does to them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barocast.runtime.decoders.hl7_file import FileDeframer
from barocast.runtime.decoders.mllp import MAX_MESSAGE, MAX_OUTSIDE, Block, MllpDeframer, wrap
from barocast.runtime.domain import Corrupt


def read(stream: bytes, size: int | None = None) -> list[Block | Corrupt]:
    """Feed a stream in pieces of `size` bytes, whole without one."""
    return read_by(MllpDeframer(), stream, size or max(1, len(stream)))


def read_by(deframer: MllpDeframer | FileDeframer, stream: bytes, size: int) -> list[Block | Corrupt]:
    found = [item for at in range(0, len(stream), size) for item in deframer.feed(stream[at : at + size])]
    return found + deframer.close()


def test_a_whole_block_is_given_at_once_with_its_offset():
    assert MllpDeframer().feed(wrap(b"MSH|a")) == [Block(1, b"MSH|a")]


def test_a_block_byte_by_byte_is_given_with_its_end_mark_and_not_before():
    deframer = MllpDeframer()
    early = [item for byte in b"\x0bMSH|a" for item in deframer.feed(bytes([byte]))]

    assert (early, deframer.feed(b"\x1c")) == ([], [Block(1, b"MSH|a")])


def test_bytes_after_a_block_wait_for_the_rest_of_theirs():
    deframer = MllpDeframer()

    assert deframer.feed(wrap(b"one") + b"\x0btw") == [Block(1, b"one")]
    assert deframer.feed(b"o\x1c\r") == [Block(7, b"two")]


@pytest.mark.parametrize("quiet", [b"", b"\r", b"\r\n", b"\0\0", wrap(b""), wrap(b"") * 3])
def test_heartbeats_and_line_ends_between_messages_are_silent(quiet: bytes):
    found = read(quiet + b"\x0bone\x1c" + quiet + wrap(b"two") + quiet)

    assert [item.payload for item in found if isinstance(item, Block)] == [b"one", b"two"]
    assert len(found) == 2


def test_a_missing_carriage_return_after_the_end_mark_does_not_join_two_messages():
    assert read(b"\x0bone\x1c\x0btwo\x1c") == [Block(1, b"one"), Block(6, b"two")]


def test_garbage_between_blocks_is_one_corrupt_without_its_blank_edges():
    found = read(b"\r\n xx yy \r" + wrap(b"one") + b"zz")

    assert found == [Corrupt(3, 5, "outside a block"), Block(11, b"one"), Corrupt(16, 2, "outside a block")]


def test_a_second_start_mark_cuts_the_first_message_short_and_keeps_the_second():
    assert read(b"\x0bhalf" + wrap(b"one")) == [Corrupt(1, 4, "cut short"), Block(6, b"one")]


def test_a_flood_of_start_marks_is_silent_and_the_block_behind_it_is_sound():
    assert read(b"\x0b" * 1000 + b"one\x1c") == [Block(1000, b"one")]


def test_a_message_without_its_end_is_cut_short_at_close():
    assert read(b"\x0bhalf") == [Corrupt(1, 4, "cut short")]


@pytest.mark.req("ACQ-06")
def test_a_lost_end_mark_costs_no_more_than_the_cap_and_the_next_block_is_sound():
    found = read(b"\x0b" + b"x" * (MAX_MESSAGE + 5) + wrap(b"one"), 60_000)

    assert found[0] == Corrupt(1, MAX_MESSAGE, "too long")
    assert found[-1] == Block(MAX_MESSAGE + 7, b"one")


def test_endless_noise_is_reported_while_it_lasts():
    deframer = MllpDeframer()

    assert deframer.feed(b"x" * (MAX_OUTSIDE + 9)) == [Corrupt(0, MAX_OUTSIDE, "outside a block")]


streams = st.lists(
    st.sampled_from([b"\x0b", b"\x1c", b"\r", b"\n", b" ", b"MSH|^~\\&|", b"xyz", wrap(b"MSH|1"), b"\rMSH|2"])
    | st.binary(max_size=6),
    max_size=14,
).map(b"".join)


@settings(max_examples=150, deadline=None)
@given(stream=streams, size=st.integers(1, 9))
def test_any_chunking_gives_the_same_blocks(stream: bytes, size: int):
    assert read(stream, size) == read(stream)


@settings(max_examples=150, deadline=None)
@given(stream=streams, size=st.integers(1, 9))
def test_any_chunking_of_a_file_gives_the_same_blocks(stream: bytes, size: int):
    whole = read_by(FileDeframer(), stream, max(1, len(stream)))

    assert read_by(FileDeframer(), stream, size) == whole


def test_a_bare_file_is_split_where_a_line_starts_a_message():
    found = read_by(FileDeframer(), b"\xef\xbb\xbfMSH|1\rOBX|MSH\r\nMSH|2\r", 4)

    assert found == [Block(3, b"MSH|1\rOBX|MSH\r\n"), Block(18, b"MSH|2\r")]


def test_a_batch_header_before_the_first_message_of_a_file_is_dropped():
    assert read_by(FileDeframer(), b"FHS|^~\\&\rBHS|\rMSH|1\r", 5) == [Block(14, b"MSH|1\r")]


def test_a_file_that_starts_with_a_block_is_read_as_mllp():
    assert read_by(FileDeframer(), b"\r\n" + wrap(b"MSH|1") + wrap(b"MSH|2"), 3) == [
        Block(3, b"MSH|1"),
        Block(11, b"MSH|2"),
    ]
