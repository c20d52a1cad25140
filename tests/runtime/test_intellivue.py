"""IntelliVue stream to events: state, units, scales, lines, linked results, time; then real captures."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_data import captures

from barocast.runtime.decoders import intellivue_codes as codes
from barocast.runtime.decoders.arterial import PATIENCE
from barocast.runtime.decoders.intellivue import MAX_OBJECTS, IntelliVueDecoder
from barocast.runtime.decoders.intellivue_alarms import ALARM_DEMO, ALARM_INHIBITED, Alarm, alarm_bytes
from barocast.runtime.decoders.intellivue_association import Act, Association
from barocast.runtime.decoders.intellivue_builder import build
from barocast.runtime.decoders.intellivue_framing import Datagrams
from barocast.runtime.decoders.intellivue_numbers import number_bytes
from barocast.runtime.decoders.intellivue_parser import parse
from barocast.runtime.decoders.intellivue_pdu import EventReport, Observation, PollResult
from barocast.runtime.decoders.intellivue_values import float_word, listed
from barocast.runtime.decoders.intellivue_waves import WaveLayout, samples_bytes
from barocast.runtime.decoders.mib import Deframer, Frame, frame
from barocast.runtime.domain import Corrupt, DeviceAlarm, Reason, Sample, WaveChunk

PRESSURE = WaveLayout(32, 64, 13, -40.0, 520.0, 160, 9120, codes.MMHG)
ABP, ART, UAP = 0x4A14, 0x4A10, 0x4A28
SECOND = codes.TICKS_PER_S


def polled(kind, *attributes, ticks=SECOND, link=None):
    """A framed poll result with one object for each of `attributes`."""
    seen = tuple(Observation(1, handle, each) for handle, each in enumerate(attributes, 1))
    return frame(build(PollResult(1, 1, 1, ticks, kind, 0, seen, link)))


def number(code, value, *, state=0, unit=codes.MMHG, decimals=0):
    return {codes.NUMERIC_VALUE: number_bytes(code, state, unit, float_word(value, decimals))}


def pressures(line, *values):
    items = [number_bytes(line + i, 0, codes.MMHG, float_word(v)) for i, v in enumerate(values, 1)]
    return {codes.COMPOUND_NUMERIC: listed(items)}


def wave(values, code=ABP, *, state=0, layout=PRESSURE, described=True):
    samples = samples_bytes(code, state, layout.encode(np.asarray(values, float)))
    return (layout.attributes() if described else {}) | {codes.WAVE_SAMPLES: samples}


def alarm_list(*found):
    return polled(
        codes.ALERT_MONITOR, {codes.TECHNICAL_ALARMS: listed([alarm_bytes(each) for each in found])}
    )


def demo_mode(bits):
    return frame(build(EventReport(1, True, 0, codes.MDS_CREATE, {codes.OPERATING_MODE: bits})))  # noqa: FBT003 - a field's value


def decoded(*chunks, **options):
    decoder = IntelliVueDecoder(**options)
    return [event for chunk in chunks for event in decoder.feed(chunk)] + decoder.close()


def only(stream, **options):
    (event,) = decoded(stream, **options)
    return event


def test_numeric_becomes_a_sample_of_its_channel():
    assert only(polled(codes.NUMERIC, number(0x4A17, 71))) == Sample(
        "ABP_MEAN", "4A17", 1.0, 71.0, "mmHg", valid=True, reason=None
    )


def test_compound_numeric_becomes_three_samples():
    found = decoded(polled(codes.NUMERIC, pressures(ABP, 120, 70, 91)))

    assert {sample.channel: sample.value for sample in found} == {
        "ABP_SYS": 120.0,
        "ABP_DIA": 70.0,
        "ABP_MEAN": 91.0,
    }


def test_code_without_a_channel_keeps_its_code_and_unit():
    found = only(polled(codes.NUMERIC, number(0x0301, 0.5, unit=0x0512, decimals=1)))

    assert (found.channel, found.code, found.value, found.unit) == (None, "0301", 0.5, "0512")


@pytest.mark.parametrize(
    ("unit", "sent", "mmhg"),
    [(codes.KPA, 10.0, 75.00617), (codes.CMH2O, 100.0, 73.55592), (codes.MMHG, 71, 71)],
)
def test_pressure_in_another_unit_is_converted(unit, sent, mmhg):
    found = only(polled(codes.NUMERIC, number(0x4A17, sent, unit=unit, decimals=1)))

    assert (found.value, found.unit, found.valid) == (pytest.approx(mmhg), "mmHg", True)


def test_unknown_unit_is_never_guessed():
    found = only(polled(codes.NUMERIC, number(0x4A17, 71, unit=0x1234)))

    assert (found.value, found.unit, found.valid, found.reason) == (71.0, "1234", False, Reason.UNIT)


@pytest.mark.parametrize(("value", "channel"), [(7, "ABP_MEAN"), (201, "ABP_MEAN")])
def test_implausible_value_is_kept_but_not_valid(value, channel):
    found = only(polled(codes.NUMERIC, number(0x4A17, value)))

    assert (found.channel, found.value, found.valid, found.reason) == (channel, value, False, Reason.RANGE)


def test_code_in_place_of_a_number_is_missing_with_its_reason():
    found = only(polled(codes.NUMERIC, number(0x4A17, math.nan)))

    assert math.isnan(found.value)
    assert (found.valid, found.reason) == (False, Reason.CODE)


def test_questionable_alone_stays_valid():
    assert only(polled(codes.NUMERIC, number(0x4A17, 71, state=0x4000))).valid


def test_state_gives_the_reason_and_the_value_is_kept():
    found = only(polled(codes.NUMERIC, number(0x4A17, 71, state=0x1000)))

    assert (found.value, found.valid, found.reason) == (71.0, False, Reason.CALIBRATING)


def test_demo_data_is_invalid_unless_allowed():
    stream = polled(codes.NUMERIC, number(0x4A17, 71, state=0x0400))

    assert only(stream).reason is Reason.DEMO
    assert only(stream, allow_demo=True).valid


def test_monitor_in_demo_mode_marks_everything():
    stream = polled(codes.NUMERIC, number(0x4A17, 71))

    assert only(demo_mode(b"\x20\x00") + stream).reason is Reason.DEMO
    assert only(demo_mode(b"\x20\x00") + stream, allow_demo=True).valid
    assert only(demo_mode(b"\x40\x00") + stream).valid


def test_wave_is_scaled_and_timed():
    found = only(polled(codes.WAVE, wave([-40, 0, 80.0625, 520])))

    assert found.values.tolist() == [-40.0, 0.0, 80.0625, 520.0]
    assert (found.channel, found.code, found.t_s, found.rate_hz) == ("ABP_WAVE", "4A14", 1.0, 125.0)
    assert (found.valid, found.reason) == (False, Reason.RANGE)


def test_wave_is_described_once():
    found = decoded(
        polled(codes.WAVE, wave([80])), polled(codes.WAVE, wave([81], described=False), ticks=SECOND + 2048)
    )

    assert [(chunk.values.tolist(), chunk.t_s, chunk.valid) for chunk in found] == [
        ([80.0], 1.0, True),
        ([81.0], 1.256, True),
    ]


def test_wave_before_its_description_is_dropped():
    assert decoded(polled(codes.WAVE, wave([80], described=False))) == []


def test_new_scale_alone_replaces_the_old():
    kpa = {codes.UNIT: codes.KPA.to_bytes(2, "big")}
    found = decoded(polled(codes.WAVE, wave([80])), polled(codes.WAVE, kpa | wave([10], described=False)))

    assert found[1].values.tolist() == [pytest.approx(75.00617)]


def test_sample_marked_invalid_is_missing():
    found = only(polled(codes.WAVE, wave([80, math.nan, 82])))

    assert np.isnan(found.values).tolist() == [False, True, False]


def test_wave_of_nothing_but_invalid_marks_is_not_valid():
    found = only(polled(codes.WAVE, wave([math.nan] * 32)))

    assert (found.valid, found.reason) == (False, Reason.INVALID)


def test_new_association_forgets_descriptions():
    response = frame(build(Association(Act.RESPONSE)))
    found = decoded(polled(codes.WAVE, wave([80])), response, polled(codes.WAVE, wave([80], described=False)))

    assert len(found) == 1


def test_best_arterial_line_that_shows_a_value_is_the_pressure():
    found = decoded(
        polled(codes.NUMERIC, number(UAP + 3, 50)),
        polled(codes.NUMERIC, number(ABP + 3, math.nan, state=0x8000)),
        polled(codes.NUMERIC, number(ART + 3, 71)),
        polled(codes.NUMERIC, number(UAP + 3, 50)),
        polled(codes.NUMERIC, number(ABP + 3, 72)),
        polled(codes.NUMERIC, number(ART + 3, 71)),
    )

    assert [sample.channel for sample in found] == ["ABP_MEAN", None, "ABP_MEAN", None, "ABP_MEAN", None]


def test_a_line_that_is_pulled_gives_way_to_the_next_and_takes_over_again():
    decoder = IntelliVueDecoder()
    decoder.feed(polled(codes.NUMERIC, pressures(ABP, 120, 70, 91)))
    both = polled(codes.NUMERIC, number(ABP + 3, math.nan, state=0x8000), number(ART + 3, 71))
    heard = [decoder.feed(both)[1].channel for _ in range(PATIENCE + 1)]
    (back,) = decoder.feed(polled(codes.NUMERIC, number(ABP + 3, 90)))

    assert heard == [None] * PATIENCE + ["ABP_MEAN"]
    assert (back.channel, back.code) == ("ABP_MEAN", f"{ABP + 3:04X}")


def test_wave_and_numbers_come_from_one_line():
    decoder = IntelliVueDecoder()
    decoder.feed(polled(codes.NUMERIC, number(ART + 3, 71)))
    (chunk,) = decoder.feed(polled(codes.WAVE, wave([80], UAP)))

    assert (chunk.channel, chunk.rival_of) == (None, "ABP_WAVE")


def test_intermittent_measurement_is_told_once():
    first = pressures(0x4A04, 118, 60, 80) | {codes.MEASURED_AT: bytes(8)}
    second = first | {codes.MEASURED_AT: b"\1" * 8}
    found = decoded(*(polled(codes.NUMERIC, each) for each in (first, first, second, second)))

    assert [sample.channel for sample in found] == ["NIBP_SYS", "NIBP_DIA", "NIBP_MEAN"] * 2


def test_an_association_begun_anew_makes_no_old_measurement_new():
    reading = polled(codes.NUMERIC, number(0x4A07, 70) | {codes.MEASURED_AT: bytes(8)})
    later = polled(codes.NUMERIC, number(0x4A07, 70) | {codes.MEASURED_AT: b"\1" * 8})
    found = decoded(reading, frame(build(Association(Act.RESPONSE))) + reading, later)

    assert [sample.channel for sample in found] == ["NIBP_MEAN"] * 2


def test_parts_of_a_linked_result_are_merged_by_time():
    found = decoded(
        polled(codes.NUMERIC, number(0x4A17, 71), link=(1, 1)),
        polled(codes.NUMERIC, number(0x4182, 60, unit=codes.BPM), link=(3, 2)),
    )

    assert [(sample.channel, sample.t_s) for sample in found] == [("ABP_MEAN", 1.0), ("HR", 1.0)]


def test_time_goes_on_when_32_bits_wrap():
    last = (1 << 32) - 4096
    found = decoded(
        *(polled(codes.NUMERIC, number(0x4A17, 71), ticks=ticks) for ticks in (last, 4096, last, 8192))
    )

    assert [sample.t_s - found[0].t_s for sample in found] == pytest.approx([0.0, 1.024, 0.0, 1.536])


def test_an_association_after_the_wrap_does_not_set_time_back():
    said_again = EventReport(1, True, 8192, codes.MDS_CREATE, {codes.OPERATING_MODE: b"\x40\x00"})  # noqa: FBT003 - a field's value
    before, after, again = decoded(
        polled(codes.NUMERIC, number(0x4A17, 71), ticks=(1 << 32) - 4096),
        polled(codes.NUMERIC, number(0x4A17, 71), ticks=4096),
        frame(build(said_again)) + polled(codes.NUMERIC, number(0x4A17, 71), ticks=12288),
    )

    assert (after.t_s - before.t_s, again.t_s - after.t_s) == pytest.approx((1.024, 1.024))


def test_a_monitor_that_restarted_counts_from_its_start():
    before, after = decoded(
        polled(codes.NUMERIC, number(0x4A17, 71), ticks=3600 * SECOND),
        demo_mode(b"\x40\x00") + polled(codes.NUMERIC, number(0x4A17, 71), ticks=SECOND),
    )

    assert (before.t_s, after.t_s) == (3600.0, 1.0)


def test_alarm_is_told_with_its_priority():
    found = only(alarm_list(Alarm(0x1A08, 0, "ABP Zero+Check Cal", "low", technical=True)))

    assert found == DeviceAlarm("1A08", "ABP Zero+Check Cal", 1.0, "low", technical=True)


def test_inhibited_and_invented_alarms_are_not_told():
    low = Alarm(1, ALARM_INHIBITED, "off", "low", technical=False)
    demo = Alarm(2, ALARM_DEMO, "demo", "high", technical=False)

    assert decoded(alarm_list(low, demo)) == []
    assert [alarm.text for alarm in decoded(alarm_list(low, demo), allow_demo=True)] == ["demo"]


def test_demographics_never_leave_the_decoder():
    name = {0x095C: "Doe\0".encode("utf-16-be"), codes.NUMERIC_VALUE: number_bytes(0x4A17, 0, codes.MMHG, 71)}

    assert decoded(polled(codes.DEMOGRAPHICS, name)) == []


def test_sound_frame_with_contradicting_lengths_is_corrupt_and_counted():
    spoiled = frame(b"\xe1\x00\x00\x02\x00\x02\x00\x09")
    decoder = IntelliVueDecoder()

    assert decoder.feed(spoiled) == [Corrupt(0, len(spoiled), "content")]
    assert (decoder.counts.frames, decoder.counts.corrupt_by_reason) == (0, {"content": 1})


def test_values_of_a_message_that_breaks_off_are_neither_told_nor_counted():
    decoder = IntelliVueDecoder()
    broken = polled(codes.NUMERIC, number(0x4A17, 71), {codes.NUMERIC_VALUE: b"\x4a"})

    assert decoder.feed(broken) == [Corrupt(0, len(broken), "content")]
    assert decoder.counts.samples == 0


def test_counts_add_up():
    stream = polled(codes.NUMERIC, pressures(ABP, 120, 70, 91)) + polled(codes.WAVE, wave([80] * 32)) + b"?"
    decoder = IntelliVueDecoder()
    decoder.feed(stream)
    decoder.close()

    counts = decoder.counts
    assert (counts.bytes, counts.frames, counts.samples) == (len(stream), 2, 35)
    assert (counts.corrupt, counts.corrupt_by_reason) == (1, {"garbage": 1})


def test_memory_of_waves_is_bounded():
    decoder = IntelliVueDecoder()
    for handle in range(2 * MAX_OBJECTS):
        seen = (Observation(1, handle, wave([80])),)
        decoder.feed(frame(build(PollResult(1, 1, 1, 0, codes.WAVE, 0, seen))))

    assert len(decoder._specs) == MAX_OBJECTS


def test_datagram_is_read_like_a_frame():
    payload = build(parse(Deframer().feed(polled(codes.NUMERIC, number(0x4A17, 71)))[0].payload))

    assert IntelliVueDecoder(Datagrams()).feed(payload) == decoded(polled(codes.NUMERIC, number(0x4A17, 71)))


SESSION = (
    demo_mode(b"\x40\x00")
    + polled(codes.WAVE, wave([80] * 32), wave([20] * 32, 0x4A1C))
    + polled(codes.NUMERIC, pressures(ABP, 120, 70, 91), number(0x4182, 61, unit=codes.BPM))
)


def comparable(events):
    return [repr(event) for event in events]


def test_byte_by_byte_gives_the_same_events():
    stream = b"noise" + SESSION + b"\xc0noise" + SESSION + b"\xc0"

    assert comparable(decoded(*(bytes((byte,)) for byte in stream))) == comparable(decoded(stream))


@given(st.lists(st.integers(0, len(SESSION))), st.integers(0, len(SESSION) - 1), st.integers(0, 255))
@settings(max_examples=100, deadline=None)
def test_any_chunking_of_a_spoiled_stream_gives_the_same_events(cuts, place, byte):
    spoiled = SESSION[:place] + bytes((byte,)) + SESSION[place + 1 :]
    edges = [0, *sorted(cuts), len(spoiled)]
    chunked = decoded(*(spoiled[a:b] for a, b in pairwise(edges)))

    assert comparable(chunked) == comparable(decoded(spoiled))


anything = st.binary(max_size=60)
attributes = st.dictionaries(
    st.sampled_from(
        [
            codes.NUMERIC_VALUE, codes.COMPOUND_NUMERIC, codes.WAVE_SAMPLES, codes.COMPOUND_WAVE,
            codes.WAVE_FORMAT, codes.SCALE, codes.SAMPLE_PERIOD, codes.FIXED_VALUES, codes.UNIT,
            codes.TECHNICAL_ALARMS, codes.PATIENT_ALARMS, codes.OPERATING_MODE, codes.MEASURED_AT,
        ]
    ),
    anything,
)  # fmt: skip


@given(
    st.sampled_from([codes.NUMERIC, codes.WAVE, codes.ALERT_MONITOR, codes.MDS]),
    st.lists(attributes, max_size=3),
)
@settings(max_examples=200, deadline=None)
def test_any_attribute_bytes_give_events_or_corrupt(kind, seen):
    found = decoded(polled(kind, *seen), polled(codes.NUMERIC, number(0x4A17, 71)))

    assert found[-1].value == 71.0


@pytest.mark.req("ACQ-05")
@given(st.lists(anything))
@settings(max_examples=100, deadline=None)
def test_after_any_noise_the_next_frame_but_one_is_read(noise):
    sound = polled(codes.NUMERIC, number(0x4A17, 71))
    found = decoded(*noise, sound, sound)

    assert found[-1].value == 71.0


# Real captures, which are never committed.

STAMP = re.compile(rb"\d{4}/\d\d/\d\dT\d\d:\d\d:\d\d,\d{3}")


def records(name):
    """The frames of a log in which each one follows a 23-byte host time."""
    log = captures(f"intellivue/dd_intellivue_mp70_response.log.{name}").read_bytes()
    starts = [stamp.start() for stamp in STAMP.finditer(log)]
    return [log[a + 23 : b] for a, b in zip(starts, [*starts[1:], len(log)], strict=True)]


def by_channel(events):
    found = {}
    for event in events:
        if isinstance(event, Sample):
            found.setdefault(event.channel, []).append(event.value)
        elif isinstance(event, WaveChunk):
            found.setdefault(event.channel, []).extend(event.values)
    return {channel: np.array(values) for channel, values in found.items()}


def test_recorded_serial_demo_is_invalid_when_not_asked_for():
    decoder = IntelliVueDecoder()
    events = [event for record in records("serial_05192014_demo_data") for event in decoder.feed(record)]
    pressures_seen = [event for event in events if event.channel in ("ABP_MEAN", "PAP_WAVE")]

    assert {event.reason for event in pressures_seen} == {Reason.DEMO}
    assert not any(event.valid for event in events)


def octets(name, after=0):
    """The bytes of a published hex listing, its offsets and remarks left out."""
    text = captures(f"intellivue/{name}").read_text()
    return bytes.fromhex("".join(re.findall(r"(?<![\w:])[0-9a-f]{2}(?![\w:])", text)))[after:]


def test_recorded_connect_indication_is_an_event():
    """A datagram of 42 bytes of Ethernet, IP and UDP headers, then the monitor's call for clients."""
    pdu = parse(octets("koshsky_connect_indication_mcast.hexdump.txt", 42))

    assert isinstance(pdu, EventReport)
    assert pdu.event == codes.CONNECT_INDICATION


def relabelled(payload):
    """Derived, not recorded: the pulmonary wave under the arterial label."""
    pdu = parse(payload)
    if not isinstance(pdu, PollResult) or pdu.object_class != codes.WAVE:
        return payload
    seen = []
    for each in pdu.observations:
        attributes = dict(each.attributes)
        for key in (codes.LABEL, codes.WAVE_SAMPLES):
            if key in attributes:
                attributes[key] = attributes[key].replace(b"\x4a\x1c", b"\x4a\x14", 1)
        seen.append(replace(each, attributes=attributes))
    return build(replace(pdu, observations=tuple(seen)))


def test_derived_arterial_wave_is_that_of_the_pulmonary_one():
    log = b"".join(records("serial_05192014_demo_data"))
    stream = b"".join(
        frame(relabelled(found.payload)) for found in Deframer().feed(log) if isinstance(found, Frame)
    )
    decoder = IntelliVueDecoder(allow_demo=True)
    found = by_channel(decoder.feed(stream))

    assert decoder.counts.corrupt == 0
    assert "PAP_WAVE" not in found
    assert (found["ABP_WAVE"].min(), found["ABP_WAVE"].max()) == (15.4375, 28.0)
    assert len(found["ABP_WAVE"]) == 9824
