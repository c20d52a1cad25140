"""MEDIBUS messages and realtime bytes are told apart wherever they interleave, and read by the tables."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_data import captures

from barocast.runtime.decoders import medibus_codes as codes
from barocast.runtime.decoders.medibus import MedibusDecoder
from barocast.runtime.decoders.medibus_codes import MEASURED
from barocast.runtime.decoders.medibus_message import MAX_GARBAGE, MAX_MESSAGE, answer, command
from barocast.runtime.decoders.medibus_realtime import CHUNK, MAX_LOST, Stream, Trace, traces
from barocast.runtime.decoders.units import to_canonical
from barocast.runtime.domain import Corrupt, Reason, Sample, WaveChunk
from barocast.runtime.tracks import CHANNELS

CO2 = Stream(Trace(0x06, 16_000, -20.0, 100.0, 0x460), 2)
AIRWAY = Stream(Trace(0x00, 16_000, -10.0, 100.0, 0x370), 2)
VITALS = answer(codes.DATA_PAGE_1, b"E6 38 D6 12 78 5.0")


def measured(text, page=codes.DATA_PAGE_1):
    return answer(page, text.encode())


def read(stream, size=None, streams=()):
    decoder = MedibusDecoder()
    decoder.expect(streams)
    size = size or max(1, len(stream))
    events = [event for at in range(0, len(stream), size) for event in decoder.feed(stream[at : at + size])]
    return events + decoder.close()


def values(events):
    return {event.code: event.value for event in events if isinstance(event, Sample)}


def channels(events):
    return [(event.channel, event.code) for event in events if isinstance(event, Sample)]


def damage(events):
    return [event for event in events if isinstance(event, Corrupt)]


def group(*counts, sync=None):
    """One realtime group with a value for each of the first streams."""
    mask = (1 << len(counts)) - 1 if sync is None else sync
    pairs = [octet for count in counts for octet in (0x80 | count & 0x3F, 0x80 | count >> 6)]
    return bytes((0xD0 | mask, *pairs))


def test_measured_data_go_to_their_channels_and_the_rest_keeps_code_and_unit():
    events = read(VITALS)

    assert [(e.channel, e.code, e.value, e.unit, e.t_s) for e in events] == [
        ("ETCO2", "1/E6", 38.0, "mmHg", None),
        ("RR", "1/D6", 12.0, "1/min", None),
        (None, "1/78", 5.0, "mbar", None),
    ]


def test_byte_by_byte_a_message_is_given_with_its_end_and_not_before():
    decoder = MedibusDecoder()

    assert [event for byte in VITALS[:-1] for event in decoder.feed(bytes([byte]))] == []
    assert len(decoder.feed(VITALS[-1:])) == 3


def test_bytes_after_a_message_wait_for_the_rest_of_theirs():
    decoder = MedibusDecoder()

    assert len(decoder.feed(VITALS + VITALS[:7])) == 3
    assert len(decoder.feed(VITALS[7:])) == 3


def test_garbage_around_messages_is_told_and_costs_none():
    events = read(b"xy" + VITALS + b"\r\nz" + VITALS + b"\x01half")
    length = len(VITALS)

    assert len(values(events)) == 3
    assert damage(events) == [
        Corrupt(0, 2, "garbage"),
        Corrupt(4 + length, 1, "garbage"),
        Corrupt(5 + 2 * length, 5, "cut short"),
    ]


def test_garbage_inside_a_message_costs_that_message_alone():
    events = read(b"\r\n" + VITALS[:9] + b"noise" + VITALS[9:] + measured("E1 70 "))

    assert damage(events) == [Corrupt(2, len(VITALS) + 5, "checksum")]
    assert values(events) == {"1/E1": 70.0}


def test_a_new_start_cuts_a_message_short():
    events = read(VITALS[:9] + VITALS)

    assert damage(events) == [Corrupt(0, 9, "cut short")]
    assert len(values(events)) == 3


def test_a_lost_end_costs_no_more_than_the_cap():
    events = read(b"\x01" + b"x" * MAX_MESSAGE + VITALS)

    assert damage(events) == [Corrupt(0, MAX_MESSAGE, "oversize"), Corrupt(MAX_MESSAGE, 1, "garbage")]
    assert len(values(events)) == 3


def test_endless_noise_is_told_while_it_lasts():
    assert MedibusDecoder().feed(b"x" * (MAX_GARBAGE + 9)) == [Corrupt(0, MAX_GARBAGE, "garbage")]


def test_no_flipped_bit_passes():
    passed = {}
    for bit in range(8 * len(VITALS)):
        broken = bytearray(VITALS)
        broken[bit // 8] ^= 1 << bit % 8
        passed |= values(read(bytes(broken)))

    assert passed == {}


@pytest.mark.parametrize("text", ["E6 38", "e6 38 ", "XX 38 ", "E6\x0738 ", "E6 38 D6"])
def test_data_that_are_no_items_are_corrupt_as_a_whole(text):
    assert [event.reason for event in read(measured(text))] == ["items"]


@pytest.mark.parametrize(
    ("shown", "value", "reason"),
    [
        ("    ", math.nan, Reason.MISSING),
        (" -- ", math.nan, Reason.MISSING),
        ("----", math.nan, Reason.MISSING),
        ("****", math.nan, Reason.CODE),
        ("1e99", math.nan, Reason.CODE),
        ("38.5", 38.5, None),
        (" .5 ", 0.5, None),
        ("-2.0", -2.0, Reason.RANGE),
        (" 999", 999.0, Reason.RANGE),
    ],
)
def test_a_value_is_a_number_or_says_why_not(shown, value, reason):
    (sample,) = read(measured(f"E6{shown}"))

    np.testing.assert_equal((sample.value, sample.reason, sample.valid), (value, reason, reason is None))


def test_a_channel_is_converted_from_the_unit_of_its_code():
    (sample,) = read(measured("E3 5.0"))

    assert (sample.channel, sample.value, sample.unit) == ("ETCO2", pytest.approx(37.5, abs=0.01), "mmHg")


def test_of_several_rates_the_best_ranked_with_a_value_speaks():
    assert channels(read(measured("B4 13 D6 12 D5 14 "))) == [
        (None, "1/B4"),
        ("RR", "1/D6"),
        (None, "1/D5"),
    ]
    assert channels(read(measured("B4 13 D6    D5 14 ")))[2] == ("RR", "1/D5")


def test_invasive_and_cuff_pressure_are_kept_apart():
    events = read(measured("CD  71D2 104C8  5591  85"))

    assert [channel for channel, _ in channels(events)] == ["ABP_MEAN", "ABP_SYS", "ABP_DIA", "NIBP_MEAN"]


def test_the_same_code_means_something_else_on_the_other_page():
    assert channels(read(measured("13 45 ", codes.DATA_PAGE_2))) == [("BIS", "2/13")]
    assert channels(read(measured("13 45 "))) == [(None, "1/13")]


@pytest.mark.parametrize(
    ("sqi", "reason"), [(" 90 ", None), (" 40 ", Reason.INVALID), ("    ", Reason.INVALID)]
)
def test_depth_without_signal_quality_is_not_trusted(sqi, reason):
    depth = read(measured(f"13 45 15{sqi}", codes.DATA_PAGE_2))[0]

    assert (depth.value, depth.reason) == (45.0, reason)


def test_every_channel_of_the_tables_exists_and_can_be_converted():
    targets = [(item.target.channel, item.unit) for item in MEASURED.values() if item.target]
    targets += [(channel, unit) for unit, channel in codes.TRACES.values() if channel]

    assert [pair for pair in targets if pair[0] not in CHANNELS or not to_canonical(*pair)] == []
    assert len(targets) > 25


@pytest.mark.parametrize(
    "quiet", [command(codes.NOP), answer(codes.NOP), answer(codes.NAK), command(codes.DATA_PAGE_1)]
)
def test_other_messages_are_sound_and_silent(quiet):
    decoder = MedibusDecoder()

    assert (decoder.feed(quiet), decoder.counts.frames, decoder.counts.corrupt) == ([], 1, 0)


def test_realtime_values_are_scaled_as_the_worked_examples_say():
    (airway, co2) = read(group(81, 205), streams=(AIRWAY, CO2))

    assert (airway.channel, airway.code, airway.unit) == (None, "RT/00", "mbar")
    np.testing.assert_allclose(airway.values, [0.125])
    assert (co2.channel, co2.unit, co2.rate_hz) == ("CO2_WAVE", "mmHg", 31.25)
    np.testing.assert_allclose(co2.values, [1.964], atol=0.001)


def test_realtime_bytes_inside_a_message_disturb_neither():
    realtime = b"".join(group(count) for count in range(CHUNK))
    mixed = b"".join(bytes([a]) + realtime[at * 2 : at * 2 + 2] for at, a in enumerate(VITALS))
    rest = realtime[2 * len(VITALS) :]
    events = read(mixed + rest, streams=(CO2,))

    assert values(events) == values(read(VITALS))
    assert next(event for event in events if isinstance(event, WaveChunk)).values.size == CHUNK
    assert damage(events) == []


def test_before_the_streams_are_known_realtime_values_are_dropped_not_guessed():
    assert read(group(81, 205) * 50) == []


def test_a_stream_that_skips_a_group_has_no_value_in_it():
    events = read(group(1, 2) + group(3, sync=0b10), streams=(AIRWAY, CO2))

    assert [event.values.size for event in events] == [1, 2]


def test_streams_five_to_eight_are_announced_by_a_command():
    streams = (AIRWAY, AIRWAY, AIRWAY, AIRWAY, CO2)
    (event,) = read(bytes((0xD0, 0xC4, 0xC1, 0xC0, 0xC0, 0x81, 0x81)), streams=streams)

    assert event.code == "RT/06"
    assert np.isfinite(event.values).all()


def test_values_marked_damaged_or_beyond_the_scale_are_nan():
    marked = bytes((0xD1, 0xCF, 0xC1, 0xC0, 0xC0, 0x81, 0x81))
    (event,) = read(marked + group(0x461) + group(0x460), streams=(CO2,))

    np.testing.assert_array_equal(event.values, [np.nan, np.nan, 100.0])


@pytest.mark.parametrize(
    "broken",
    [b"\xd1\x81", b"\x81\x82", b"\xd1\x81\x81\x81\x81", b"\xd1\x81\xc1", b"\xf0\xff", b"\xd1\xc4\x81"],
)
def test_realtime_bytes_out_of_order_end_the_chunk_and_the_next_group_is_read(broken):
    events = read(group(1) + broken + group(2), streams=(CO2,))
    counts = [(value + 20) * 0x460 / 120 for e in events if isinstance(e, WaveChunk) for value in e.values]

    assert {event.reason for event in damage(events)} == {"realtime"}
    assert len(damage(events)) == 1
    assert counts[0] == pytest.approx(1)
    assert counts[-1] == pytest.approx(2)


def test_endless_realtime_noise_is_told_in_pieces():
    events = read(b"\xff" * (MAX_LOST + 5), streams=(CO2,))

    assert events == [Corrupt(0, MAX_LOST, "realtime"), Corrupt(MAX_LOST, 5, "realtime")]


def test_a_new_configuration_gives_what_is_left_of_the_old_one():
    decoder = MedibusDecoder()
    decoder.expect((CO2,))
    decoder.feed(group(1))

    assert [event.code for event in decoder.expect((AIRWAY,))] == ["RT/06"]


@pytest.mark.parametrize(
    "text",
    [
        "00",
        "00   16000-  10  10037G",
        "00       0-  10  100370",
        "00   16000-  10  100000",
        "0" * 22,
        "00" + "-" * 21,
    ],
)
def test_a_realtime_configuration_that_cannot_be_meant_is_none(text):
    assert traces(text) is None


streams_of_bytes = st.lists(
    st.sampled_from(
        [
            VITALS,
            VITALS[:8],
            answer(codes.NOP),
            b"\x01",
            b"\x1b",
            b"\r",
            b"xyz",
            group(1),
            group(700),
            b"\xd1",
            b"\x81",
        ]
    )
    | st.binary(max_size=10),
    max_size=14,
).map(b"".join)


@settings(max_examples=150, deadline=None)
@given(stream=streams_of_bytes, size=st.integers(1, 20))
def test_any_chunking_gives_the_same_events(stream, size):
    assert repr(read(stream, size, (CO2,))) == repr(read(stream, streams=(CO2,)))


@settings(max_examples=150, deadline=None)
@given(stream=streams_of_bytes)
def test_after_any_bytes_a_sound_message_is_read(stream):
    assert values(read(stream + VITALS))["1/E6"] == 38.0


def examples():
    found = json.loads(captures("medibus/manual_worked_examples.json").read_text("utf-8"))["examples"]
    return [(item["name"], bytes.fromhex(item["hex"]), item["check"]) for item in found]


def test_the_manuals_worked_examples_are_sound_but_for_its_two_misprints():
    refused = []
    for name, wire, _ in examples():
        decoder = MedibusDecoder()
        decoder.feed(wire)
        if decoder.counts.frames == 0:
            refused.append((name, decoder.counts.corrupt_by_reason))

    assert refused == [
        ("NOP command as printed (misprint)", {"checksum": 1}),
        ("data response O2SAT only as printed (misprint)", {"checksum": 1}),
    ]
    assert [name for name, _, check in examples() if not check] == [name for name, _ in refused]


def test_the_manuals_data_and_configuration_read_as_it_explains():
    by_name = {name: wire for name, wire, _ in examples()}
    data = next(wire for name, wire in by_name.items() if name.startswith("data response: code EB"))
    offered = next(wire for name, wire in by_name.items() if name.startswith("realtime configuration"))

    assert channels(read(data)) == [("SPO2", "1/EB"), ("PR", "1/E1")]
    assert values(read(data)) == {"1/EB": 98.0, "1/E1": 70.0}
    assert traces(offered[2:-3].decode()) == (AIRWAY.trace, CO2.trace)


def test_what_we_send_is_what_the_manual_prints():
    by_name = {name: wire for name, wire, _ in examples()}

    assert command(codes.ICC) == by_name["ICC command"]
    assert command(codes.NOP) == by_name["NOP command corrected"]
    assert answer(codes.DEVICE_ID) == by_name["empty device id response"]
    assert (
        command(codes.CONFIGURE_REALTIME, b"00020603") == by_name["configure realtime 00 mult 02, 06 mult 03"]
    )
