"""The virtual gateway: what it pushes is understood, and nothing is lost when nobody answers."""

from __future__ import annotations

import math
from typing import ClassVar

from barocast.plugin.virtual.hl7 import RESEND_S, VirtualHl7
from barocast.runtime.sessions.hl7 import Hl7Session


class Patient:
    """Steady numbers, one of them not measurable."""

    values: ClassVar = {"ABP_MEAN": 71.0, "NIBP_MEAN": 90.0, "HR": 64.0, "TEMP": 36.6, "SPO2": math.nan}

    def numerics(self, t_s):
        return self.values | {"ABP_MEAN": 71.0 + t_s}

    def wave(self, channel, t_s, n, rate_hz):
        raise NotImplementedError


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
