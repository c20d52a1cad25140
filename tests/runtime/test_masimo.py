"""A line of an oximeter is read to the letter; dashes and exceptions take the trust from its values."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_data import captures

from barocast.runtime.decoders.masimo import MAX_LINE, MasimoDecoder
from barocast.runtime.domain import Corrupt, Reason, Sample
from barocast.runtime.sessions.passive import SILENT_AFTER_S, PassiveSession

NONIN = b"SPO2=097 HR=072\r\n"


def line(spo2="098%", bpm="064", exc="000000", more="PI=11.82% DESAT=01 PIDELTA=-02 PVI=027"):
    text = f"09/15/10 15:10:29 SN=0123456789 SPO2={spo2} BPM={bpm} {more} ALARM=0000 EXC={exc}\r\n"
    return text.encode()


def read(stream, size=None):
    decoder = MasimoDecoder()
    size = size or max(1, len(stream))
    events = [event for at in range(0, len(stream), size) for event in decoder.feed(stream[at : at + size])]
    return events + decoder.close()


def values(events):
    return [(event.channel or event.code, event.value) for event in events if isinstance(event, Sample)]


def test_a_line_gives_its_measurements_on_the_oximeters_clock():
    events = read(line())

    assert values(events) == [
        ("SPO2", 98.0),
        ("PR", 64.0),
        ("PI", 11.82),
        ("DESAT", 1.0),
        ("PIDELTA", -2.0),
        ("PVI", 27.0),
    ]
    assert {(event.t_s, event.valid) for event in events} == {(1284563429.0, True)}


def test_nonins_line_has_a_pulse_rate_and_no_time():
    events = read(NONIN)

    assert values(events) == [("SPO2", 97.0), ("PR", 72.0)]
    assert {event.t_s for event in events} == {None}


def test_byte_by_byte_a_line_is_given_with_its_end():
    decoder = MasimoDecoder()

    assert [event for byte in NONIN[:-1] for event in decoder.feed(bytes([byte]))] == []
    assert values(decoder.feed(NONIN[-1:])) == [("SPO2", 97.0), ("PR", 72.0)]


def test_bytes_after_a_line_wait_for_the_rest_of_theirs():
    decoder = MasimoDecoder()

    assert len(decoder.feed(NONIN + NONIN[:5])) == 2
    assert values(decoder.feed(NONIN[5:])) == [("SPO2", 97.0), ("PR", 72.0)]


def test_garbage_between_lines_is_told_and_costs_none():
    events = read(b"noise\r\n" + NONIN + b"\xff\xfe\n" + NONIN + b"half")

    assert [event for event in events if isinstance(event, Corrupt)] == [
        Corrupt(0, 6, "line"),
        Corrupt(24, 2, "line"),
        Corrupt(44, 4, "line"),
    ]
    assert values(events) == 2 * [("SPO2", 97.0), ("PR", 72.0)]


@pytest.mark.parametrize(
    "damaged",
    [
        NONIN.replace(b"097", b"97"),
        NONIN.replace(b"097", b"0997"),
        NONIN.replace(b"097", b"0-7"),
        NONIN.replace(b"HR", b"XR"),
        NONIN.replace(b"SPO2=097 ", b""),
        NONIN.replace(b"072", b"07\xff"),
        line(exc="00G000"),
        line(more="PI=11.82% PI"),
        line().replace(b"09/15/10 ", b""),
    ],
)
def test_a_line_that_lost_or_won_a_byte_is_corrupt_as_a_whole(damaged):
    assert [type(event) for event in read(damaged)] == [Corrupt]


def test_dashes_are_missing_whatever_the_exceptions_say():
    events = read(line("---%", "---", "000001", "PI=--.--% DESAT=-- # PIDELTA=+--"))

    assert [math.isnan(event.value) for event in events] == [True] * 5
    assert {event.reason for event in events} == {Reason.MISSING}


@pytest.mark.parametrize(
    ("exc", "reason"),
    [
        ("000020", Reason.DISCONNECTED),
        ("001000", Reason.DISCONNECTED),
        ("000008", Reason.UNAVAILABLE),
        ("000400", Reason.INVALID),
        ("020000", Reason.CALIBRATING),
        ("000421", Reason.DISCONNECTED),
        ("000804", None),
        ("642000", None),
    ],
)
def test_exceptions_say_whether_the_values_stand(exc, reason):
    spo2 = read(line(exc=exc))[0]

    assert (spo2.value, spo2.valid, spo2.reason) == (98.0, reason is None, reason)


def test_each_exception_bit_alone_means_what_the_manual_says():
    """From bit 0: no sensor, defective, low perfusion, pulse search, interference, sensor off, ..."""
    off, bad, search, tuning = Reason.DISCONNECTED, Reason.INVALID, Reason.UNAVAILABLE, Reason.CALIBRATING
    low_byte = [off, bad, None, search, bad, off, bad, bad]
    middle_byte = [bad, None, bad, None, off, None, bad, bad]
    high_byte = [bad, tuning, None, bad, bad, None, None, None]

    assert [read(line(exc=f"{1 << bit:06X}"))[0].reason for bit in range(24)] == [
        *low_byte,
        *middle_byte,
        *high_byte,
    ]


def test_what_no_sensor_can_report_is_out_of_range():
    assert read(line("101%"))[0].reason is Reason.RANGE


def test_a_date_that_does_not_exist_is_no_time():
    assert read(line().replace(b"09/15", b"13/15"))[0].t_s is None


def test_a_line_without_an_end_costs_its_cap_and_the_next_one_is_sound():
    events = read(b"x" * MAX_LINE + b"yy\r\n" + NONIN)

    assert events[:2] == [Corrupt(0, MAX_LINE, "too long"), Corrupt(MAX_LINE, 3, "line")]
    assert len(values(events)) == 2


streams = st.lists(
    st.sampled_from([NONIN, line(), line("---%", "---"), b"\r", b"\n", b"SPO2=", b"x" * 200, NONIN[:9]])
    | st.binary(max_size=8),
    max_size=10,
).map(b"".join)


@settings(max_examples=150, deadline=None)
@given(stream=streams, size=st.integers(1, 60))
def test_any_chunking_gives_the_same_events(stream, size):
    assert repr(read(stream, size)) == repr(read(stream))


@settings(max_examples=100, deadline=None)
@given(stream=st.binary(max_size=300))
def test_after_any_bytes_a_sound_line_is_read(stream):
    assert values(read(stream + b"\n" + NONIN))[-2:] == [("SPO2", 97.0), ("PR", 72.0)]


def test_a_real_line_with_the_sensor_off_is_sound_and_says_nothing():
    decoder = MasimoDecoder()
    events = decoder.feed(captures("masimo/rad8_ascii1_sensor_off.txt").read_bytes()) + decoder.close()

    assert [event.code for event in events] == ["SPO2", "BPM", "DESAT", "PIDELTA"]
    assert {event.reason for event in events} == {Reason.MISSING}
    assert (decoder.counts.frames, decoder.counts.corrupt) == (1, 0)


def test_a_passive_session_follows_its_feed_and_says_nothing():
    session = PassiveSession(MasimoDecoder())
    seen = [session.status]
    for data, now_s in ((b"noise\n", 0.0), (NONIN, 1.0), (b"noise\n", 1.0 + SILENT_AFTER_S), (b"", 6.1)):
        session.receive(data, now_s)
        seen.append(session.status)
    events, reply = session.receive(NONIN, 7.0)

    assert seen == ["connecting", "connecting", "receiving", "receiving", "silent"]
    assert (session.status, len(events)) == ("receiving", 2)
    assert (reply, session.due(7.1), session.release()) == (b"", b"", b"")


def test_a_passive_session_notices_silence_by_time_alone():
    session = PassiveSession(MasimoDecoder(), silent_after_s=2.0)
    session.receive(NONIN, 0.0)
    session.due(2.1)

    assert (session.status, session.counts.frames) == ("silent", 1)
