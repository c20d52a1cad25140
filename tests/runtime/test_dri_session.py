"""The client's side of a DRI line: with the virtual monitor in memory and over a pty, and against silence."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barocast.plugin.clock import PlayClock
from barocast.plugin.transports.addresses import open_transport
from barocast.plugin.virtual.dri import VirtualDri
from barocast.plugin.virtual.lines import over_pty
from barocast.runtime.decoders.dri_frame import Deframer, frame
from barocast.runtime.decoders.dri_record import (
    DISPLAYED,
    PHYSIOLOGY,
    REQUEST_LEVELS,
    Record,
    SubRecord,
    build,
    parse,
)
from barocast.runtime.decoders.dri_request import EXT1, EXT2, PhysiologyRequest, WaveRequest, request_of
from barocast.runtime.domain import Reason, Sample, WaveChunk
from barocast.runtime.sessions.dri import INTERVAL_S, SILENCE_S, DriSession

VALUES = PhysiologyRequest(DISPLAYED, INTERVAL_S, EXT1 | EXT2)
STOPPED = [WaveRequest(()), PhysiologyRequest(DISPLAYED, 0, EXT1 | EXT2)]
STEP_S = 0.1


class SteadyPatient:
    def __init__(self, **values):
        self.values = {
            "ABP_SYS": 120.0,
            "ABP_DIA": 70.0,
            "ABP_MEAN": 90.0,
            "CVP_MEAN": 8.0,
            "HR": 60.0,
        } | values

    def numerics(self, t_s):
        return self.values

    def wave(self, channel, t_s, n, rate_hz):
        return 90.0 + 30.0 * np.sin(2 * np.pi * (t_s + np.arange(n) / rate_hz))


def asked(data):
    """What the client said, as requests."""
    return [request_of(parse(found.payload, REQUEST_LEVELS)) for found in Deframer().feed(data)]


def talk(session, monitor, seconds, start_s=1000.0, chunk=None):
    """Let both sides speak for `seconds` of a virtual clock; give the client's events and its requests."""
    events, requests = [], []
    for now_s in np.arange(start_s, start_s + seconds, STEP_S):
        out = session.due(now_s)
        requests += [(round(float(now_s - start_s), 1), each) for each in asked(out)]
        said = monitor.receive(out, now_s) + monitor.due(now_s)
        for part in [said[i : i + chunk] for i in range(0, len(said), chunk)] if chunk else [said]:
            events += session.receive(part, now_s)[0]
    return events, requests


def samples(events, channel):
    return [event for event in events if isinstance(event, Sample) and event.channel == channel]


def chunks(events):
    return [event for event in events if isinstance(event, WaveChunk)]


def test_values_are_asked_for_at_once_and_the_wave_as_soon_as_a_label_names_it():
    _, requests = talk(DriSession(), VirtualDri(SteadyPatient()), 60)

    assert requests == [(0.0, VALUES), (1.1, WaveRequest((4,)))]


@pytest.mark.parametrize("chunk", [None, 1, 97])
def test_numbers_and_wave_arrive(chunk):
    session = DriSession()
    events, _ = talk(session, VirtualDri(SteadyPatient()), 35, chunk=chunk)
    means, waves = samples(events, "ABP_MEAN"), chunks(events)

    assert [sample.value for sample in means] == [90.0] * 7
    assert np.diff([sample.t_s for sample in means]) == pytest.approx(5.0)
    assert {(wave.channel, wave.code, wave.valid) for wave in waves} == {("ABP_WAVE", "WAVE.INVP1/ART", True)}
    assert sum(len(wave.values) for wave in waves) >= 3200
    assert (session.status, session.counts.corrupt) == ("subscribed", 0)


def test_line_in_another_socket_under_another_label_is_the_one_asked_for():
    monitor = VirtualDri(SteadyPatient(), sockets={"P1": "CVP", "P7": "FEM"})
    events, requests = talk(DriSession(), monitor, 20)

    assert requests[1][1] == WaveRequest((36,))
    assert {wave.code for wave in chunks(events)} == {"WAVE.INVP7/FEM"}
    assert {sample.code for sample in samples(events, "ABP_MEAN")} == {"PHDB.P7.mean/FEM"}


def test_no_wave_is_asked_for_without_an_arterial_line():
    _, requests = talk(DriSession(), VirtualDri(SteadyPatient(), sockets={"P1": "CVP", "P4": "ICP"}), 30)

    assert [request for _, request in requests] == [VALUES]


def test_wave_of_a_line_that_gives_way_to_a_better_one_is_stopped_first():
    session = DriSession()
    talk(session, VirtualDri(SteadyPatient(), sockets={"P1": "ART"}), 10)
    _, requests = talk(session, VirtualDri(SteadyPatient(), sockets={"P2": "ABP"}), 20, start_s=1010.0)

    assert [request for _, request in requests][-2:] == [WaveRequest(()), WaveRequest((5,))]


def test_requests_are_repeated_while_nothing_comes():
    session = DriSession()
    times = [now_s for now_s in range(60) if asked(session.due(float(now_s)))]

    assert times == [0, 10, 20, 30, 40, 50]
    assert session.status == "silent"


def test_monitor_that_restarts_is_subscribed_to_again():
    session = DriSession()
    talk(session, VirtualDri(SteadyPatient()), 20)
    events, requests = talk(session, VirtualDri(SteadyPatient(), started_s=1_772_440_000), 40, start_s=1020.0)

    assert [request for _, request in requests] == [VALUES, WaveRequest((4,))]
    assert requests[0][0] <= SILENCE_S
    assert samples(events, "ABP_MEAN")
    assert chunks(events)
    assert session.status == "subscribed"


def test_wave_that_stops_alone_is_asked_for_again():
    """As it does when CTS was blocked for 2 s."""
    session, monitor = DriSession(), VirtualDri(SteadyPatient())
    talk(session, monitor, 20)
    monitor._waves = ()
    events, requests = talk(session, monitor, 20, start_s=1020.0)

    assert [request for _, request in requests] == [WaveRequest((4,))]
    assert chunks(events)


def test_release_stops_all_and_nothing_is_due_after_it():
    session, monitor = DriSession(), VirtualDri(SteadyPatient())
    talk(session, monitor, 10)
    farewell = session.release()
    monitor.receive(farewell, 1010.0)

    assert asked(farewell) == STOPPED
    assert monitor.due(1100.0) == session.due(1100.0) == session.release() == b""
    session.receive(frame(build(Record(PHYSIOLOGY, (SubRecord(DISPLAYED, bytes(278)),), level=10))), 1101.0)
    assert session.status == "released"


def test_release_before_anything_was_asked_says_nothing():
    assert DriSession().release() == b""


def test_longer_interval_is_waited_for():
    _, requests = talk(DriSession(interval_s=30), VirtualDri(SteadyPatient()), 120)

    assert [request for _, request in requests] == [
        PhysiologyRequest(DISPLAYED, 30, EXT1 | EXT2),
        WaveRequest((4,)),
    ]


def test_line_that_shows_nothing_is_told_with_its_reason():
    patient = SteadyPatient(ABP_SYS=math.nan, ABP_DIA=math.nan, ABP_MEAN=math.nan)
    events, _ = talk(DriSession(), VirtualDri(patient), 10)

    assert {sample.reason for sample in samples(events, "ABP_MEAN")} == {Reason.UNAVAILABLE}


@given(st.lists(st.binary(max_size=200) | st.just(b"\x7e"), max_size=20))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_borne_and_the_line_recovers(noise):
    session = DriSession()
    for i, data in enumerate(noise):
        session.receive(data, float(i))
        session.due(float(i))
    events, _ = talk(session, VirtualDri(SteadyPatient()), 25)

    assert samples(events, "ABP_MEAN")


def test_everything_comes_through_a_real_serial_line():
    """A pty knows no parity: opened with none (a second opening with even parity fails on it)."""
    clock, session, events = PlayClock(20.0), DriSession(), []
    with over_pty(VirtualDri(SteadyPatient()), clock) as address:
        port = open_transport(address)
        while clock() < 40.0:
            got, reply = session.receive(port.read(0.01), clock())
            events += got
            port.write(reply + session.due(clock()))
        port.write(session.release())
        port.close()

    assert len(samples(events, "ABP_MEAN")) >= 6
    assert sum(len(wave.values) for wave in chunks(events)) >= 3000
    assert {wave.channel for wave in chunks(events)} == {"ABP_WAVE"}
    assert session.counts.corrupt == 0
