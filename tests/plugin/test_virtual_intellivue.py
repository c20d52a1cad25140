"""The virtual IntelliVue: strict where real monitors are, and measuring what its source gives."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import pytest
from toy_patient import EVERYTHING, RampPatient

from barocast.plugin.virtual.intellivue import MAX_MTU, VirtualIntelliVue
from barocast.runtime.decoders import intellivue_codes as codes
from barocast.runtime.decoders.intellivue import IntelliVueDecoder
from barocast.runtime.decoders.intellivue_association import Act, Association, Terms
from barocast.runtime.decoders.intellivue_builder import build
from barocast.runtime.decoders.intellivue_parser import parse
from barocast.runtime.decoders.intellivue_pdu import (
    EventReply,
    EventReport,
    PollRequest,
    PollResult,
    SetRequest,
    SetResult,
)
from barocast.runtime.decoders.intellivue_values import label_list
from barocast.runtime.decoders.mib import Deframer, frame
from barocast.runtime.domain import DeviceAlarm, Reason, Sample, WaveChunk

REQUEST = Association(Act.REQUEST, Terms())


class Patient(RampPatient):
    ranges: ClassVar = {"PLETH_WAVE": (0.0, 1.0)}


def said(*pdus):
    return b"".join(frame(build(pdu)) for pdu in pdus)


def heard(data):
    return [parse(found.payload) for found in Deframer().feed(data)]


def poll(kind, seconds=60, number=1):
    return PollRequest(number, number, kind, duration_ticks=seconds * codes.TICKS_PER_S)


def associated(monitor, now_s=0.0, *pdus):
    """Associate, answer the create event, say `pdus`; give the answers to these."""
    (_, event) = heard(monitor.receive(said(REQUEST), now_s))
    return heard(
        monitor.receive(said(EventReply(event.invoke_id, event.time_ticks, event.event), *pdus), now_s)
    )


def listened(monitor, until_s, start_s=0.0):
    """Everything that the monitor sends by itself, its client alive but quiet."""
    out = b""
    for now_s in np.arange(start_s, until_s, 0.1):
        monitor.receive(said(EventReply(1, 0, codes.MDS_CREATE)), now_s)
        out += monitor.due(now_s)
    return out


def test_request_is_answered_with_terms_a_serial_line_can_keep():
    answer, event = heard(
        VirtualIntelliVue(Patient()).receive(said(Association(Act.REQUEST, Terms(4000, 1456))), 0)
    )

    assert answer == Association(Act.RESPONSE, Terms(4000, MAX_MTU))
    assert isinstance(event, EventReport)
    assert event.event == codes.MDS_CREATE


def test_second_association_is_refused():
    monitor = VirtualIntelliVue(Patient())
    monitor.receive(said(REQUEST), 0.0)

    assert heard(monitor.receive(said(REQUEST), 1.0)) == [Association(Act.REFUSE)]


def test_nothing_is_served_before_the_create_event_is_answered():
    monitor = VirtualIntelliVue(Patient())
    monitor.receive(said(REQUEST), 0.0)

    assert heard(monitor.receive(said(poll(codes.NUMERIC)), 0.1)) == []


def test_unanswered_create_event_is_repeated_then_aborted():
    monitor = VirtualIntelliVue(Patient())
    monitor.receive(said(REQUEST), 0.0)
    times = {}
    for now_s in np.arange(0.1, 20.0, 0.1):
        for pdu in heard(monitor.due(now_s)):
            times.setdefault(type(pdu), []).append(round(float(now_s), 1))

    assert times == {EventReport: [3.0, 6.0], Association: [9.0]}


def test_silent_client_is_aborted_after_its_timeout():
    monitor = VirtualIntelliVue(Patient())
    associated(monitor)

    assert heard(monitor.due(10.0)) == []
    assert heard(monitor.due(10.1)) == [Association(Act.ABORT)]


def test_release_is_answered_and_ends_the_association():
    monitor = VirtualIntelliVue(Patient())
    associated(monitor)

    assert heard(monitor.receive(said(Association(Act.RELEASE)), 1.0)) == [Association(Act.RELEASED)]
    assert heard(monitor.receive(said(REQUEST), 2.0))[0].act is Act.RESPONSE


def test_priority_list_is_echoed_and_followed():
    """Without a list only the pleth is shown, as a ward may have configured it."""
    monitor = VirtualIntelliVue(Patient(), waves=("ABP_WAVE", "PLETH_WAVE"))
    wanted = {codes.WAVE_LIST: label_list((0x4A14,))}
    associated(monitor, 0.0, poll(codes.WAVE))
    before = IntelliVueDecoder().feed(listened(monitor, 2.0))
    echo = heard(monitor.receive(said(SetRequest(5, wanted), poll(codes.WAVE)), 2.0))[0]
    after = IntelliVueDecoder().feed(listened(monitor, 4.0, 2.0))

    assert {chunk.channel for chunk in before} == {"PLETH_WAVE"}
    assert echo == SetResult(5, wanted)
    assert {chunk.channel for chunk in after} == {"ABP_WAVE"}


def test_first_answer_to_a_poll_comes_at_once_with_sequence_zero():
    (answer,) = associated(VirtualIntelliVue(Patient()), 0.0, poll(codes.NUMERIC))

    assert isinstance(answer, PollResult)
    assert (answer.sequence, answer.object_class, answer.observations) == (0, codes.NUMERIC, ())


def test_every_number_of_the_source_arrives():
    monitor = VirtualIntelliVue(Patient())
    associated(monitor, 0.0, poll(codes.NUMERIC))
    events = IntelliVueDecoder().feed(listened(monitor, 1.2))

    assert {sample.channel: sample.value for sample in events} == EVERYTHING
    assert all(sample.valid for sample in events)


def test_wave_arrives_within_its_resolution_and_without_gaps():
    monitor = VirtualIntelliVue(Patient(), waves=("ABP_WAVE", "PLETH_WAVE"), start_ticks=0)
    wanted = SetRequest(2, {codes.WAVE_LIST: label_list((0x4A14, 0x4BB4))})
    associated(monitor, 0.0, wanted, poll(codes.WAVE))
    chunks = IntelliVueDecoder().feed(listened(monitor, 5.2))
    for channel, resolution in (("ABP_WAVE", 1 / 32), ("PLETH_WAVE", 1 / 4095)):
        seen = [chunk for chunk in chunks if chunk.channel == channel]
        values = np.concatenate([chunk.values for chunk in seen])

        assert np.diff([chunk.t_s for chunk in seen]) == pytest.approx(0.256)
        assert values == pytest.approx(Patient().wave(channel, 0.0, len(values), 125.0), abs=resolution)


def test_all_is_delivered_in_bursts():
    monitor = VirtualIntelliVue(Patient())
    wanted = SetRequest(2, {codes.WAVE_LIST: label_list((0x4A14,))})
    associated(monitor, 0.0, wanted, poll(codes.WAVE), poll(codes.NUMERIC))
    bursts = [monitor.due(now_s) for now_s in (0.5, 1.0, 1.03, 1.5, 2.0, 2.05)]

    assert [bool(burst) for burst in bursts] == [False, False, True, False, False, True]
    assert [pdu.object_class for pdu in heard(bursts[2])].count(codes.WAVE) == 4


def test_wave_is_described_in_its_first_array_only():
    monitor = VirtualIntelliVue(Patient())
    associated(monitor, 0.0, SetRequest(2, {codes.WAVE_LIST: label_list((0x4A14,))}), poll(codes.WAVE))
    seen = [each for pdu in heard(listened(monitor, 4.0)) for each in pdu.observations]

    assert [codes.SCALE in each.attributes for each in seen] == [True] + [False] * (len(seen) - 1)


def test_result_beyond_the_mtu_is_linked_and_every_part_whole():
    monitor = VirtualIntelliVue(Patient())
    monitor.receive(said(Association(Act.REQUEST, Terms(mtu=300))), 0.0)
    monitor.receive(said(EventReply(1, 0, codes.MDS_CREATE), poll(codes.NUMERIC)), 0.0)
    stream = listened(monitor, 1.2)
    parts = heard(stream)

    assert [part.link[0] for part in parts] == [1] + [2] * (len(parts) - 2) + [3]
    assert max(len(found.payload) for found in Deframer().feed(stream)) <= 300
    assert {sample.channel for sample in IntelliVueDecoder().feed(stream)} == set(EVERYTHING)


def test_poll_ends_when_it_is_not_renewed():
    monitor = VirtualIntelliVue(Patient())
    associated(monitor, 0.0, poll(codes.NUMERIC, seconds=5))
    samples = IntelliVueDecoder().feed(listened(monitor, 12.0))

    assert len([sample for sample in samples if sample.channel == "HR"]) == 4


def test_what_cannot_be_measured_is_sent_without_a_number():
    monitor = VirtualIntelliVue(Patient(ABP_SYS=math.nan, ABP_DIA=math.nan, ABP_MEAN=math.nan, HR=60.0))
    associated(monitor, 0.0, poll(codes.NUMERIC), poll(codes.ALERT_MONITOR, number=2))
    events = IntelliVueDecoder().feed(listened(monitor, 1.2))
    pressures = [event for event in events if isinstance(event, Sample) and event.channel != "HR"]

    assert {sample.reason for sample in pressures} == {Reason.UNAVAILABLE}
    assert all(math.isnan(sample.value) for sample in pressures)
    assert [event.text for event in events if isinstance(event, DeviceAlarm)] == ["ABP NO TRANSDUCER"]


def test_wave_that_cannot_be_measured_is_marked():
    class Unplugged(Patient):
        def wave(self, channel, t_s, n, rate_hz):
            return np.full(n, math.nan)

    monitor = VirtualIntelliVue(Unplugged())
    associated(monitor, 0.0, SetRequest(2, {codes.WAVE_LIST: label_list((0x4A14,))}), poll(codes.WAVE))
    chunks = IntelliVueDecoder().feed(listened(monitor, 1.2))

    assert {chunk.reason for chunk in chunks} == {Reason.INVALID}
    assert all(np.isnan(chunk.values).all() for chunk in chunks)


def test_line_under_another_label_is_still_the_arterial_one():
    monitor = VirtualIntelliVue(Patient(), arterial=0x4A10)
    associated(
        monitor,
        0.0,
        SetRequest(2, {codes.WAVE_LIST: label_list((0x4A14, 0x4A10))}),
        poll(codes.WAVE),
        poll(codes.NUMERIC, number=2),
    )
    events = IntelliVueDecoder().feed(listened(monitor, 1.2))

    assert {event.code for event in events if event.channel == "ABP_MEAN"} == {"4A13"}
    assert {event.code for event in events if isinstance(event, WaveChunk)} == {"4A10"}


def test_demo_monitor_marks_what_it_sends():
    monitor = VirtualIntelliVue(Patient(), demo=True)
    associated(monitor, 0.0, poll(codes.NUMERIC))

    assert {sample.reason for sample in IntelliVueDecoder().feed(listened(monitor, 1.2))} == {Reason.DEMO}


def test_relative_time_starts_where_it_is_told_and_wraps():
    monitor = VirtualIntelliVue(Patient(), start_ticks=(1 << 32) - 8192 * 2)
    associated(monitor, 0.0, poll(codes.NUMERIC))
    stream = listened(monitor, 5.0)
    raw = [pdu.time_ticks for pdu in heard(stream)]
    times = [sample.t_s for sample in IntelliVueDecoder().feed(stream) if sample.channel == "HR"]

    assert raw[:3] == [(1 << 32) - 8192, 0, 8192]
    assert np.diff(times) == pytest.approx(1.024)


def test_source_is_asked_forward_in_time_only():
    patient = Patient()
    monitor = VirtualIntelliVue(patient)
    associated(
        monitor,
        0.0,
        SetRequest(2, {codes.WAVE_LIST: label_list((0x4A14,))}),
        poll(codes.WAVE),
        poll(codes.NUMERIC, number=2),
        poll(codes.ALERT_MONITOR, number=3),
    )
    listened(monitor, 5.0)

    assert len(patient.times) > 20
    assert patient.times == sorted(patient.times)


def test_any_bytes_are_borne():
    monitor = VirtualIntelliVue(Patient())
    monitor.receive(b"\xc0\x11\x01" + bytes(range(256)) * 40, 0.0)

    assert heard(monitor.receive(said(REQUEST), 0.0))[0].act is Act.RESPONSE
