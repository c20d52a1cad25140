"""The host's side of a BIS monitor: asked once, asked again whenever values stay out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barocast.runtime.decoders import bis_packet as bis
from barocast.runtime.decoders.bis import PROCESSED
from barocast.runtime.decoders.bis_packet import Deframer, message, packet, split
from barocast.runtime.sessions.bis import (
    ANSWER_S,
    ROUTING,
    SEND_PROCESSED,
    SILENCE_S,
    STOP_PROCESSED,
    BisSession,
)

SECOND = packet(bis.DATA, 1, message(255, PROCESSED, bytes((10, 1, 21, 1)) + bytes(116)))
STEP_S = 0.25


class FakeBis:
    """Acknowledges what it is asked and then tells a second's values every second, until switched off."""

    def __init__(self):
        self.on, self.next_s = True, float("inf")

    def receive(self, data, now_s):
        asked = [found for found in Deframer().feed(data) if self.on]
        for found in asked:
            wanted = split(found.payload)[0] == SEND_PROCESSED
            self.next_s = now_s + 1.0 if wanted else float("inf")
        return b"".join(packet(bis.ACK, found.seq) for found in asked)

    def due(self, now_s):
        if not self.on or now_s < self.next_s:
            return b""
        self.next_s += 1.0
        return SECOND


def talk(session, monitor, start_s, seconds):
    """Let both sides speak; give the client's events and when it asked."""
    events, asked = [], []
    for now_s in np.arange(start_s, start_s + seconds, STEP_S).tolist():
        said = session.due(now_s)
        asked += [now_s] if said else []
        events += session.receive(monitor.receive(said, now_s) + monitor.due(now_s), now_s)[0]
    return events, asked


def sent(data):
    return [(found.kind, *split(found.payload)) for found in Deframer().feed(data)]


def test_values_are_asked_for_once_and_come_every_second():
    session = BisSession()
    events, asked = talk(session, FakeBis(), 100.0, 20.0)

    assert session.status == "receiving"
    assert asked == [100.0]
    assert len([event for event in events if event.code == "BIS"]) == 19


def test_the_request_is_for_processed_values_without_spectra():
    assert sent(BisSession().due(0.0)) == [(bis.DATA, SEND_PROCESSED, b"\x00")]


def test_the_request_is_byte_for_byte_what_a_working_client_sends():
    body = bytes.fromhex("0d 00 01 00 04 00 00 00 73 00 00 00 00 00 01 00 00".replace(" ", ""))

    assert BisSession().due(0.0)[4:-2] == body
    assert ROUTING == 4


@pytest.mark.req("ACQ-02")
def test_a_monitor_that_is_off_is_asked_for_ever():
    session, monitor = BisSession(), FakeBis()
    monitor.on = False
    _, asked = talk(session, monitor, 0.0, 60.0)

    assert np.diff(asked).tolist() == [ANSWER_S] * 19
    assert session.status == "connecting"


def test_a_monitor_that_was_switched_off_and_on_is_asked_again():
    session, monitor = BisSession(), FakeBis()
    talk(session, monitor, 0.0, 10.0)
    monitor.on, monitor.next_s = False, float("inf")
    _, asked = talk(session, monitor, 10.0, 7.0)

    assert session.status == "silent"
    assert asked[0] == 9.0 + SILENCE_S

    monitor.on = True
    events, _ = talk(session, monitor, 17.0, 10.0)

    assert session.status == "receiving"
    assert len(events) > 0


@pytest.mark.parametrize(("kind", "status"), [(bis.ACK, "acknowledged"), (bis.NAK, "refused")])
def test_an_answer_is_told_and_values_are_waited_for(kind, status):
    session = BisSession()
    session.due(0.0)
    session.receive(packet(kind, 1), 1.0)

    assert session.status == status
    assert session.due(1.0 + ANSWER_S - 0.1) == b""
    assert sent(session.due(1.0 + ANSWER_S)) == [(bis.DATA, SEND_PROCESSED, b"\x00")]


def test_an_answer_to_something_else_is_none():
    session = BisSession()
    session.due(0.0)
    session.receive(packet(bis.ACK, 99), 1.0)

    assert session.status == "connecting"


def test_values_are_never_acknowledged():
    session = BisSession()
    session.due(0.0)

    assert session.receive(SECOND * 3, 1.0)[1] == b""


def test_other_data_does_not_pass_for_values():
    session = BisSession()
    session.due(0.0)
    session.receive(packet(bis.DATA, 5, message(255, 0x32, bytes(68))), 1.0)

    assert session.status == "connecting"


def test_release_revokes_the_request_and_nothing_follows():
    session, monitor = BisSession(), FakeBis()
    talk(session, monitor, 0.0, 5.0)

    assert sent(session.release()) == [(bis.DATA, STOP_PROCESSED, b"")]
    assert (session.release(), session.due(1e6), session.status) == (b"", b"", "released")


def test_release_before_any_request_says_nothing():
    assert BisSession().release() == b""


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from([SECOND, packet(bis.NAK, 1)]) | st.binary(max_size=30), max_size=20))
def test_whatever_a_monitor_says_the_session_comes_back(words):
    session = BisSession()
    for now_s, word in enumerate(words):
        session.due(now_s)
        session.receive(word, now_s)
    session.receive(bytes(bis.MAX_PAYLOAD + 10), len(words))  # what an open packet may still wait for
    talk(session, FakeBis(), len(words) + 10.0, 20.0)

    assert session.status == "receiving"
