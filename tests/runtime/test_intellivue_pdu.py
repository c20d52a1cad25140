"""IntelliVue messages: recorded requests read and written byte for byte, any bytes without an exception."""

from __future__ import annotations

import math
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_data import captures

from barocast.runtime.decoders import intellivue_codes as codes
from barocast.runtime.decoders.intellivue_association import Act, Association, Terms
from barocast.runtime.decoders.intellivue_builder import build
from barocast.runtime.decoders.intellivue_numbers import state_reason
from barocast.runtime.decoders.intellivue_parser import parse
from barocast.runtime.decoders.intellivue_pdu import (
    EventReply,
    EventReport,
    Failure,
    Observation,
    Other,
    PollRequest,
    PollResult,
    SetRequest,
    SetResult,
    Unreadable,
)
from barocast.runtime.decoders.intellivue_values import (
    date_time,
    date_time_bytes,
    float_value,
    float_word,
    label_list,
    labels,
)
from barocast.runtime.decoders.mib import Deframer, Frame
from barocast.runtime.domain import Reason

u16 = st.integers(0, 0xFFFF)
u32 = st.integers(0, 0xFFFFFFFF)
attributes = st.dictionaries(u16, st.binary(max_size=20), max_size=4)
observations = st.lists(st.builds(Observation, st.just(1), u16, attributes), max_size=4).map(tuple)
terms = st.builds(Terms, u32, st.integers(300, 4096), u32)
links = st.none() | st.tuples(st.integers(1, 3), st.integers(0, 255))
messages = st.one_of(
    st.builds(Association, st.sampled_from([Act.REQUEST, Act.RESPONSE]), terms),
    st.sampled_from([Association(act) for act in (Act.REFUSE, Act.RELEASE, Act.RELEASED, Act.ABORT)]),
    st.builds(EventReport, u16, st.booleans(), u32, st.just(codes.MDS_CREATE), attributes),
    st.builds(EventReply, u16, u32, u16),
    st.builds(SetRequest, u16, attributes),
    st.builds(SetResult, u16, attributes),
    st.builds(PollRequest, u16, u16, u16, u16, st.just(True), st.none() | u32),  # noqa: FBT003 - a field's value
    st.builds(PollResult, u16, u16, st.none() | u16, u32, u16, u16, observations, links),
    st.builds(Failure, u16, u16),
)


def recorded(name):
    found = Deframer().feed(captures(f"intellivue/{name}").read_bytes())
    return [frame.payload for frame in found if isinstance(frame, Frame)]


@given(messages)
@settings(max_examples=200, deadline=None)
def test_what_is_built_is_read_back(message):
    assert parse(build(message)) == message


@given(messages, st.data())
@settings(max_examples=100, deadline=None)
def test_message_cut_short_is_never_taken_for_whole(message, data):
    payload = build(message)
    cut = parse(payload[: data.draw(st.integers(0, len(payload) - 1))])

    assert isinstance(cut, Unreadable | Association | Failure)


@given(st.binary(max_size=80))
@settings(max_examples=200, deadline=None)
def test_any_bytes_give_a_value(payload):
    assert parse(payload) is not None
    assert parse(b"\xe1\x00\x00\x02" + payload) is not None
    assert parse(b"\x0e\x10" + payload) is not None


def test_kinds_without_a_layout_are_not_built():
    with pytest.raises(TypeError, match="Unreadable"):
        build(Unreadable())


def test_recorded_client_requests_are_read():
    """4 association requests, 174 polls, SETs and GETs, 4 replies to MDS create."""
    pdus = [parse(payload) for payload in recorded("saifur_MPRawoutput1_client_requests.raw")]
    asked = [pdu for pdu in pdus if isinstance(pdu, PollRequest | SetRequest | Other)]

    assert sum(isinstance(pdu, Association) and pdu.act is Act.REQUEST for pdu in pdus) == 4
    assert sum(isinstance(pdu, EventReply) for pdu in pdus) == 4
    assert len(asked) == 174


def test_recorded_client_requests_are_written_back_byte_for_byte():
    payloads = recorded("saifur_MPRawoutput1_client_requests.raw")
    known = [payload for payload in payloads if not isinstance(parse(payload), Other)]

    assert len(known) == 178
    assert [build(parse(payload)) for payload in known] == known


def test_recorded_association_response_states_its_terms_and_is_written_back():
    payload = recorded("jvscapture_MPRawoutput1.raw")[0]

    assert parse(payload) == Association(Act.RESPONSE, Terms(4000, 996, 0x8E000000))
    assert build(parse(payload)) == payload


def test_release_is_that_of_the_vendors_tool():
    log = captures("intellivue/saifur_DETT_tool_log.txt").read_text()
    _port, *octets = log.partition("Release Request")[2].split()

    assert build(Association(Act.RELEASE)) == bytes.fromhex("".join(octets[:26]))


def test_published_requests():
    """The SET of ECG II, I, III and the numerics poll of 30 s, as a working client sent them."""
    header = "e1000002 0001"
    asked = SetRequest(0, {codes.WAVE_LIST: label_list((0x0102, 0x0101, 0x013D))})
    poll = PollRequest(1, 1, codes.NUMERIC, duration_ticks=240_000)

    assert build(asked) == bytes.fromhex(
        header + "002a 0000 0005 0024 0021 00000000 00000000 0001 0016 0000 f23a 0010 0003 000c"
        "00020102 00020101 0002013d"
    )
    assert build(poll) == bytes.fromhex(
        header + "0028 0001 0007 0022 0021 00000000 00000000 f13b 0014 0001 0001 0006 0000"
        "0001 0008 f13e 0004 0003a980"
    )


@pytest.mark.parametrize(
    ("ticks", "timeout_s"), [(4000, 10.0), (26_399, 10.0), (80_000, 30.0), (344_000, 129.0), (400_000, 130.0)]
)
def test_association_timeout_follows_the_poll_period(ticks, timeout_s):
    assert Terms(ticks).timeout_s == timeout_s


@pytest.mark.parametrize(
    ("word", "expected"),
    [(0xFD007D00, 32.0), (0xFF000140, 32.0), (0x01000140, 3200.0), (0x02000020, 3200.0), (0x00FFFFD8, -40.0)],
)
def test_float_vectors_of_the_guide(word, expected):
    assert float_value(word) == expected


@pytest.mark.parametrize("mantissa", [0x7FFFFF, 0x800000, 0x7FFFFE, 0x800002, 0x800001])
def test_special_mantissa_is_not_a_number_whatever_the_exponent(mantissa):
    assert math.isnan(float_value(mantissa))
    assert math.isnan(float_value(0xFE000000 | mantissa))


@given(st.floats(-1000, 1000), st.integers(0, 3))
@settings(max_examples=100, deadline=None)
def test_float_keeps_its_decimals(value, decimals):
    assert float_value(float_word(value, decimals)) == pytest.approx(value, abs=0.501 * 10**-decimals)


def test_float_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        float_word(9e9)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (0x0000, None),
        (0x4000, None),
        (0x0083, None),
        (0x8000, Reason.INVALID),
        (0x2400, Reason.UNAVAILABLE),
        (0x1000, Reason.CALIBRATING),
        (0x0800, Reason.TEST),
        (0x0401, Reason.DEMO),
        (0x0200, Reason.INVALID),
    ],
)
def test_state_forbids_use_exactly_when_its_first_octet_says_more_than_questionable(state, reason):
    assert state_reason(state) is reason


def test_date_and_time_are_binary_coded_decimals():
    recorded_bytes = bytes.fromhex("2021042211472600")
    when = datetime.fromisoformat("2021-04-22T11:47:26")

    assert date_time(recorded_bytes) == when
    assert date_time_bytes(when) == recorded_bytes
    assert date_time(b"\xff" * 8) is None


def test_priority_list_reads_back_without_foreign_labels():
    assert labels(label_list((0x4A14, 0xF0BC))) == (0x4A14, 0xF0BC)
    assert labels(bytes.fromhex("0002 0008 00024a14 80000001")) == (0x4A14,)
