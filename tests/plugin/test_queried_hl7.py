"""A Mindray monitor that is queried over real TCP: found, kept, lost and found again."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import ClassVar

import pytest

from barocast.plugin.clock import PlayClock
from barocast.plugin.feeds import find_feed
from barocast.plugin.serve import Line
from barocast.plugin.transports.addresses import open_transport
from barocast.plugin.virtual.hl7_queried import HANG_UP_S, VirtualPds
from barocast.plugin.virtual.monitor import Link
from barocast.plugin.virtual.tcp_line import answering_tcp
from barocast.runtime.decoders.mllp import MllpDeframer
from barocast.runtime.domain import DeviceAlarm, Reason, Sample
from barocast.runtime.sessions.mindray_pds import ECHO, MindrayPdsSession, query

SPEED = 20.0


class Patient:
    """MAP tells the patient's second; the cuff measures every half minute."""

    others: ClassVar = {"HR": 64.0, "TEMP": 36.6, "SPO2": math.nan, "ETCO2": 35.0}

    def numerics(self, t_s):
        cuff = 80.0 + t_s // 30
        pressures = {"ABP_SYS": 140.0, "ABP_MEAN": 60.0 + round(t_s) % 100, "ABP_DIA": 55.0}
        return self.others | pressures | {"NIBP_MEAN": cuff}

    def wave(self, channel, t_s, n, rate_hz):
        raise NotImplementedError


class Bed:
    """A client at the end of a real TCP connection, opened again whenever it is lost."""

    def __init__(self, address: str, clock: PlayClock) -> None:
        self.session = find_feed("mindray-pds").session()
        self.line = Line(lambda: open_transport(address))
        self.clock = clock
        self.events: list[tuple[float, object]] = []

    def live(self, seconds: float) -> None:
        until_s = self.clock() + seconds
        while self.clock() < until_s:
            now_s = self.clock()
            events, reply = self.session.receive(self.line.read(0.005, now_s), now_s)
            self.events += [(now_s, event) for event in events]
            self.line.write(reply + self.session.due(now_s), now_s)

    def means(self) -> list[float]:
        return [e.value for _, e in self.events if isinstance(e, Sample) and e.channel == "ABP_MEAN"]


@pytest.fixture
def monitor():
    return VirtualPds(Patient())


def test_over_tcp_every_value_that_was_asked_for_comes_once_a_second(monitor):
    clock = PlayClock(SPEED)
    with answering_tcp(monitor, clock) as address:
        bed = Bed(address, clock)
        bed.live(40.0)
        bed.line.close()
    channels = {e.channel for _, e in bed.events if isinstance(e, Sample)}
    means = bed.means()

    assert channels == {
        "HR",
        "TEMP",
        "SPO2",
        "ABP_SYS",
        "ABP_MEAN",
        "ABP_DIA",
        "NIBP_MEAN",
    }  # ETCO2: not asked
    assert monitor.queries == 1
    assert len(means) >= 30
    assert all(0 <= later - earlier <= 3 for earlier, later in pairwise(means))
    assert [e.value for _, e in bed.events if isinstance(e, Sample) and e.channel == "NIBP_MEAN"] == [81.0]
    assert {e.reason for _, e in bed.events if isinstance(e, Sample) and e.channel == "SPO2"} == {Reason.CODE}
    assert bed.session.counts.corrupt == 0


def test_over_tcp_a_monitor_that_restarts_and_one_that_refuses_are_asked_again(monitor):
    clock = PlayClock(SPEED)
    with answering_tcp(monitor, clock) as address:
        bed = Bed(address, clock)
        bed.live(8.0)
        monitor.restart(clock())
        bed.live(12.0)
        restarted = len(bed.means())
        monitor.refusing = True
        bed.live(10.0)
        monitor.refusing = False
        bed.live(20.0)
        bed.line.close()

    assert restarted > 8
    assert len(bed.means()) > restarted + 5
    assert monitor.queries >= 3
    assert bed.session.status == "receiving"


# ---- the monitor itself --------------------------------------------------------------------------------


def test_before_a_query_it_sends_echoes_and_nothing_else(monitor):
    assert [monitor.due(float(second)) for second in range(3)] == [ECHO] * 3


def test_a_query_is_answered_at_once_as_its_kind(monitor):
    (answer,) = MllpDeframer().feed(monitor.receive(query(1), 0.0))

    assert answer.payload == b"MSH|^~\\&|||||||ORF^R04|1203|P|2.3.1|\rMSA|AA|1203\r"


def test_only_what_was_asked_for_is_told(monitor):
    asked = b"QRD|1|R|I|Q1|||||RES\rQRF|MON||||0&0^1^5^0^501\r"
    monitor.receive(b"\x0bMSH|^~\\&|||||||QRY^R02|1203|P|2.3.1\r" + asked + b"\x1c\r", 0.0)
    events = [MindrayPdsSession().receive(monitor.due(float(second)), 0.0)[0] for second in range(7)]

    assert [[event.value for event in batch] for batch in events] == [[60.0], [], [], [], [], [65.0], []]


def test_a_client_that_falls_silent_is_hung_up_on_and_forgotten(monitor):
    monitor.receive(query(1), 0.0)
    links = [monitor.link(at) for at in (0.0, HANG_UP_S - 0.1, HANG_UP_S, HANG_UP_S + 0.1)]

    assert links == [Link.UP, Link.UP, Link.SHUT, Link.UP]
    assert monitor.due(HANG_UP_S + 1) == ECHO


def test_what_a_training_monitor_tells_is_never_valid(monitor):
    monitor.demonstrate(on=True)
    monitor.alarms = ["10002^***HR TOO LOW"]
    monitor.receive(query(1), 0.0)
    events, _ = MindrayPdsSession().receive(monitor.due(0.0), 0.0)

    assert {event.reason for event in events} == {Reason.TEST, Reason.CODE}


def test_an_alarm_is_told_for_as_long_as_it_is_active(monitor):
    session = MindrayPdsSession()
    monitor.receive(query(1), 0.0)
    seen = []
    for second, active in enumerate(([], ["10002^**HR TOO LOW"], [])):
        monitor.alarms = active
        events, _ = session.receive(monitor.due(float(second)), float(second))
        seen.append([event.text for event in events if isinstance(event, DeviceAlarm)])

    assert seen == [[], ["HR TOO LOW"], []]
