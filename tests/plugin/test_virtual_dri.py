"""The virtual DRI monitor: silent until asked, stamped in whole seconds, cut as real ones are."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import pytest
from toy_patient import EVERYTHING, RampPatient

from barocast.plugin.feeds import find_feed
from barocast.plugin.virtual.dri import STARTED_S, VirtualDri
from barocast.plugin.virtual.dri_objects import CUT_LATE_EVERY
from barocast.plugin.virtual.physiology import SimulatedPatient
from barocast.plugin.virtual.scenario import SCENARIOS
from barocast.runtime.decoders.dri import DriDecoder
from barocast.runtime.decoders.dri_frame import Deframer, frame
from barocast.runtime.decoders.dri_physiology import readings
from barocast.runtime.decoders.dri_record import DISPLAYED, PHYSIOLOGY, TREND_10_S, WAVE, build, parse
from barocast.runtime.decoders.dri_request import (
    DENY_BASIC,
    EXT1,
    EXT2,
    ONCE,
    STOP,
    PhysiologyRequest,
    WaveRequest,
    record_of,
)
from barocast.runtime.domain import Reason, Sample, WaveChunk

ALL = PhysiologyRequest(DISPLAYED, 5, EXT1 | EXT2)


class Patient(RampPatient):
    ranges: ClassVar = {"PLETH_WAVE": (-0.01, 0.03), "CO2_WAVE": (0.0, 38.0)}


def said(*requests):
    return b"".join(frame(build(record_of(each))) for each in requests)


def started(*requests, patient=None, **options):
    """A monitor that was just asked for all that."""
    monitor = VirtualDri(patient or Patient(), **options)
    monitor.receive(said(*requests), 0.0)
    return monitor


def records(data):
    return [parse(found.payload) for found in Deframer().feed(data)]


def decoded(data):
    return DriDecoder().feed(data)


def test_nothing_is_said_unasked():
    assert VirtualDri(Patient()).due(0.0) == b""
    assert started().due(100.0) == b""


def test_every_number_of_the_source_arrives():
    found = decoded(started(ALL).due(1.0))
    shown = {event.channel: event.value for event in found if isinstance(event, Sample) and event.channel}

    assert shown == pytest.approx(EVERYTHING, abs=0.04)
    assert all(event.valid for event in found if event.channel)


def test_basic_class_comes_by_itself_and_the_others_on_request():
    def lengths(classes):
        return [
            len(r.subrecords) for r in records(started(PhysiologyRequest(DISPLAYED, 5, classes)).due(1.0))
        ]

    assert lengths(0) == [1]
    assert lengths(EXT1 | EXT2) == [3]
    assert lengths(DENY_BASIC | EXT2) == [1]
    assert lengths(DENY_BASIC) == []


def test_displayed_values_come_at_the_interval_asked_for_until_they_are_stopped():
    monitor = started(ALL)
    times = [record.time_s - STARTED_S for record in records(monitor.due(20.0))]
    monitor.receive(said(PhysiologyRequest(DISPLAYED, STOP)), 20.0)

    assert times == [1, 6, 11, 16]
    assert monitor.due(60.0) == b""


def test_values_asked_for_once_come_once():
    assert len(records(started(PhysiologyRequest(DISPLAYED, ONCE)).due(60.0))) == 1


def test_trends_come_only_once_displayed_values_were_asked_for():
    trend = PhysiologyRequest(TREND_10_S, 10)
    kinds = [record.subrecords[0].kind for record in records(started(ALL, trend).due(30.0))]

    assert started(trend).due(60.0) == b""
    assert (kinds.count(TREND_10_S), kinds.count(DISPLAYED)) == (3, 6)


def test_packets_hold_99_100_or_101_samples_and_not_one_is_lost_or_moved():
    monitor = started(ALL, WaveRequest((4, 8)))
    found = decoded(monitor.due(0.0) + monitor.due(125.0))
    for channel, resolution in (("ABP_WAVE", 0.005), ("PLETH_WAVE", 0.00005)):
        chunks = [event for event in found if isinstance(event, WaveChunk) and event.channel == channel]
        sizes = [len(chunk.values) for chunk in chunks]
        values = np.concatenate([chunk.values for chunk in chunks])
        first = round((chunks[0].t_s - STARTED_S) * 100)

        assert {99, 100, 101} == set(sizes)
        assert sizes.count(101) == 125 // CUT_LATE_EVERY
        assert values == pytest.approx(Patient().wave(channel, first / 100, len(values), 100), abs=resolution)
        for chunk, start in zip(chunks, np.cumsum([first, *sizes]), strict=False):
            assert chunk.t_s - STARTED_S == pytest.approx(start / 100, abs=0.005)


def test_records_are_numbered_by_type_and_stamped_with_whole_seconds():
    found = records(started(ALL, WaveRequest((4,))).due(300.0))
    waves = [record for record in found if record.main == WAVE]
    values = [record for record in found if record.main == PHYSIOLOGY]

    assert [record.number for record in waves] == [i % 256 for i in range(300)]
    assert [record.number for record in values] == list(range(60))
    assert [record.time_s - STARTED_S for record in waves] == list(range(1, 301))


def test_carbon_dioxide_wave_is_a_share_of_the_ambient_pressure():
    found = decoded(started(ALL, WaveRequest((9,))).due(7.0))
    chunk = [event for event in found if isinstance(event, WaveChunk)][-1]

    assert (chunk.channel, chunk.rate_hz, chunk.unit, chunk.valid) == ("CO2_WAVE", 25, "mmHg", True)
    assert chunk.values == pytest.approx(Patient().wave("CO2_WAVE", 6.0, 25, 25), abs=0.05)


def test_request_for_more_than_600_samples_a_second_is_dropped():
    monitor = started(WaveRequest((1, 2, 8)))

    assert monitor.due(3.0) == b""
    assert records(started(WaveRequest((1, 8, 4))).due(1.0))[0].main == WAVE


def test_wave_that_cannot_be_measured_is_sent_as_codes():
    class Unplugged(Patient):
        def wave(self, channel, t_s, n, rate_hz):
            return np.full(n, math.nan)

    found = decoded(started(WaveRequest((4,)), patient=Unplugged()).due(1.0))

    assert [(event.reason, np.isnan(event.values).all()) for event in found] == [(Reason.CODE, True)]


def test_number_that_cannot_be_measured_is_off_and_one_beyond_the_scale_a_code():
    patient = Patient(CVP_MEAN=math.nan, ABP_SYS=400.0, ABP_DIA=70.0, ABP_MEAN=90.0)
    reasons = {event.code: event.reason for event in decoded(started(ALL, patient=patient).due(1.0))}

    assert reasons["PHDB.P2.mean/CVP"] is Reason.UNAVAILABLE
    assert (reasons["PHDB.P1.sys/ART"], reasons["PHDB.P1.mean/ART"]) == (Reason.CODE, None)


def test_cuff_pressure_is_marked_after_a_minute_until_the_next_one():
    patient = Patient(NIBP_MEAN=83.0)
    monitor = started(PhysiologyRequest(DISPLAYED, 30), patient=patient)
    stream = monitor.due(130.0)
    patient.values = {"NIBP_MEAN": 70.0}
    cuffs = [readings(record.subrecords[0].data)[1][0] for record in records(stream + monitor.due(220.0))]

    assert [(cuff.values["mean"], cuff.old) for cuff in cuffs] == [
        *[(83.0, False)] * 3,
        *[(83.0, True)] * 2,
        *[(70.0, False)] * 3,
    ]


def test_sockets_carry_the_labels_they_are_given():
    found = decoded(started(ALL, WaveRequest((16,)), sockets={"P5": "ABP"}).due(2.0))

    assert {event.code for event in found if event.channel == "ABP_MEAN"} == {"PHDB.P5.mean/ABP"}
    assert {event.code for event in found if isinstance(event, WaveChunk)} == {"WAVE.INVP5", "WAVE.INVP5/ABP"}


def test_source_is_asked_forward_in_time_only():
    patient = Patient()
    monitor = started(ALL, WaveRequest((4, 8, 9)), patient=patient)
    for now_s in np.arange(0, 90, 0.3):
        monitor.due(now_s)

    assert len(patient.times) > 200
    assert np.diff(patient.times).min() >= -1.0 - 1 / 25


def test_simulated_patient_is_read_back():
    patient = SimulatedPatient(SCENARIOS["slow_bleed"], 1)
    found = decoded(started(ALL, WaveRequest((4,)), patient=patient).due(30.0))
    means = [event.value for event in found if event.channel == "ABP_MEAN"]
    waves = [event.values for event in found if event.channel == "ABP_WAVE"]

    assert len(means) == 6
    assert np.mean(np.concatenate(waves)) == pytest.approx(np.mean(means), abs=4.0)


def test_any_bytes_are_borne():
    monitor = VirtualDri(Patient())
    monitor.receive(b"\x7e" + bytes(range(256)) * 40 + frame(bytes(60)), 0.0)
    monitor.receive(said(ALL), 0.0)

    assert records(monitor.due(1.0))


def test_feed_is_found_by_its_name():
    feed = find_feed("dri")

    assert isinstance(feed.decoder(), DriDecoder)
    assert feed.session is not None
    assert feed.session().status == "connecting"
