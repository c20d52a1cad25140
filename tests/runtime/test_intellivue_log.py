"""A host's log of datagrams: cut at its stamps, whatever the chunks and whatever stands between them."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from barocast.runtime.decoders.intellivue_log import MAX_PIECE, STAMP_BYTES, StampedLog
from barocast.runtime.decoders.mib import MAX_PAYLOAD, Frame
from barocast.runtime.domain import Corrupt

STAMP = b"2026/03/02T07:30:00,125"


def cut(*chunks):
    log = StampedLog()
    return [found for chunk in chunks for found in log.feed(chunk)] + log.close()


def payloads(found):
    return [each.payload for each in found if isinstance(each, Frame)]


def test_each_record_is_a_datagram():
    assert cut(STAMP + b"first" + STAMP + b"second") == [Frame(0, 28, b"first"), Frame(28, 29, b"second")]


def test_the_last_record_comes_with_the_end_of_the_file():
    log = StampedLog()

    assert log.feed(STAMP + b"last") == []
    assert log.close() == [Frame(0, 27, b"last")]
    assert log.close() == []


def test_what_stands_before_the_first_stamp_is_garbage():
    assert cut(b"noise" + STAMP + b"first") == [Corrupt(0, 5, "garbage"), Frame(5, 28, b"first")]


def test_a_stamp_without_a_datagram_is_cut_short():
    assert cut(STAMP + STAMP + b"second") == [Corrupt(0, 23, "cut short"), Frame(23, 29, b"second")]


def test_the_longest_datagram_is_taken_and_a_longer_one_given_up():
    longest, longer = b"x" * MAX_PAYLOAD, b"x" * (MAX_PAYLOAD + 1)

    assert payloads(cut(STAMP + longest + STAMP + b"next")) == [longest, b"next"]
    assert cut(STAMP + longer + STAMP + b"next")[0] == Corrupt(0, STAMP_BYTES + len(longer), "oversize")
    assert payloads(cut(STAMP + longer + STAMP + b"next")) == [b"next"]


def test_memory_is_bounded_without_any_stamp():
    log = StampedLog()
    for _ in range(100):
        log.feed(b"z" * 1000)

    assert len(log._held) < MAX_PIECE + STAMP_BYTES


STREAM = b"2026/03" + STAMP + b"one" + STAMP + b"y" * (MAX_PIECE + 100) + STAMP + STAMP + b"2" + STAMP[:20]


@given(
    st.lists(st.integers(0, len(STREAM)), max_size=30), st.integers(0, len(STREAM) - 1), st.integers(0, 255)
)
@settings(max_examples=150, deadline=None)
def test_any_chunking_of_a_spoiled_log_gives_the_same(cuts, place, byte):
    spoiled = STREAM[:place] + bytes((byte,)) + STREAM[place + 1 :]
    edges = [0, *sorted(cuts), len(spoiled)]

    assert cut(*(spoiled[a:b] for a, b in pairwise(edges))) == cut(spoiled)


def test_byte_by_byte_gives_the_same():
    assert cut(*(bytes((byte,)) for byte in STREAM)) == cut(STREAM)


@given(st.lists(st.one_of(st.binary(max_size=60), st.just(STAMP)), max_size=20))
@settings(max_examples=150, deadline=None)
def test_no_byte_of_any_file_is_lost(pieces):
    """Corrupt or sound, what is told covers the file without a hole."""
    found = cut(*pieces)

    assert sum(each.length for each in found) == sum(map(len, pieces))
    assert [each.offset for each in found] == [sum(f.length for f in found[:i]) for i in range(len(found))]


@given(st.binary(max_size=2 * MAX_PIECE))
@settings(max_examples=50, deadline=None)
def test_after_any_garbage_the_next_record_is_read(noise):
    assert payloads(cut(noise, STAMP + b"sound", STAMP))[-1] == b"sound"
