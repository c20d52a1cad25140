"""BIS packets survive whatever a serial line does to them, and tell depth only when they can vouch for it."""

from __future__ import annotations

import math
from struct import pack, pack_into

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_data import captures

from barocast.runtime.decoders import bis_packet as bis
from barocast.runtime.decoders.bis import PROCESSED, PROCESSED_AND_SPECTRA, BisDecoder
from barocast.runtime.decoders.bis_packet import packet
from barocast.runtime.domain import Corrupt, Reason, Sample

QUATRO = 21
"""A sensor of type 2, as sold."""


def trend(depth=45.0, sqi=95.0, *, sensor=QUATRO, connected=1, stride=24, kind=PROCESSED):
    """One second's message; channel 1 and 2 say something else than both combined."""
    body = bytearray(48 + 3 * stride)
    body[:4] = (10, 1, sensor, connected)
    for block, (index, quality) in enumerate(((77.0, 10.0), (78.0, 20.0), (depth, sqi))):
        at = 48 + block * stride
        pack_into("<hhhh", body, at, 120, 1250, 0, round(index * 10))
        pack_into("<hi", body, at + 14, 3660, round(quality * 10))
    spectra = bytes(244) if kind == PROCESSED_AND_SPECTRA else b""
    return packet(bis.DATA, 7, bis.message(255, kind, bytes(body) + spectra))


def read(stream, size=None):
    decoder = BisDecoder()
    size = size or max(1, len(stream))
    events = [event for at in range(0, len(stream), size) for event in decoder.feed(stream[at : at + size])]
    return events + decoder.close()


def depths(events):
    return [event for event in events if isinstance(event, Sample) and event.code == "BIS"]


def damage(events):
    return [event for event in events if isinstance(event, Corrupt)]


def test_a_second_tells_the_combined_channel_in_its_units():
    events = read(trend())

    assert [(event.channel, event.code, event.value, event.unit) for event in events] == [
        ("BIS", "BIS", 45.0, "1"),
        (None, "SQI", 95.0, "%"),
        (None, "EMG", 36.6, "dB"),
        (None, "BSR", 12.0, "%"),
        (None, "SEF95", 12.5, "Hz"),
    ]
    assert {(event.t_s, event.valid, event.reason) for event in events} == {(None, True, None)}


@pytest.mark.parametrize("stride", [24, 36])
@pytest.mark.parametrize("kind", [PROCESSED, PROCESSED_AND_SPECTRA])
def test_every_layout_of_the_message_gives_the_same_values(stride, kind):
    assert read(trend(stride=stride, kind=kind)) == read(trend())


def test_byte_by_byte_a_packet_is_given_with_its_last_byte_and_not_before():
    decoder = BisDecoder()
    stream = trend()
    early = [event for byte in stream[:-1] for event in decoder.feed(bytes([byte]))]

    assert early == []
    assert depths(decoder.feed(stream[-1:]))[0].value == 45.0


def test_bytes_after_a_packet_wait_for_the_rest_of_theirs():
    decoder = BisDecoder()
    second = trend(46.0)

    assert [event.value for event in depths(decoder.feed(trend() + second[:30]))] == [45.0]
    assert [event.value for event in depths(decoder.feed(second[30:]))] == [46.0]


def test_garbage_around_packets_is_told_and_costs_none():
    events = read(b"noise\xba" + trend() + b"more" + trend(46.0) + b"\xba")
    length = len(trend())

    assert [event.value for event in depths(events)] == [45.0, 46.0]
    assert damage(events) == [
        Corrupt(0, 6, "garbage"),
        Corrupt(6 + length, 4, "garbage"),
        Corrupt(10 + 2 * length, 1, "garbage"),
    ]


def test_garbage_inside_a_packet_costs_that_packet_alone():
    broken = trend()[:40] + b"noise" + trend()[40:]
    events = read(trend() + broken + trend(46.0))

    assert [event.value for event in depths(events)] == [45.0, 46.0]
    assert [event.reason for event in damage(events)] == ["sum"]


def test_a_damaged_length_does_not_swallow_the_packets_behind_it():
    broken = bytearray(trend())
    broken[5] = 0x03
    events = read(bytes(broken) + trend(46.0) + trend(47.0))

    assert [event.value for event in depths(events)] == [46.0, 47.0]


@pytest.mark.parametrize(("field", "value"), [(4, bis.MAX_PAYLOAD + 1), (6, 0), (6, 4)])
def test_an_impossible_length_or_kind_is_given_up_at_once(field, value):
    broken = bytearray(trend())
    pack_into("<H", broken, field, value)
    decoder = BisDecoder()

    assert damage(decoder.feed(bytes(broken) + trend()))[0].reason == "header"


def test_an_unfinished_packet_is_cut_short_and_sound_ones_inside_it_are_found():
    lying = bis.SYNC + pack("<HHH", 1, 1000, bis.DATA)
    events = read(lying + trend())

    assert [event.value for event in depths(events)] == [45.0]
    assert damage(events) == [Corrupt(0, 8, "cut short")]


def test_an_endless_stream_of_noise_is_told_while_it_lasts():
    assert BisDecoder().feed(b"x" * (bis.MAX_GARBAGE + 9)) == [Corrupt(0, bis.MAX_GARBAGE, "garbage")]


def test_no_flipped_bit_passes():
    passed = []
    for bit in range(8 * len(trend())):
        broken = bytearray(trend())
        broken[bit // 8] ^= 1 << bit % 8
        passed += depths(read(bytes(broken)))

    assert passed == []


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"short",
        bis.message(255, PROCESSED, bytes(119)),
        bis.message(255, PROCESSED_AND_SPECTRA, bytes(120)),
        bis.message(255, PROCESSED, bytes(120))[:-1],
    ],
)
def test_a_message_that_is_not_laid_out_as_it_says_is_corrupt(payload):
    assert [event.reason for event in read(packet(bis.DATA, 1, payload))] == ["message"]


@pytest.mark.parametrize(
    "quiet", [packet(bis.ACK, 9), packet(bis.NAK, 9), packet(bis.DATA, 9, bis.message(4, 0x32, bytes(68)))]
)
def test_acknowledgements_and_raw_eeg_are_sound_and_silent(quiet):
    decoder = BisDecoder()

    assert (decoder.feed(quiet), decoder.counts.frames, decoder.counts.corrupt) == ([], 1, 0)


@pytest.mark.parametrize(("sqi", "reason"), [(50.0, None), (49.9, Reason.INVALID), (0.0, Reason.INVALID)])
def test_poor_signal_quality_keeps_the_value_and_takes_its_trust(sqi, reason):
    (depth,) = depths(read(trend(45.0, sqi)))

    assert (depth.value, depth.valid, depth.reason) == (45.0, reason is None, reason)


def test_an_unknown_signal_quality_vouches_for_nothing():
    assert depths(read(trend(45.0, -3276.8)))[0].reason is Reason.INVALID


def test_a_code_in_place_of_a_number_is_missing():
    (depth,) = depths(read(trend(-3276.8)))

    assert math.isnan(depth.value)
    assert depth.reason is Reason.CODE


@pytest.mark.parametrize(
    ("sensor", "connected", "reason"),
    [(51, 1, Reason.DEMO), (131, 1, Reason.DEMO), (91, 1, Reason.TEST), (QUATRO, 0, Reason.DISCONNECTED)],
)
def test_what_measures_no_patient_says_so(sensor, connected, reason):
    events = read(trend(sensor=sensor, connected=connected))

    assert {event.reason for event in events} == {reason}


def test_a_packet_that_no_monitor_would_take_is_refused():
    with pytest.raises(ValueError, match="at most 2048"):
        packet(bis.DATA, 1, bytes(bis.MAX_PAYLOAD + 1))


streams = st.lists(
    st.sampled_from([b"\xba", b"\xab", bis.SYNC, trend(), trend()[:50], trend()[9:], packet(bis.ACK, 1)])
    | st.binary(max_size=12),
    max_size=10,
).map(b"".join)


@settings(max_examples=150, deadline=None)
@given(stream=streams, size=st.integers(1, 40))
def test_any_chunking_gives_the_same_events(stream, size):
    assert repr(read(stream, size)) == repr(read(stream))


@settings(max_examples=150, deadline=None)
@given(stream=streams)
def test_after_any_bytes_a_sound_packet_is_read(stream):
    filler = bytes(bis.MAX_PAYLOAD + 10)  # what an open packet may still wait for

    assert depths(read(stream + filler + trend(12.3)))[-1].value == 12.3


def test_real_frames_are_read_to_the_last_byte():
    decoder = BisDecoder()
    events = decoder.feed(captures("bis/mdrepo_bis_frames.bin").read_bytes())
    counts = decoder.counts

    assert [event.value for event in depths(events)] == [83.6, 85.1, 90.1, 92.5, 92.2, 88.3]
    assert {event.value for event in events if event.code == "SQI"} == {97.4}
    assert (counts.bytes, counts.frames, counts.corrupt, counts.samples) == (2316, 6, 0, 30)
    assert decoder.close() == []


def test_real_frames_byte_by_byte_and_with_noise_between():
    stream = captures("bis/mdrepo_bis_frames.bin").read_bytes()
    noisy = b"".join(stream[at : at + 386] + b"\xba\xabnoise" for at in range(0, len(stream), 386))

    assert read(stream, 1) == read(stream)
    assert depths(read(noisy)) == depths(read(stream))
