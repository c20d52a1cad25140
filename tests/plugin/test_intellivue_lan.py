"""IntelliVue over a real loopback UDP: datagrams stay whole, the port stays the same, the bed reads on."""

from __future__ import annotations

import contextlib
import socket

import numpy as np
import pytest
from toy_bundle import toy_bundle

from barocast.plugin.bedside import Bedside
from barocast.plugin.clock import PlayClock
from barocast.plugin.feeds import find_feed
from barocast.plugin.serve import Line, serve
from barocast.plugin.transports.addresses import open_transport
from barocast.plugin.transports.transport import TransportLost
from barocast.plugin.transports.udp import DatagramTransport
from barocast.plugin.virtual.datagram_line import over_udp
from barocast.plugin.virtual.intellivue import VirtualIntelliVue
from barocast.plugin.virtual.intellivue_lan import VirtualIntelliVueLan
from barocast.plugin.watch import Watch
from barocast.runtime.engines import OrtEngine

LOOPBACK = "127.0.0.1"
SPEED = 10.0


class SteadyPatient:
    def numerics(self, t_s):
        return {"ABP_SYS": 120.0, "ABP_DIA": 70.0, "ABP_MEAN": 90.0 + round(t_s) % 3, "HR": 60.0}

    def wave(self, channel, t_s, n, rate_hz):
        return 90.0 + 30.0 * np.sin(2 * np.pi * (t_s + np.arange(n) / rate_hz))


@pytest.fixture
def host():
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as opened:
        opened.bind((LOOPBACK, 0))
        opened.settimeout(2.0)
        yield opened


def port_of(host):
    return host.getsockname()[1]


def bed(tmp_path):
    watch = Watch(bundle := toy_bundle(tmp_path / "b").read(), OrtEngine(bundle))
    session = find_feed("intellivue-udp").session()
    return Bedside(name="bed 1", session=session, watch=watch, sinks=[], stale_s=60.0)


def test_datagrams_keep_their_boundaries_both_ways(host):
    port = open_transport(f"udp://{LOOPBACK}:{port_of(host)}")
    for said in (b"first", b"second"):
        port.write(said)
    (first, sender), (second, _) = host.recvfrom(100), host.recvfrom(100)
    for said in (b"third", b"fourth" * 200):
        host.sendto(said, sender)

    assert (first, second) == (b"first", b"second")
    assert (port.read(1.0), port.read(1.0), port.read(0.0)) == (b"third", b"fourth" * 200, b"")
    port.close()


def test_one_source_port_serves_the_whole_association(host):
    port = open_transport(f"udp://{LOOPBACK}:{port_of(host)}")
    senders = set()
    for said in (b"request", b"poll", b"poll"):
        port.write(said)
        senders.add(host.recvfrom(100)[1])
    port.close()

    assert len(senders) == 1


def test_a_host_that_is_not_there_yet_costs_no_port(host):
    number = port_of(host)
    port = open_transport(f"udp://{LOOPBACK}:{number}")
    host.close()
    said = [port.write(b"request") or port.read(0.05) for _ in range(3)]
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as back:
        back.bind((LOOPBACK, number))
        back.settimeout(2.0)
        port.write(b"request")
        port.write(b"request")
        back.sendto(b"answer", back.recvfrom(100)[1])

        assert said == [b"", b"", b""]
        assert b"answer" in (port.read(1.0), port.read(1.0))
    port.close()


def test_strangers_are_not_heard(host):
    hear = free_port()
    port = DatagramTransport("127.0.0.2", port_of(host), hear)
    host.sendto(b"call", ("127.0.0.2", hear))

    assert port.read(0.5) == b""
    port.close()


def free_port():
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        probe.bind((LOOPBACK, 0))
        return port_of(probe)


def test_calls_of_the_host_are_heard_beside_its_answers(host):
    hear = free_port()
    port = open_transport(f"udp://{LOOPBACK}:{port_of(host)}?hear={hear}")
    host.sendto(b"call", (LOOPBACK, hear))

    assert port.read(1.0) == b"call"
    port.close()


def test_a_name_that_nobody_has_is_lost():
    with pytest.raises(TransportLost):
        open_transport("udp://no-such-monitor.invalid:24105")


def test_a_bed_reads_a_monitor_over_a_real_network(tmp_path):
    """The very loop of `barocast run`: associated, read, nothing corrupt, an orderly farewell."""
    monitor, bedside = VirtualIntelliVue(SteadyPatient(), start_ticks=0), bed(tmp_path)
    clock = PlayClock(SPEED)
    with over_udp(VirtualIntelliVueLan(monitor), clock) as address:
        serve(
            bedside,
            Line(lambda: open_transport(address)),
            clock=clock,
            until=lambda: bedside.watch.pipeline.case_s > 20.0 or clock() > 100.0,
            sleep=clock.sleep,
        )
        released_by = clock() + 5.0
        while monitor.associated and clock() < released_by:
            clock.sleep(0.05)

    assert bedside.watch.pipeline.case_s > 20.0
    assert bedside.session.counts.corrupt == 0
    assert bedside.session.counts.samples > 20 * 125
    assert {90.0, 91.0, 92.0} >= {bedside.vitals.numerics(clock(), 1e9)["ABP_MEAN"].value}
    assert not monitor.associated
