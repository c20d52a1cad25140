"""The session without a socket: what is sent, answered, repeated, given up."""

from __future__ import annotations

from dataclasses import replace

import hl7
import pytest
from alarm_states import WALL_S, feed_lost, forecast, state
from hypothesis import given, settings
from hypothesis import strategies as st

from barocast.plugin.sinks.pcd04_session import ACK_S, QUEUE, REPEAT_S, Pcd04Session
from barocast.runtime.alarm.rules import Priority
from barocast.runtime.decoders.hl7_ack import Answer, read_answer
from barocast.runtime.decoders.mllp import wrap
from barocast.runtime.encoders.pcd04 import Sender

OR3 = Sender("OR 3", "barocast-map-1", "6922")


def connected():
    session = Pcd04Session(OR3)
    session.connected()
    return session


def acknowledgement(control_id, code="AA", words=""):
    return wrap(
        f"MSH|^~\\&|AM|H|BAROCAST|OR 3|2026||ACK^R40|1|P|2.6\rMSA|{code}|{control_id}|{words}\r".encode()
    )


def sent(session, now_s=0.0):
    """The message that is due, parsed; None when none is."""
    block = session.due(now_s, WALL_S + now_s)
    return hl7.parse(block.strip(b"\x0b\x1c\r").decode() + "\r") if block else None


def control_id(message):
    return str(message.segment("MSH")[10])


def said(message):
    """(phase, alarm)"""
    return str(message.segments("OBX")[2][5]), str(message.segment("OBR")[29]).strip("^").split("&")[0]


def delivered(session, now_s=0.0):
    """All that is due, each acknowledged at once."""
    told = []
    while (message := sent(session, now_s)) is not None:
        told.append(said(message))
        session.receive(acknowledgement(control_id(message)))
    return told


@pytest.mark.req("ALM-12")
def test_one_message_at_a_time_in_the_order_of_the_changes():
    session = connected()
    session.take(state(60.0, forecast()), WALL_S)
    session.take(state(70.0, forecast(3, Priority.MEDIUM)), WALL_S)
    session.take(state(80.0), WALL_S)

    first = sent(session)

    assert said(first) == ("start", "6922-1")
    assert sent(session) is None
    session.receive(acknowledgement(control_id(first), "CA"))
    assert delivered(session) == [("escalate", "6922-1"), ("end", "6922-1")]
    assert (session.idle, session.trouble) == (True, "")


@pytest.mark.req("ALM-12")
def test_a_new_connection_is_told_the_active_set_and_the_end_of_what_it_believes():
    session = connected()
    session.take(state(60.0, forecast(1), feed_lost(2)), WALL_S)
    delivered(session)

    session.take(state(70.0, forecast(1)), WALL_S)
    session.connected()

    assert delivered(session) == [("end", "6922-2"), ("continue", "6922-1")]


def test_a_message_without_an_answer_is_sent_again_on_the_next_connection():
    session = connected()
    session.take(state(60.0, forecast()), WALL_S)
    unanswered = sent(session)

    session.connected()
    again = sent(session)

    assert said(again) == said(unanswered) == ("start", "6922-1")
    assert control_id(again) != control_id(unanswered)


@pytest.mark.req("ALM-12")
def test_ten_seconds_without_an_acknowledgement_and_the_connection_is_dead():
    session = connected()
    session.take(state(60.0, forecast()), WALL_S)
    sent(session)

    session.due(ACK_S - 0.1, WALL_S)
    assert session.dead is False
    session.due(ACK_S, WALL_S)
    assert session.dead is True
    session.connected()
    assert session.dead is False


@pytest.mark.parametrize(
    "answer",
    [
        acknowledgement("6922-99"),
        acknowledgement("6922-99", "AE"),
        acknowledgement("", "AA"),
        acknowledgement("6922-1", "XX"),
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x0b\x1c\r\x0bMSA\x1c\r\x0b|||\x1c\r" + bytes(range(256)),
        wrap(b"MSH|^~\\&|AM\r"),
    ],
)
def test_what_answers_no_message_of_ours_is_no_answer(answer):
    session = connected()
    session.take(state(60.0, forecast()), WALL_S)
    message = sent(session)

    session.receive(answer)

    assert session.answered == 0
    session.receive(acknowledgement(control_id(message)))
    assert session.answered == 1


@pytest.mark.parametrize("named", ["6922-1", ""])
@pytest.mark.parametrize("code", ["AE", "AR", "CE", "CR"])
def test_a_refusal_is_told_in_the_receivers_words_until_the_next_is_taken(code, named):
    session = connected()
    session.take(state(60.0, forecast()), WALL_S)
    sent(session)

    session.receive(acknowledgement(named, code, "unknown bed"))

    assert session.trouble == f"refused with {code}: unknown bed"
    assert delivered(session) == []
    assert delivered(session, REPEAT_S) == [("continue", "6922-1")]
    assert session.trouble == ""


def test_the_active_set_is_repeated_while_it_lasts():
    session = connected()
    session.take(state(60.0, forecast()), WALL_S)

    told = [delivered(session, now_s) for now_s in (0.0, 29.0, 30.0, 31.0, 61.0)]

    start, again = ("start", "6922-1"), ("continue", "6922-1")
    assert told == [[start], [], [again], [], [again]]


@pytest.mark.req("ALM-12")
def test_ten_thousand_changes_wait_in_bounded_memory_and_what_is_true_arrives():
    session = connected()
    session.take(state(60.0, feed_lost(1)), WALL_S)
    delivered(session)
    for number in range(10_000):
        shown = [forecast(number, since_s=float(number))] if number % 2 else [feed_lost(1), forecast(7)]
        session.take(state(60.0 + number, *shown), WALL_S)
        assert len(session._queue) <= QUEUE

    assert "the queue of 1000 overflowed" in session.trouble
    told = delivered(session)

    assert ("end", "6922-1") in told
    active = {alarm for phase, alarm in told if phase != "end"} - {
        alarm for phase, alarm in told if phase == "end"
    }
    assert active == {"6922-9999"}
    assert session.trouble == ""


def test_an_orderly_end_ends_all_that_the_receiver_believes():
    session = connected()
    session.take(state(60.0, forecast(1)), WALL_S)
    delivered(session)
    session.take(state(60.0, forecast(1), feed_lost(2)), WALL_S)
    message = sent(session)

    session.end(WALL_S)
    session.receive(acknowledgement(control_id(message)))

    assert delivered(session) == [("end", "6922-1"), ("end", "6922-2")]


def test_a_receiver_that_closes_after_each_message_gets_them_all():
    session = connected()
    session.take(state(60.0, forecast(1), feed_lost(2)), WALL_S)
    session.take(state(70.0), WALL_S)
    told = []
    for _ in range(6):
        session.connected()
        if (message := sent(session)) is not None:
            told.append(said(message))
            session.receive(acknowledgement(control_id(message)))

    assert told == [("start", "6922-1"), ("start", "6922-2"), ("end", "6922-1"), ("end", "6922-2")]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.one_of(st.binary(max_size=80), st.just(acknowledgement("6922-1", "AE", "no")))),
    st.integers(1, 50),
)
def test_any_bytes_in_any_pieces_are_borne(pieces, size):
    session, whole = connected(), connected()
    for either in (session, whole):
        either.take(state(60.0, forecast()), WALL_S)
        sent(either)
    data = b"".join(pieces)
    for at in range(0, len(data), size):
        session.receive(data[at : at + size])
    whole.receive(data)

    assert (session.answered, session.trouble) == (whole.answered, whole.trouble)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"MSH|^~\\&|A\rMSA|AA|7\r", Answer("AA", "7", "")),
        (b"MSH|^~\\&|A\r\nMSA|ca|7|fine\r\n", Answer("CA", "7", "fine")),
        (b"MSH#^~\\&#A\nMSA#AR#7\nERR###207^busy#E####try later\n", Answer("AR", "7", "try later")),
        (b"MSH|^~\\&|A\rMSA|AE||" + b"x" * 500, Answer("AE", "", "x" * 120)),
        (b"MSH|^~\\&|A\rMSA", None),
        (b"MSA", None),
        (b"", None),
    ],
)
def test_an_acknowledgement_is_read_from_its_msa(answer, expected):
    assert read_answer(answer) == expected


def test_the_words_of_an_alarm_reach_the_wire():
    session = connected()
    session.take(state(60.0, replace(forecast(), text="MAP will fall")), WALL_S)

    assert str(sent(session).segments("OBX")[0][5]) == "MAP will fall"
