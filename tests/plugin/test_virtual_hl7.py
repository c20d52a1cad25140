"""The virtual gateway: what it pushes is understood, and nothing is lost when nobody answers."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from barocast.plugin.virtual.hl7 import RESEND_S, WAVES, VirtualHl7
from barocast.plugin.virtual.monitor import Link
from barocast.runtime.domain import Reason, WaveChunk
from barocast.runtime.sessions.hl7 import Hl7Session


class Patient:
    """Steady numbers, one of them not measurable."""

    values: ClassVar = {"ABP_MEAN": 71.0, "NIBP_MEAN": 90.0, "HR": 64.0, "TEMP": 36.6, "SPO2": math.nan}

    def numerics(self, t_s):
        return self.values | {"ABP_MEAN": 71.0 + t_s}

    def wave(self, channel, t_s, n, rate_hz):
        """A ramp of a unit a second, each tenth sample missing; other waves are not simulated."""
        times = t_s + np.arange(n) / rate_hz
        return np.where(np.arange(n) % 10 == 9, np.nan, 50 + times if channel == "ABP_WAVE" else np.nan)


def told(monitor: VirtualHl7, seconds: int) -> list[list]:
    """The events of each second, every message acknowledged."""
    session, answer, seen = Hl7Session(), b"", []
    for second in range(seconds):
        events, answer = session.receive(monitor.receive(answer, float(second)), float(second))
        seen.append(events)
    assert session.counts.corrupt == 0
    return seen


def test_a_pushed_message_comes_out_as_the_patients_numbers():
    events, _ = Hl7Session().receive(VirtualHl7(Patient()).due(0.0), 0.0)
    by_channel = {event.channel: event for event in events}

    assert {c: e.value for c, e in by_channel.items() if e.valid} == {
        "ABP_MEAN": 71.0,
        "NIBP_MEAN": 90.0,
        "HR": 64.0,
        "TEMP": 36.6,
    }
    assert math.isnan(by_channel["SPO2"].value)
    assert by_channel["ABP_MEAN"].t_s == 1767225600.0


def test_acknowledged_messages_follow_each_other_on_time():
    monitor, session = VirtualHl7(Patient(), every_s=5.0), Hl7Session()
    means = []
    for second in range(21):
        events, answer = session.receive(monitor.due(float(second)), float(second))
        means += [event.value for event in events if event.channel == "ABP_MEAN"]
        monitor.receive(answer, float(second))

    assert means == [71.0, 76.0, 81.0, 86.0, 91.0]
    assert monitor.resent == 0


def test_an_unanswered_message_is_sent_again_and_none_is_skipped():
    monitor = VirtualHl7(Patient())
    first = monitor.due(0.0)

    assert monitor.due(RESEND_S - 0.1) == b""
    assert monitor.due(RESEND_S) == first
    assert monitor.receive(b"\x0bMSH|^~\\&|\rMSA|AA|2\r\x1c\r", RESEND_S + 0.1) == b""
    assert b"|2|P|2.6" in monitor.receive(b"\x0bMSH|^~\\&|\rMSA|AA|1\r\x1c\r", RESEND_S + 0.1)


def test_waves_follow_each_other_without_a_gap_and_the_missing_sample_stays_missing():
    seen = told(VirtualHl7(Patient(), waves=tuple(WAVES)), 4)
    chunks = [[event for event in events if isinstance(event, WaveChunk)] for events in seen]
    first, second, third = (chunk for (chunk,) in chunks[1:])  # the plethysmogram is not simulated

    assert chunks[0] == []  # nothing has gone by yet
    assert (first.channel, first.rate_hz, first.t_s, first.valid) == ("ABP_WAVE", 125.0, 1767225600.0, True)
    assert [chunk.t_s - first.t_s for chunk in (second, third)] == [1.0, 2.0]
    assert np.isnan(first.values[9::10]).all()
    np.testing.assert_allclose(second.values[:9], 51 + np.arange(9) / 125, atol=0.026)  # half a count


def test_in_the_training_mode_nothing_is_valid_and_after_it_everything_is_again():
    monitor = VirtualHl7(Patient(), waves=("ABP_WAVE",))
    modes = []
    for on in (False, True, False):
        monitor.demonstrate(on=on)
        monitor.restart(0.0)
        modes.append({event.reason for events in told(monitor, 3) for event in events})

    assert modes == [{None, Reason.MISSING}, {Reason.TEST, Reason.MISSING}, {None, Reason.MISSING}]


def test_after_a_restart_ids_and_time_begin_anew_and_the_patient_goes_on():
    monitor, session = VirtualHl7(Patient()), Hl7Session()
    before = monitor.due(0.0)
    told(monitor, 1)
    monitor.restart(100.0)
    after = monitor.due(100.0)
    means = [
        (event.value, event.t_s)
        for block in (before, after)
        for event in session.receive(block, 0.0)[0]
        if event.channel == "ABP_MEAN"
    ]

    assert (b"|1|P|2.6" in before, b"|1|P|2.6" in after) == (True, True)
    assert means == [(71.0, 1767225600.0), (171.0, 1767225600.0)]


def test_a_gateway_that_refuses_hangs_up():
    monitor = VirtualHl7(Patient())
    links = [monitor.link(0.0)]
    monitor.refusing = True

    assert [*links, monitor.link(1.0)] == [Link.UP, Link.SHUT]
