"""The host's side of a MEDIBUS line: called until it answers, kept open, polled, and called anew."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barocast.runtime.decoders import medibus_codes as codes
from barocast.runtime.decoders.medibus_message import Deframer, answer, command
from barocast.runtime.domain import Sample, WaveChunk
from barocast.runtime.sessions.medibus import ANSWER_S, POLL_S, SILENCE_S, MedibusSession

OFFERED = b"00   16000-  10  10037006   16000-  20  100460"
STEP_S = 0.25


class FakeVentilator:
    """Answers ICC with its wish for our identity, and requests from a table; says NOP when it has nothing."""

    def __init__(self, known=None):
        self.on, self.heard, self.said_s = True, [], float("-inf")
        self.known = {codes.REALTIME_CONFIGURATION: OFFERED, codes.CONFIGURE_REALTIME: b""}
        self.known |= {codes.ICC: b"", codes.NOP: b"", codes.DATA_PAGE_1: b"E6 38 D6 12 "}
        self.known |= known or {}
        self.identified = self.streaming = False

    def receive(self, data, now_s):
        if not self.on:
            return b""
        self.streaming |= b"\xd0\xc1\xc1\xc0\xc0" in data
        said = b""
        for message in Deframer().feed(bytes(octet for octet in data if octet < 0x80), 0):
            self.heard.append((now_s, message.command, message.code))
            self.identified |= (message.command, message.code) == (False, codes.DEVICE_ID)
            said += self.reply(message) if message.command else b""
        self.said_s = now_s if said else self.said_s
        return said

    def reply(self, message):
        wish = command(codes.DEVICE_ID) if message.code == codes.ICC else b""
        known = message.code in self.known
        return answer(message.code, self.known[message.code]) + wish if known else answer(codes.NAK)

    def due(self, now_s):
        realtime = b"\xd1\x81\x81" if self.streaming else b""
        if not self.on or now_s - self.said_s < 2.0:
            return realtime if self.on else b""
        self.said_s = now_s
        return realtime + command(codes.NOP)


def talk(session, device, seconds, start_s=0.0):
    """Let both sides speak; give the client's events."""
    events = []
    for now_s in np.arange(start_s, start_s + seconds, STEP_S).tolist():
        said = device.receive(session.due(now_s), now_s) + device.due(now_s)
        seen, reply = session.receive(said, now_s)
        events += seen
        late, more = session.receive(device.receive(reply, now_s), now_s)
        events += late
        device.receive(more, now_s)
    return events


def asked(device, code):
    return [now_s for now_s, is_command, heard in device.heard if is_command and heard == code]


def sent(data):
    found = Deframer().feed(bytes(octet for octet in data if octet < 0x80), 0)
    return [(message.command, message.code) for message in found]


def opened(now_s=0.0):
    session = MedibusSession()
    session.due(now_s)
    session.receive(answer(codes.ICC), now_s)
    return session


def test_a_ventilator_is_read_from_nothing():
    session, device = MedibusSession(), FakeVentilator()
    events = talk(session, device, 60.0)
    rates = [event for event in events if isinstance(event, Sample) and event.channel == "RR"]

    assert session.status == "receiving"
    assert session.counts.corrupt == 0
    assert np.diff(asked(device, codes.DATA_PAGE_1)) == pytest.approx(POLL_S, abs=STEP_S)
    assert {event.value for event in rates} == {12.0}
    assert len(rates) >= 11


def test_the_capnogram_is_asked_for_as_the_one_stream_and_enabled():
    session, device = MedibusSession(), FakeVentilator()
    events = talk(session, device, 60.0)
    waves = [event for event in events if isinstance(event, WaveChunk)]

    assert device.streaming
    assert {(event.channel, event.rate_hz) for event in waves} == {("CO2_WAVE", 31.25)}


def test_a_device_without_a_capnogram_is_asked_for_no_stream():
    device = FakeVentilator({codes.REALTIME_CONFIGURATION: OFFERED[:23]})
    talk(MedibusSession(), device, 20.0)

    assert (asked(device, codes.CONFIGURE_REALTIME), device.streaming) == ([], False)


def test_its_wish_for_our_identity_is_answered_before_anything_is_configured():
    device = FakeVentilator()
    talk(MedibusSession(), device, 20.0)
    codes_heard = [(is_command, code) for _, is_command, code in device.heard]

    assert device.identified
    assert codes_heard.index((False, codes.DEVICE_ID)) < codes_heard.index((True, codes.CONFIGURE_REALTIME))


def test_one_request_at_a_time():
    session = opened()

    assert sent(session.due(0.1)) == [(True, codes.DEVICE_ID)]
    assert session.due(0.2) == b""

    session.receive(answer(codes.DEVICE_ID), 0.3)

    assert session.status == "associated"
    assert sent(session.due(0.4)) == [(True, codes.REALTIME_CONFIGURATION)]


def test_what_the_device_does_not_know_is_passed_over():
    session = opened()
    session.due(0.1)
    session.receive(answer(codes.NAK), 0.2)

    assert sent(session.due(0.3)) == [(True, codes.REALTIME_CONFIGURATION)]


def test_what_it_never_answers_is_passed_over_after_the_time_it_may_take():
    session = opened()
    session.due(0.1)
    later = []
    for now_s in np.arange(0.25, ANSWER_S + 1, STEP_S).tolist():
        session.receive(command(codes.NOP), now_s)
        later += [(now_s, code) for _, code in sent(session.due(now_s)) if code != codes.NOP]

    assert later == [(pytest.approx(0.1 + ANSWER_S, abs=STEP_S), codes.REALTIME_CONFIGURATION)]


@pytest.mark.req("ACQ-03")
def test_something_is_said_at_least_every_two_seconds():
    session, device = MedibusSession(), FakeVentilator()
    talk(session, device, 60.0)
    commands = [now_s for now_s, is_command, _ in device.heard if is_command]

    assert max(np.diff(commands)) <= 2.0 + STEP_S
    assert min(np.diff(asked(device, codes.NOP))) >= 2.0
    assert len(asked(device, codes.NOP)) > 5


@pytest.mark.req("ACQ-02")
def test_a_silent_line_is_called_every_three_seconds_for_ever():
    session = MedibusSession()
    calls = [now_s for now_s in np.arange(0.0, 60.0, STEP_S).tolist() if session.due(now_s)]

    assert np.diff(calls).tolist() == [SILENCE_S] * 19
    assert session.status == "connecting"


def test_a_device_that_falls_silent_is_called_anew_after_three_seconds():
    session = opened()
    session.receive(command(codes.NOP), 1.0)
    said = [sent(session.due(now_s)) for now_s in (1.0 + SILENCE_S - 0.1, 1.0 + SILENCE_S)]

    assert said[1] == [(True, codes.ICC)]
    assert (True, codes.ICC) not in said[0]
    assert session.status == "silent"


def test_a_device_that_was_switched_off_and_on_is_read_again():
    session, device = MedibusSession(), FakeVentilator()
    talk(session, device, 10.0)
    device.on = False
    talk(session, device, 10.0, 10.0)
    silent = session.status
    device.on = True
    events = talk(session, device, 10.0, 20.0)

    assert (silent, session.status) == ("silent", "receiving")
    assert len(events) > 0


def test_noise_is_no_life_sign():
    session = opened()
    for now_s in np.arange(0.25, 5.0, STEP_S).tolist():
        session.receive(b"noise\xff", now_s)
        session.due(now_s)

    assert session.status == "silent"


@pytest.mark.parametrize("code", [codes.NOP, codes.DEVICE_ID, codes.REALTIME_CONFIGURATION, 0x49])
def test_whatever_the_device_asks_is_answered_in_the_same_breath(code):
    assert opened().receive(command(code), 1.0)[1] == answer(code)


def test_a_device_that_calls_by_itself_is_set_up_again():
    session, device = MedibusSession(), FakeVentilator()
    talk(session, device, 10.0)
    _, reply = session.receive(command(codes.ICC), 10.0)

    assert reply == answer(codes.ICC)
    assert session.status == "associated"
    assert sent(session.due(10.1)) == [(True, codes.DEVICE_ID)]


def test_a_device_whose_traces_changed_is_asked_for_them_again():
    session, device = MedibusSession(), FakeVentilator()
    talk(session, device, 10.0)
    session.receive(command(codes.REALTIME_CHANGED), 10.0)

    assert sent(session.due(10.1)) == [(True, codes.REALTIME_CONFIGURATION)]


def test_a_device_that_stops_the_line_is_called_anew():
    session = opened()
    _, reply = session.receive(command(codes.STOP), 1.0)

    assert (reply, session.status) == (answer(codes.STOP), "silent")


def test_release_stops_the_line_and_nothing_follows():
    session = opened()

    assert sent(session.release()) == [(True, codes.STOP)]
    assert session.receive(command(codes.NOP), 1.0)[1] == b""
    assert (session.due(1e6), session.status) == (b"", "released")


def test_release_of_a_line_that_never_opened_says_nothing():
    assert MedibusSession().release() == b""


any_word = st.builds(
    lambda make, code, data: make(code, data),
    st.sampled_from([answer, command]),
    st.sampled_from(
        [codes.ICC, codes.NOP, codes.NAK, codes.STOP, codes.DATA_PAGE_1, *codes.PAGES, 0x53, 0x54]
    ),
    st.sampled_from([b"", OFFERED, OFFERED[:30], b"E6 38 ", b"junk"]),
)


@pytest.mark.req("ACQ-05")
@settings(max_examples=80, deadline=None)
@given(st.lists(any_word | st.binary(max_size=20), max_size=20))
def test_whatever_a_device_says_the_session_comes_back(words):
    session = MedibusSession()
    for now_s, word in enumerate(words):
        session.due(now_s)
        session.receive(word, now_s)
    talk(session, FakeVentilator(), 30.0, len(words) + 3.0)

    assert session.status == "receiving"
