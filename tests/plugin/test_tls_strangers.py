"""A TLS port among strangers: whoever else calls, the gateway is heard, and the bed says who was refused."""

from __future__ import annotations

import contextlib
import socket
import ssl
from dataclasses import replace
from random import Random

import pytest
from certificates import Authority
from tls_ends import (
    HOST,
    bare,
    calling,
    client,
    in_background,
    pushes,
)
from toy_bundle import toy_bundle

from barocast.plugin.bedside import Bedside
from barocast.plugin.clock import PlayClock
from barocast.plugin.serve import Line, serve
from barocast.plugin.service import bed as service_bed
from barocast.plugin.settings import parse_settings
from barocast.plugin.transports import tls
from barocast.plugin.transports.tcp import CALLER_S, TOLD_S
from barocast.plugin.transports.transport import TransportLost
from barocast.plugin.virtual.hl7 import VirtualHl7
from barocast.plugin.watch import Watch
from barocast.runtime.engines import OrtEngine
from barocast.runtime.sessions.hl7 import Hl7Session

MESSAGES = 60


@pytest.mark.parametrize("said", [b"GET / HTTP/1.0\r\n\r\n", b"\x0bMSH|^~\\&|GW\r\x1c\r"])
def test_a_caller_that_speaks_no_tls_is_told_apart(door, said):
    with socket.create_connection((HOST, door.port.port)) as plain:
        plain.sendall(said)
        assert door.refusal() == f"{HOST}: does not speak TLS there; is that the TLS port?"


def test_a_host_that_speaks_no_tls_is_told_apart(box):
    def answer(server):
        with contextlib.closing(server.accept()[0]) as raw:
            raw.sendall(b"\x0bMSH|^~\\&|GW\r\x1c\r")
            raw.recv(1000)

    with (
        socket.create_server((HOST, 0)) as server,
        in_background(answer, server),
        pytest.raises(TransportLost, match="does not speak TLS there; is that the TLS port"),
    ):
        tls.call(HOST, server.getsockname()[1], box)


def test_a_host_that_says_nothing_is_given_up_in_time(box, monkeypatch):
    monkeypatch.setattr(tls, "CALL_S", 0.1)
    silence = pytest.raises(TransportLost, match=r"does not answer the TLS handshake; is that the TLS port\?")
    with socket.create_server((HOST, 0)) as server, silence:
        tls.call(HOST, server.getsockname()[1], box)


def test_callers_that_say_nothing_hold_up_nobody_and_are_turned_away_in_time(door, gateway):
    mutes = [socket.create_connection((HOST, door.port.port)) for _ in range(3)]
    with in_background(pushes, door.port.port, client(gateway), b"MSH"):
        came = door.heard()
        door.port.write(b"ack")
    door.now_s += CALLER_S
    door.port.read(0.0)

    assert came == b"MSH"
    assert door.told[-1] == f"{HOST}: did not finish the TLS handshake within 15 s; is it set to TLS?"
    assert [mute.recv(1) for mute in mutes] == [b"", b"", b""]
    for mute in mutes:
        mute.close()


@pytest.mark.parametrize("time_passes", [True, False])
def test_a_refusal_is_forgotten_when_nobody_is_refused_any_more_or_the_port_closes(
    door, hospital, time_passes
):
    with in_background(pushes, door.port.port, bare(hospital), b"MSH"):
        door.refusal()
    door.now_s += TOLD_S * time_passes
    door.port.read(0.0)
    before = door.told[-1]
    door.port.close()

    assert (before == "", door.told[-1]) == (time_passes, "")


def test_whatever_strangers_send_the_gateway_is_heard(door, gateway):
    """Noise, the head of a record with noise after it, and a real greeting with one byte changed."""
    random, greeting = Random(7), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        client(gateway).wrap_bio(ssl.MemoryBIO(), greeting, server_hostname=HOST).do_handshake()
    hello = greeting.read()
    said = [random.randbytes(random.randrange(1, 400)) for _ in range(40)]
    said += [b"\x16\x03\x01" + noise for noise in said]
    said += [hello[:at] + random.randbytes(1) + hello[at + 1 :] for at in range(0, len(hello), 5)]
    for noise in said:
        with socket.create_connection((HOST, door.port.port)) as stranger:
            stranger.sendall(noise)
            door.port.read(0.05)
            door.port.read(0.0)
    with in_background(pushes, door.port.port, client(gateway), b"MSH"):
        came = door.heard()
        door.port.write(b"ack")

    assert len(said) > 100
    assert came == b"MSH"


class Patient:
    """Steady numbers."""

    def numerics(self, t_s):
        return {"ABP_MEAN": 71.0, "ABP_SYS": 110.0, "ABP_DIA": 55.0, "HR": 64.0}

    def wave(self, channel, t_s, n, rate_hz):
        raise NotImplementedError


def free_port():
    with socket.create_server((HOST, 0)) as server:
        return server.getsockname()[1]


def test_a_virtual_gateway_pushes_over_mutual_tls_into_a_bed(tmp_path, box, gateway):
    """A stranger calls before it and is refused; the bed says so, and hears the gateway all the same."""
    bundle = toy_bundle(tmp_path / "b").read()
    said = []
    bed = Bedside(
        name="OR 3",
        session=Hl7Session(),
        watch=Watch(bundle, OrtEngine(bundle)),
        sinks=[],
        stale_s=90.0,
        say=said.append,
    )
    port = free_port()
    stranger = Authority(tmp_path, "foreign-ca").issue("stranger", ca=Authority(tmp_path, "third"))
    monitor, clock, acknowledged = VirtualHl7(Patient()), PlayClock(100.0), []

    def push():
        with contextlib.suppress(OSError), calling(port, client(replace(stranger, ca=box.ca))) as line:
            line.do_handshake()
            line.recv(1)
        with calling(port, client(gateway)) as line:
            message = b""
            while len(acknowledged) < MESSAGES:
                message = message or monitor.due(clock())
                if message:
                    line.sendall(message)
                    acknowledged.append(line.recv(65536))
                    message = monitor.receive(acknowledged[-1], clock())
                clock.sleep(0.1)

    configured = parse_settings(
        f'[feed]\nkind = "hl7"\naddress = "tls-listen://{HOST}:{port}"\n[feed.tls]\n'
        f'certificate = "{box.certificate}"\nkey = "{box.key}"\nca = "{box.ca}"\n',
        "or3.toml",
    )
    opened = service_bed.opened(configured, bed)
    with in_background(push) as thread:
        serve(
            bed,
            Line(lambda: opened),
            clock=clock,
            until=lambda: not thread.is_alive(),
            sleep=clock.sleep,
        )

    assert bed.session.counts.corrupt == 0
    assert bed.session.counts.frames == MESSAGES
    assert all(b"MSA|AA|" in answer for answer in acknowledged)
    assert bed.vitals.numerics(bed.device_s(clock()), 1e9)["ABP_MEAN"].value == 71.0
    assert monitor.resent == 0
    assert [text.partition(";")[0] for text in said if text.startswith("caller")] == [
        f"caller: {HOST}: its certificate is signed by nobody in {box.ca}",
        "caller: well again",
    ]
