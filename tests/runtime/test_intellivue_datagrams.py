"""The association over datagrams: one message each way at a time, and a monitor that calls for clients."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barocast.plugin.virtual.intellivue import VirtualIntelliVue
from barocast.plugin.virtual.intellivue_lan import VirtualIntelliVueLan
from barocast.runtime.decoders import intellivue_codes as codes
from barocast.runtime.decoders.intellivue_association import Act, Association, Terms
from barocast.runtime.decoders.intellivue_builder import build
from barocast.runtime.decoders.intellivue_framing import DATAGRAMS, TURN_S, Datagrams
from barocast.runtime.decoders.intellivue_parser import parse
from barocast.runtime.decoders.intellivue_pdu import EventReply, EventReport
from barocast.runtime.decoders.mib import MAX_PAYLOAD, Frame
from barocast.runtime.domain import Corrupt, Sample, WaveChunk
from barocast.runtime.sessions.intellivue import ANSWER_S, BACK_OFF_S, IntelliVueSession

CREATED = EventReport(7, True, 99, codes.MDS_CREATE, {codes.OPERATING_MODE: b"\x40\x00"})  # noqa: FBT003 - a field's value
CALL = build(EventReport(0, False, 0, codes.CONNECT_INDICATION, {}))  # noqa: FBT003 - a field's value
STEP_S = 0.05
US, OTHERS = ("10.0.0.2", 40001), ("10.0.0.3", 40001)


class SteadyPatient:
    def numerics(self, t_s):
        return {"ABP_SYS": 120.0, "ABP_DIA": 70.0, "ABP_MEAN": 90.0, "HR": 60.0}

    def wave(self, channel, t_s, n, rate_hz):
        return 90.0 + 30.0 * np.sin(2 * np.pi * (t_s + np.arange(n) / rate_hz))


def lan():
    return VirtualIntelliVueLan(VirtualIntelliVue(SteadyPatient()))


def stepped(session, datagram, now_s):
    """What the bedside does: one datagram in, one out."""
    events, reply = session.receive(datagram, now_s)
    return events, reply + session.due(now_s)


def talk(session, monitor, seconds, start_s=1000.0, lose=lambda: False):
    """Let both sides speak; give the client's events and everything that it sent."""
    events, sent, waiting = [], [], []
    for now_s in np.arange(start_s, start_s + seconds, STEP_S):
        waiting += monitor.due(now_s)
        for datagram in [*waiting, b""]:
            seen, out = stepped(session, datagram, now_s)
            events += seen
            sent += [out] if out else []
            answers = monitor.receive(out, US, now_s) if out and not lose() else []
            waiting = [*waiting[1:], *answers]
    return events, sent


def values(events, channel):
    return [event for event in events if isinstance(event, Sample | WaveChunk) and event.channel == channel]


def test_a_monitor_is_read_from_nothing():
    """Association, lists, polls and data within seconds, and on through renewals and keep-alives."""
    session = IntelliVueSession(DATAGRAMS)
    events, sent = talk(session, lan(), 130)

    assert session.status == "associated"
    assert session.counts.corrupt == 0
    assert np.diff([sample.t_s for sample in values(events, "ABP_MEAN")]) == pytest.approx(1.024)
    assert np.diff([chunk.t_s for chunk in values(events, "ABP_WAVE")]) == pytest.approx(0.256)
    assert len(values(events, "ABP_MEAN")) > 120
    assert len(sent) > 10


def test_every_datagram_sent_is_exactly_one_message():
    _, sent = talk(IntelliVueSession(DATAGRAMS), lan(), 130)

    assert all(build(parse(datagram)) == datagram for datagram in sent)
    assert max(map(len, sent)) <= DATAGRAMS.mtu


def test_a_reply_that_cannot_wait_is_the_next_datagram():
    session = IntelliVueSession(DATAGRAMS)
    session.due(0.0)
    session.receive(build(Association(Act.RESPONSE, Terms())), 0.1)

    assert session.receive(build(CREATED), 0.2) == ([], b"")
    assert parse(session.due(0.2)) == EventReply(7, 99, codes.MDS_CREATE)


def test_no_more_datagrams_at_a_time_than_a_monitor_takes():
    session = IntelliVueSession(DATAGRAMS)
    session.due(0.0)
    session.receive(build(Association(Act.RESPONSE, Terms())), 0.1)
    session.receive(build(CREATED), 0.2)
    times = [now_s for now_s in np.arange(0.2, 1.0, 0.001) if session.due(now_s)]

    assert len(times) == 6
    assert min(times[i + 3] - times[i] for i in range(3)) >= TURN_S - 1e-9


def test_release_is_one_datagram():
    session = IntelliVueSession(DATAGRAMS)
    talk(session, lan(), 3)

    assert parse(session.release()) == Association(Act.RELEASE)


def test_a_monitor_that_calls_is_asked_at_once():
    session = IntelliVueSession(DATAGRAMS)
    for now_s in np.arange(0.0, 40.0, STEP_S):
        session.due(now_s)

    assert session.due(40.0) == b""

    session.receive(CALL, 40.0)

    assert parse(session.due(40.0)) == Association(Act.ABORT)
    assert parse(session.due(40.1)) == Association(Act.REQUEST, Terms(mtu=DATAGRAMS.mtu))


def test_calls_and_refusals_in_turn_make_no_storm_of_requests():
    """The first two pauses are the ordinary back-off; from then on no call makes one shorter than 3 s."""
    session = IntelliVueSession(DATAGRAMS)
    times = []
    for now_s in np.arange(0.0, 60.0, STEP_S):
        out = session.due(now_s)
        if out and parse(out) != Association(Act.ABORT):
            times.append(now_s)
            session.receive(build(Association(Act.REFUSE)), now_s)
        session.receive(CALL, now_s)

    assert len(times) > 10
    assert np.diff(times)[:2] == pytest.approx(BACK_OFF_S[:2], abs=0.1)
    assert min(np.diff(times)[2:]) >= ANSWER_S - 1e-6


def test_a_call_during_an_association_changes_nothing():
    session, monitor = IntelliVueSession(DATAGRAMS), lan()
    talk(session, monitor, 5)
    session.receive(CALL, 1005.0)
    _, sent = talk(session, monitor, 5, 1005.0)

    assert session.status == "associated"
    assert not any(isinstance(parse(datagram), Association) for datagram in sent)


def test_lost_datagrams_end_no_association_for_good():
    session, noise = IntelliVueSession(DATAGRAMS), np.random.default_rng(5)
    monitor = lan()
    talk(session, monitor, 60, lose=lambda: noise.random() < 0.2)
    talk(session, monitor, 30, 1060.0)

    assert session.status == "associated"


def test_a_monitor_has_one_client_at_one_port():
    monitor = lan()
    request = build(Association(Act.REQUEST, Terms()))
    first = [parse(answer) for answer in monitor.receive(request, US, 0.0)]

    assert first[0].act is Act.RESPONSE
    assert [parse(answer) for answer in monitor.receive(request, OTHERS, 0.1)] == [Association(Act.REFUSE)]
    assert monitor.receive(build(Association(Act.ABORT)), OTHERS, 0.2) == []
    assert monitor.client == US


def test_a_monitor_calls_ever_more_rarely_until_it_has_a_client():
    monitor = lan()
    times = [now_s for now_s in range(200) if monitor.call(float(now_s))]
    monitor.receive(build(Association(Act.REQUEST, Terms())), US, 200.0)

    assert times == [0, 4, 12, 28, 60, 124, 188]
    assert not any(monitor.call(float(now_s)) for now_s in range(200, 400))


def test_a_datagram_is_a_payload_and_an_empty_one_is_nothing():
    datagrams = Datagrams()

    assert datagrams.feed(b"ab") == [Frame(0, 2, b"ab")]
    assert datagrams.feed(b"") == []
    assert datagrams.feed(b"x" * (MAX_PAYLOAD + 1)) == [Corrupt(2, MAX_PAYLOAD + 1, "oversize")]
    assert datagrams.feed(b"c") == [Frame(3 + MAX_PAYLOAD, 1, b"c")]
    assert datagrams.close() == []


@given(
    st.lists(st.binary(max_size=80) | st.sampled_from([CALL, build(Association(Act.REFUSE))]), max_size=30)
)
@settings(max_examples=50, deadline=None)
def test_whatever_datagrams_come_the_session_goes_on(said):
    session = IntelliVueSession(DATAGRAMS)
    for now_s, datagram in enumerate(said):
        stepped(session, datagram, float(now_s))
    session.receive(build(Association(Act.ABORT)), len(said))
    talk(session, lan(), 40, len(said) + 1.0)

    assert session.status == "associated"
