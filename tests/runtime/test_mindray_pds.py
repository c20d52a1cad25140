"""The client of a queried Mindray monitor: asks, keeps alive, asks again; and what it makes of answers."""

from __future__ import annotations

import math

import hl7 as hl7_package
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barocast.runtime.decoders.mllp import Block, MllpDeframer, wrap
from barocast.runtime.domain import DeviceAlarm, Reason, Sample
from barocast.runtime.sessions.mindray_pds import ECHO, ECHO_S, SILENCE_S, MindrayPdsSession, query


def told(message_id: str, *rows: str, kind: str = "ORU^R01") -> bytes:
    """A message of the monitor, as it writes them: no sender, no time."""
    return wrap("\r".join([rf"MSH|^~\&|||||||{kind}|{message_id}|P|2.3.1|", *rows, ""]).encode())


def value(code: int, number: float, stamp: str = "") -> str:
    return f"OBX||NM|{code}^x|2101|{number:g}||||||F" + (f"||APERIODIC|{stamp}" if stamp else "")


def messages(sent: bytes) -> list[list[str]]:
    """The lines of each message in what a session sends."""
    return [
        found.payload.decode().split("\r") for found in MllpDeframer().feed(sent) if isinstance(found, Block)
    ]


def heard(session: MindrayPdsSession, data: bytes, now_s: float = 0.0) -> dict[str, Sample]:
    events, _ = session.receive(data, now_s)
    return {event.channel: event for event in events if isinstance(event, Sample) and event.channel}


# ---- what it asks for ----------------------------------------------------------------------------------


def test_the_first_thing_due_is_the_query_and_an_echo():
    asked, echo = messages(MindrayPdsSession().due(0.0))

    assert asked[0] == r"MSH|^~\&|||||||QRY^R02|1203|P|2.3.1"
    assert asked[1].split("|")[2:5] == ["R", "I", "Q1"]
    assert echo == [r"MSH|^~\&|||||||ORU^R01|106|P|2.3.1|", ""]


def test_the_query_names_the_invasive_pressures_once_a_second_and_both_kinds_of_alarm():
    ((_, _, *wanted, _),) = messages(query(1))

    assert wanted == [
        "QRF|MON||||0&0^1^1^0^101&151&160&161",
        "QRF|MON||||0&0^1^1^0^170&171&172&200",
        "QRF|MON||||0&0^1^1^0^500&501&502",
        "QRF|MON||||0&0^3^1^1^",
        "QRF|MON||||0&0^4^1^1^",
    ]


def test_the_hl7_package_reads_the_query():
    parsed = hl7_package.parse(query(7).strip(b"\x0b\x1c\r") + b"\r", encoding="ascii")

    assert (str(parsed.segment("MSH")[9]), str(parsed.segment("QRD")[4])) == ("QRY^R02", "Q7")


@pytest.mark.req("ACQ-03")
def test_the_echo_goes_out_once_a_second_for_ever():
    session = MindrayPdsSession()
    session.due(0.0)
    sent = [session.due(tick / 4) for tick in range(1, 17)]  # four seconds, before the query is repeated

    assert sent.count(ECHO) == round(4 / ECHO_S)
    assert set(sent) == {ECHO, b""}


@pytest.mark.req("ACQ-02")
def test_the_query_is_sent_again_while_no_value_comes_each_time_with_a_new_id():
    session = MindrayPdsSession()
    ids = [
        lines[1].split("|")[4]
        for second in range(12)
        for lines in messages(session.due(float(second)))
        if "QRY^R02" in lines[0]
    ]

    assert ids == ["Q1", "Q2", "Q3"]
    assert session.status == "connecting"


def test_values_hold_the_query_back_and_echoes_do_not():
    session = MindrayPdsSession()
    session.due(0.0)
    session.receive(told("204", value(101, 60)), 4.0)
    session.receive(ECHO, 8.0)

    assert b"QRY" not in session.due(4.0 + SILENCE_S - 0.1)
    assert session.status == "receiving"
    assert b"QRY" in session.due(4.0 + SILENCE_S)
    assert session.status == "silent"


def test_after_silence_a_value_makes_it_receiving_again():
    session = MindrayPdsSession()
    for at in (0.0, 1.0 + SILENCE_S):
        session.receive(told("204", value(101, 60)), at)
        session.due(at + SILENCE_S)
    session.receive(told("204", value(101, 60)), 30.0)

    assert session.status == "receiving"


def test_a_released_session_says_nothing_more():
    session = MindrayPdsSession()
    session.due(0.0)

    assert (session.release(), session.due(60.0), session.status) == (b"", b"", "released")


# ---- what it understands -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ORU^R01", "ORF^R04", "ORF"])
def test_the_pressures_come_as_systolic_mean_and_diastolic(kind: str):
    rows = (value(500, 120), value(501, 90), value(502, 70), value(170, 130), value(171, 75), value(172, 95))
    events = heard(MindrayPdsSession(), told("204", *rows, kind=kind))

    assert {channel: event.value for channel, event in events.items()} == {
        "ABP_SYS": 120, "ABP_MEAN": 90, "ABP_DIA": 70, "NIBP_SYS": 130, "NIBP_DIA": 75, "NIBP_MEAN": 95
    }  # fmt: skip


def test_minus_one_hundred_is_no_value():
    sample = heard(MindrayPdsSession(), told("204", value(501, -100)))["ABP_MEAN"]

    assert (math.isnan(sample.value), sample.valid, sample.reason) == (True, False, Reason.CODE)


def test_periodic_values_have_no_time_of_their_own():
    assert heard(MindrayPdsSession(), told("204", value(501, 90)))["ABP_MEAN"].t_s is None


def test_a_cuff_reading_counts_once_when_it_is_new_and_as_of_its_arrival():
    session = MindrayPdsSession()
    seen = [
        heard(session, told("503", value(172, mean, stamp)))
        for mean, stamp in (
            (80, "20240102030000"),
            (80, "20240102030000"),
            (85, "20240102030500"),
            (85, "20240102030500"),
        )
    ]

    assert [[(s.value, s.t_s) for s in batch.values()] for batch in seen] == [[], [], [(85.0, None)], []]


def test_a_monitor_that_tells_its_time_keeps_the_times_of_its_cuff_readings():
    session = MindrayPdsSession()
    session.receive(told("204", "OBR||||Mindray Monitor|||20240102031000|", value(501, 90)), 0.0)

    assert heard(session, told("503", value(172, 80, "20240102030000")))["NIBP_MEAN"].t_s == 1704164400.0


def test_alarms_of_both_kinds_come_with_their_priority():
    session = MindrayPdsSession()
    rows = (
        "OBX||CE|2|1|10172^**Art-Mean TOO HIGH ||||||F|||20240102030000|",
        "OBX||CE|2|0|10002^***HR TOO LOW||||||F|||20240102030000|",
        "OBX||CE|4||205^SpO2 Sensor Off||||||F|",
        "OBX||CE|2041^||0^||||||F",
    )
    events, _ = session.receive(told("54", *rows), 0.0)

    assert events == [
        DeviceAlarm("10172", "Art-Mean TOO HIGH", 1704164400.0, "medium", technical=False),
        DeviceAlarm("10002", "HR TOO LOW", 1704164400.0, "high", technical=False),
        DeviceAlarm("205", "SpO2 Sensor Off", None, "low", technical=True),
    ]


# ---- any stream ----------------------------------------------------------------------------------------

SAID = told("204", value(500, 120), value(501, 90)) + ECHO + told("503", value(172, 80, "20240102030000"))


def test_an_answer_byte_by_byte_is_the_same_answer():
    session = MindrayPdsSession()
    events = [event for byte in SAID for event in session.receive(bytes([byte]), 0.0)[0]]

    assert [(event.channel, event.value) for event in events] == [("ABP_SYS", 120.0), ("ABP_MEAN", 90.0)]
    assert session.counts.frames == 3


@pytest.mark.req("ACQ-05")
@settings(max_examples=100, deadline=None)
@given(
    stream=st.lists(
        st.sampled_from([SAID, ECHO, SAID[:70], b"QRF|MON", b"\x0b", b"\x1c"]) | st.binary(max_size=9)
    )
)
def test_any_bytes_end_in_a_session_that_goes_on_asking(stream: list[bytes]):
    session = MindrayPdsSession()
    for piece in stream:
        session.receive(piece, 0.0)

    assert b"QRY" in session.due(SILENCE_S)
