"""The client's side of an association: against the virtual monitor in memory, and against its faults."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barocast.plugin.virtual.intellivue import VirtualIntelliVue
from barocast.plugin.virtual.intellivue_objects import MonitorObjects
from barocast.runtime.decoders import intellivue_codes as codes
from barocast.runtime.decoders.intellivue_association import Act, Association, Terms
from barocast.runtime.decoders.intellivue_builder import build
from barocast.runtime.decoders.intellivue_framing import FRAMES_PER_TURN
from barocast.runtime.decoders.intellivue_numbers import number_bytes
from barocast.runtime.decoders.intellivue_parser import parse
from barocast.runtime.decoders.intellivue_pdu import (
    EventReply,
    EventReport,
    Observation,
    PollRequest,
    PollResult,
    SetRequest,
    SetResult,
)
from barocast.runtime.decoders.intellivue_values import float_word, labels
from barocast.runtime.decoders.mib import Deframer, frame
from barocast.runtime.domain import Reason, Sample, WaveChunk
from barocast.runtime.sessions.intellivue import BACK_OFF_S, IntelliVueSession

CREATED = EventReport(7, True, 99, codes.MDS_CREATE, {codes.OPERATING_MODE: b"\x40\x00"})  # noqa: FBT003 - a field's value
STEP_S = 0.05


class SteadyPatient:
    def numerics(self, t_s):
        return {"ABP_SYS": 120.0, "ABP_DIA": 70.0, "ABP_MEAN": 90.0, "HR": 60.0}

    def wave(self, channel, t_s, n, rate_hz):
        return 90.0 + 30.0 * np.sin(2 * np.pi * (t_s + np.arange(n) / rate_hz))


def talk(session, monitor, seconds, start_s=1000.0, chunk=None):
    """Let both sides speak for `seconds` of a virtual clock; give the client's events."""
    events = []
    for now_s in np.arange(start_s, start_s + seconds, STEP_S):
        said = monitor.receive(session.due(now_s), now_s) + monitor.due(now_s)
        for part in [said[i : i + chunk] for i in range(0, len(said), chunk)] if chunk else [said]:
            seen, reply = session.receive(part, now_s)
            events += seen
            monitor.receive(reply, now_s)
    return events


def sent(data):
    """What the client said, as messages."""
    return [parse(found.payload) for found in Deframer().feed(data)]


def said(*pdus):
    return b"".join(frame(build(pdu)) for pdu in pdus)


def joined(session, now_s=0.0):
    """Bring a session up to its MDS create event; give what it answers."""
    session.due(now_s)
    return session.receive(said(Association(Act.RESPONSE, Terms()), CREATED), now_s)[1]


def requests(session, until_s, start_s=0.0, answer=b""):
    """Times at which a session asks for an association, each answered with `answer`."""
    times = []
    for now_s in np.arange(start_s, until_s, STEP_S):
        if any(isinstance(pdu, Association) and pdu.act is Act.REQUEST for pdu in sent(session.due(now_s))):
            times.append(round(float(now_s), 2))
            session.receive(answer, now_s)
    return times


def values(events, channel):
    return [event for event in events if isinstance(event, Sample | WaveChunk) and event.channel == channel]


def test_monitor_is_read_from_nothing():
    """Association, lists, polls and data within seconds, and on through renewals and keep-alives."""
    session = IntelliVueSession()
    events = talk(session, VirtualIntelliVue(SteadyPatient()), 200)
    means, waves = values(events, "ABP_MEAN"), values(events, "ABP_WAVE")

    assert session.status == "associated"
    assert session.counts.corrupt == 0
    assert {sample.value for sample in means} == {90.0}
    assert np.diff([sample.t_s for sample in means]) == pytest.approx(1.024)
    assert np.diff([chunk.t_s for chunk in waves]) == pytest.approx(0.256)
    assert len(means) > 190


@pytest.mark.parametrize("chunk", [1, 7, 64])
def test_delivery_in_chunks_changes_nothing(chunk):
    whole = talk(IntelliVueSession(), VirtualIntelliVue(SteadyPatient()), 10)

    assert repr(talk(IntelliVueSession(), VirtualIntelliVue(SteadyPatient()), 10, chunk=chunk)) == repr(whole)


def test_demo_monitor_is_invalid_unless_allowed():
    closed = talk(IntelliVueSession(), VirtualIntelliVue(SteadyPatient(), demo=True), 10)
    opened = talk(IntelliVueSession(allow_demo=True), VirtualIntelliVue(SteadyPatient(), demo=True), 10)

    assert {event.reason for event in closed} == {Reason.DEMO}
    assert {event.valid for event in opened} == {True}


def test_create_event_is_answered_at_once_and_anchors_time():
    session = IntelliVueSession()
    session.due(0.0)
    event = EventReport(
        7,
        True,  # noqa: FBT003 - a field's value
        99,
        codes.MDS_CREATE,
        {codes.RELATIVE_TIME: bytes.fromhex("001dc200"), codes.DATE_TIME: bytes.fromhex("2021042211472600")},
    )
    _, reply = session.receive(said(Association(Act.RESPONSE, Terms()), event), 0.0)

    assert sent(reply) == [EventReply(7, 99, codes.MDS_CREATE)]
    assert session.anchor is not None
    assert (session.anchor.t_s, session.anchor.wall) == (
        243.776,
        datetime.fromisoformat("2021-04-22T11:47:26"),
    )


def test_repeated_create_event_is_answered_again():
    session = IntelliVueSession()
    joined(session)

    assert sent(session.receive(said(CREATED), 0.1)[1]) == [EventReply(7, 99, codes.MDS_CREATE)]


def test_arterial_line_is_asked_for_under_both_names_before_polling():
    session = IntelliVueSession()
    joined(session)
    asked = [pdu for turn in range(4) for pdu in sent(session.due(1.0 + turn))]
    lists = {key: labels(value) for pdu in asked[:2] for key, value in pdu.attributes.items()}

    assert lists[codes.WAVE_LIST][:2] == (0x4A14, 0x4A10)
    assert {0x4A14, 0x4A10} < set(lists[codes.NUMERIC_LIST])
    assert [pdu.object_class for pdu in asked[2:]] == [codes.NUMERIC, codes.WAVE, codes.ALERT_MONITOR]


def test_no_more_frames_at_a_time_than_a_monitor_takes():
    session = IntelliVueSession()
    joined(session)
    counts = [len(sent(session.due(now_s))) for now_s in (1.0, 1.1, 1.2)]

    assert counts == [FRAMES_PER_TURN, 0, 2]


def fed(session, now_s):
    """A second of data: the first result of each poll."""
    results = (
        PollResult(1, 1, 0, 0, kind, 0, ()) for kind in (codes.NUMERIC, codes.WAVE, codes.ALERT_MONITOR)
    )
    session.receive(said(*results), now_s)


@pytest.mark.req("ACQ-03")
def test_polls_are_renewed_before_they_end():
    session = IntelliVueSession()
    joined(session)
    asked = {}
    for now_s in range(1, 181):
        for pdu in sent(session.due(now_s)):
            if isinstance(pdu, PollRequest) and pdu.extended:
                asked.setdefault(pdu.object_class, []).append(now_s)
        if now_s < 3 or any(times[-1] == now_s for times in asked.values()):
            fed(session, now_s)
        session.receive(said(PollResult(1, 1, 5, 0, codes.NUMERIC, 0, ())), now_s)

    assert set(asked) == {codes.NUMERIC, codes.WAVE, codes.ALERT_MONITOR}
    assert all(max(np.diff(times)) < 60 for times in asked.values())
    assert all(min(np.diff(times)) > 40 for times in asked.values())


def test_lost_poll_is_asked_for_again():
    session = IntelliVueSession()
    joined(session)
    asked = []
    for now_s in range(1, 8):
        asked += [
            (now_s, pdu.object_class) for pdu in sent(session.due(now_s)) if isinstance(pdu, PollRequest)
        ]
        session.receive(said(PollResult(1, 1, now_s - 1, 0, codes.NUMERIC, 0, ())), now_s)

    assert [kind for _, kind in asked].count(codes.NUMERIC) == 1
    assert [kind for _, kind in asked].count(codes.WAVE) == 2


@pytest.mark.req("ACQ-03")
@pytest.mark.parametrize(("ticks", "timeout_s"), [(4000, 10.0), (80_000, 30.0)])
def test_something_is_said_well_before_the_monitors_timeout(ticks, timeout_s):
    session = IntelliVueSession()
    session.due(0.0)
    session.receive(said(Association(Act.RESPONSE, Terms(ticks)), CREATED), 0.0)
    times = []
    for now_s in np.arange(0.0, 120.0, STEP_S):
        if session.due(now_s):
            times.append(now_s)
        fed(session, now_s)

    assert max(np.diff(times)) <= 0.8 * timeout_s
    assert session.status == "associated"


@pytest.mark.req("ACQ-02")
def test_silent_line_is_tried_for_ever_with_growing_pauses():
    """Each try waits 3 s for an answer, then 1, 2, and from then on 5 s."""
    session = IntelliVueSession()
    times = requests(session, 200.0)

    assert np.diff(times)[:4] == pytest.approx([3 + wait for wait in (*BACK_OFF_S, BACK_OFF_S[-1])], abs=0.15)
    assert max(np.diff(times)) < 8.2
    assert session.status in ("silent", "connecting")


@pytest.mark.parametrize(
    ("act", "status"), [(Act.REFUSE, "refused"), (Act.ABORT, "aborted"), (Act.RELEASE, "released")]
)
def test_refused_association_is_tried_again_after_an_abort(act, status):
    session = IntelliVueSession()
    session.due(0.0)
    session.receive(said(Association(act)), 0.0)

    assert session.status == status
    assert session.due(0.9) == b""
    assert sent(session.due(1.0)) == [Association(Act.ABORT), Association(Act.REQUEST, Terms())]


@pytest.mark.req("ACQ-02")
def test_refusals_back_off_and_data_resets_the_pauses():
    session = IntelliVueSession()
    refused = requests(session, 12.0, answer=said(Association(Act.REFUSE)))
    again = refused[-1] + 10.0
    requests(session, again + STEP_S, 12.0, answer=said(Association(Act.RESPONSE, Terms()), CREATED))
    fed(session, again + 1)
    session.receive(said(Association(Act.ABORT)), again + 2)

    assert np.diff(refused) == pytest.approx([1, 2, 5], abs=0.1)
    assert requests(session, again + 3.1, again + 2) == [pytest.approx(again + 3, abs=0.1)]


def test_a_monitor_that_calls_for_a_client_has_forgotten_us():
    """Started anew, it says nothing but its call: which must not count as data, or we would wait for ever."""
    session = IntelliVueSession()
    joined(session)
    call = EventReport(0, False, 0, codes.CONNECT_INDICATION, {})  # noqa: FBT003 - a field's value
    for now_s in range(1, 10):
        session.due(now_s)
        session.receive(said(call), now_s)

    assert session.status == "associated"

    session.due(10.0)

    assert session.status == "silent"


def test_demo_mode_is_noticed_when_it_comes_and_when_it_goes(monkeypatch):
    """The mode is asked for every few seconds: values that do not say so themselves are doubted as well."""
    monkeypatch.setattr(MonitorObjects, "_state", 0)  # no value carries a mark of its own
    monitor, session = VirtualIntelliVue(SteadyPatient()), IntelliVueSession()
    reasons = []
    for start_s, demo in ((0.0, False), (20.0, True), (40.0, False)):
        monitor.demonstrate(on=demo)
        heard = values(talk(session, monitor, 20, start_s), "ABP_MEAN")
        reasons.append({sample.reason for sample in heard[-8:]})

    assert reasons == [{None}, {Reason.DEMO}, {None}]


def test_association_without_a_create_event_is_given_up():
    session = IntelliVueSession()
    session.due(0.0)
    session.receive(said(Association(Act.RESPONSE, Terms())), 0.0)
    session.due(11.9)

    assert session.status == "joined"

    session.due(12.0)

    assert session.status == "silent"


def test_monitor_that_falls_silent_is_asked_anew():
    session = IntelliVueSession()
    monitor = VirtualIntelliVue(SteadyPatient())
    talk(session, monitor, 10)
    session.due(1021.0)

    assert session.status == "silent"

    events = talk(session, monitor, 30, 1022.0)

    assert session.status == "associated"
    assert len(values(events, "ABP_MEAN")) > 20


def test_monitor_that_aborts_is_asked_anew():
    session = IntelliVueSession()
    monitor = VirtualIntelliVue(SteadyPatient())
    talk(session, monitor, 10)
    monitor.receive(said(Association(Act.ABORT)), 1010.0)
    session.receive(said(Association(Act.ABORT)), 1010.0)

    assert session.status == "aborted"

    talk(session, monitor, 10, 1010.0)

    assert session.status == "associated"


def test_monitor_that_still_holds_our_former_association_is_won_back():
    """After a crash of this box the first request is refused; the abort before the second frees it."""
    monitor = VirtualIntelliVue(SteadyPatient())
    talk(IntelliVueSession(), monitor, 5)
    session = IntelliVueSession()
    talk(session, monitor, 5, 1005.0)

    assert session.status == "associated"


def test_stream_of_a_former_association_is_not_taken_for_an_answer():
    session = IntelliVueSession()
    session.due(0.0)
    _, reply = session.receive(said(CREATED, PollResult(1, 1, 9, 0, codes.NUMERIC, 0, ())), 0.1)

    assert reply == b""
    assert session.status == "connecting"


def test_what_waited_to_be_sent_is_dropped_with_its_association():
    session = IntelliVueSession()
    joined(session)
    session.receive(said(Association(Act.ABORT)), 0.1)

    assert session.due(0.9) == b""


def test_noise_on_the_line_loses_no_association():
    session = IntelliVueSession()
    monitor = VirtualIntelliVue(SteadyPatient())
    talk(session, monitor, 5)
    session.receive(b"\xc0\x11\x01noise" * 50, 1005.0)
    talk(session, monitor, 5, 1005.0)

    assert session.status == "associated"
    assert session.counts.corrupt > 0


any_attributes = st.dictionaries(
    st.sampled_from([codes.WAVE_LIST, codes.DATE_TIME, codes.RELATIVE_TIME, codes.OPERATING_MODE]),
    st.binary(max_size=12),
)
any_message = st.one_of(
    st.sampled_from([Association(act) for act in Act]),
    st.builds(EventReport, st.just(1), st.booleans(), st.just(0), st.just(codes.MDS_CREATE), any_attributes),
    st.builds(SetResult, st.just(1), any_attributes),
    st.builds(
        PollResult, st.just(1), st.just(1), st.just(0), st.just(0), st.just(6), st.just(0), st.just(())
    ),
)


@pytest.mark.req("ACQ-05")
@given(st.lists(any_message.map(said) | st.binary(max_size=30) | st.none(), max_size=20))
@settings(max_examples=30, deadline=None)
def test_whatever_a_monitor_says_the_session_goes_on(words):
    session = IntelliVueSession()
    for now_s, word in enumerate(words):
        session.due(now_s)
        session.receive(word or b"", now_s)
    session.receive(said(Association(Act.ABORT)), len(words))
    talk(session, VirtualIntelliVue(SteadyPatient()), 40, len(words) + 1)

    assert session.status == "associated"


def test_release_says_farewell_and_nothing_after_it():
    session = IntelliVueSession()
    joined(session)

    assert sent(session.release()) == [Association(Act.RELEASE)]
    assert session.due(1e6) == b""
    assert session.status == "released"


def test_release_while_an_association_is_asked_for_aborts_it():
    session = IntelliVueSession()
    session.due(0.0)

    assert sent(session.release()) == [Association(Act.ABORT)]
    assert session.due(99.0) == b""


def test_what_comes_before_an_association_of_our_own_is_unavailable():
    """A service that restarts is still sent the poll of its former self, and does not know the mode."""
    reading = Observation(1, 1, {codes.NUMERIC_VALUE: number_bytes(0x4A17, 0, codes.MMHG, float_word(80.0))})
    polled = said(PollResult(1, 1, 5, 8000, codes.NUMERIC, 0, (reading,)))
    session = IntelliVueSession()
    before, _ = session.receive(polled, 0.0)
    session.due(0.0)
    asked, _ = session.receive(polled, 0.0)
    joined(session)
    after, _ = session.receive(polled, 0.0)

    assert [event.reason for event in (*before, *asked, *after)] == [Reason.UNAVAILABLE] * 2 + [None]


def test_release_before_an_association_says_nothing():
    assert IntelliVueSession().release() == b""


def test_accepted_waves_are_known():
    session = IntelliVueSession()
    talk(session, VirtualIntelliVue(SteadyPatient()), 3)

    assert session.waves[:2] == (0x4A14, 0x4A10)


def test_first_word_is_an_association_request():
    assert sent(IntelliVueSession().due(5.0)) == [Association(Act.REQUEST, Terms())]
    assert not isinstance(sent(IntelliVueSession().due(5.0))[0], SetRequest)
