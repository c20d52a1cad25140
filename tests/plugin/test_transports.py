"""Transports over real ptys and sockets."""

from __future__ import annotations

import os
import select
import socket
import tty

import pytest

from barocast.plugin.transports import tcp
from barocast.plugin.transports.addresses import check_address, open_transport
from barocast.plugin.transports.connection import DEAD_S, dial
from barocast.plugin.transports.serial_port import SerialTransport
from barocast.plugin.transports.tcp import AGAIN_S, CALLER_S, CALLERS, SILENT_S, ListeningTransport
from barocast.plugin.transports.transport import WRITE_S, TransportLost
from barocast.plugin.transports.udp import DatagramTransport
from barocast.runtime.errors import SettingsError

HOST = "127.0.0.1"


def pty() -> tuple[int, str]:
    master, slave = os.openpty()
    tty.setraw(slave)
    return master, os.ttyname(slave)


def test_every_byte_goes_both_ways_over_a_serial_line():
    master, name = pty()
    port = open_transport(f"serial://{name}?baud=115200")
    everything = bytes(range(256))
    os.write(master, everything)
    port.write(everything[::-1])

    assert port.read(1.0) == everything
    assert os.read(master, 1000) == everything[::-1]
    port.close()


def test_silence_is_nothing_and_not_an_end():
    _, name = pty()

    assert open_transport(f"serial://{name}").read(0.01) == b""


@pytest.mark.req("ACQ-07")
def test_a_second_reader_is_refused():
    _, name = pty()
    first = SerialTransport(name, 115200)

    with pytest.raises(TransportLost, match="lock"):
        SerialTransport(name, 115200)
    first.close()


def test_an_unplugged_port_is_lost():
    master, name = pty()
    port = open_transport(f"serial://{name}")
    os.close(master)

    with pytest.raises(TransportLost):
        [port.read(0.01) for _ in range(3)]


def test_a_gateway_may_hang_up_and_call_again():
    port = ListeningTransport("127.0.0.1", 0)
    for message in (b"first", b"second"):
        with socket.create_connection(("127.0.0.1", port.port)) as gateway:
            port.read(1.0)
            gateway.sendall(message)
            assert port.read(1.0) == message
            port.write(b"ack")
            assert gateway.recv(10) == b"ack"
        assert port.read(0.05) == b""
    port.close()


class Door:
    """A port of ours, with what it says about callers and a clock that the test moves."""

    def __init__(self):
        self.now_s, self.told = 0.0, []
        self.port = ListeningTransport(HOST, 0, clock=lambda: self.now_s, report=self.told.append)

    def served(self, turns=3):
        """What a few turns of the loop give."""
        return b"".join(self.port.read(0.02) for _ in range(turns))


@pytest.fixture
def door():
    opened = Door()
    yield opened
    opened.port.close()


@pytest.fixture
def call(door):
    """Call the port, say something, and hang up when the test is over."""
    lines = []

    def called(said=b"", own=HOST):
        lines.append(socket.create_connection((HOST, door.port.port), timeout=5, source_address=(own, 0)))
        lines[-1].sendall(said)
        return lines[-1]

    yield called
    for line in lines:
        line.close()


def test_a_second_gateway_waits_and_is_turned_away_while_the_first_one_speaks(door, call):
    first = call(b"1")
    heard = [door.served()]
    second = call(b"2")
    door.served()
    for _ in range(2):
        door.now_s += CALLER_S / 2
        first.sendall(b"1")
        heard.append(door.served())

    assert heard == [b"1", b"1", b"1"]
    assert second.recv(1) == b""
    assert door.told[-1] == f"{HOST}: calls while {HOST} is heard; give each gateway a port of its own"


@pytest.mark.parametrize(("own", "after_s"), [(HOST, AGAIN_S), ("127.0.0.2", SILENT_S)])
def test_a_gateway_that_fell_silent_makes_way_to_its_own_host_soon_and_to_another_late(
    door, call, own, after_s
):
    first = call(b"1")
    door.served()
    door.now_s = after_s - 1.0
    call(b"2", own)
    before = door.served()
    door.now_s += 1.0

    assert (before, door.served()) == (b"", b"2")
    assert first.recv(1) == b""


def test_whoever_waits_is_heard_when_the_first_hangs_up(door, call):
    first = call(b"1")
    door.served()
    second = call(b"2")
    door.served()
    first.close()

    assert door.served() == b"2"
    door.port.write(b"ack")
    assert second.recv(3) == b"ack"


def test_a_caller_that_never_said_anything_makes_way_at_once(door, call):
    mute = call()
    door.served()
    call(b"2", "127.0.0.2")

    assert door.served() == b"2"
    assert mute.recv(1) == b""


def test_a_caller_that_says_nothing_takes_nobodys_place_and_is_no_trouble(door, call):
    first = call(b"1")
    door.served()
    mute = call(own="127.0.0.2")
    door.served()
    door.now_s += SILENT_S
    door.served()
    first.sendall(b"1")

    assert door.served() == b"1"
    assert mute.recv(1) == b""
    assert [text for text in door.told if text] == []


def test_a_scan_keeps_no_more_than_a_few_connections_open(door, call):
    first = call(b"1")
    door.served()
    scan = [call() for _ in range(CALLERS + 2)]
    door.served(CALLERS + 4)
    first.sendall(b"1")

    assert door.served() == b"1"
    assert [line.recv(1) for line in scan[:2]] == [b"", b""]
    assert len(door.port._callers) == CALLERS


def test_who_hangs_up_while_waiting_is_forgotten(door, call):
    call(b"1")
    door.served()
    call(b"2", "127.0.0.2").close()
    call(own="127.0.0.2").close()
    door.now_s += SILENT_S
    came = door.served(6)

    assert (came, door.port._callers) == (b"2", [])


def test_a_waiting_caller_does_not_keep_the_loop_busy(door, call, monkeypatch):
    """What it said stays unread by us, and would end every wait at once."""
    call(b"1")
    door.served()
    call(b"2" * 1_000_000)
    door.served(4)
    ended = []

    class Watched:
        def select(self, *args):
            ended.append(select.select(*args)[0])
            return ended[-1], [], []

    monkeypatch.setattr(tcp, "select", Watched())
    came = door.served()

    assert (came, ended) == (b"", [[], [], []])


def test_a_mute_caller_that_waits_does_not_stand_before_one_that_speaks(door, call):
    call(b"1")
    door.served()
    call()
    door.served()
    call(b"2")
    door.served()
    door.now_s = AGAIN_S

    assert door.served() == b"2"


def test_a_knock_that_is_gone_again_holds_up_nobody(door):
    assert door.port._let_in() is None
    assert door.port._callers == []


def test_a_connection_is_watched_by_the_kernel():
    with socket.create_server((HOST, 0)) as server, dial(*server.getsockname()) as line:
        options = [
            line.getsockopt(socket.IPPROTO_TCP, option)
            for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        ]
        user_ms = line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
        on = line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)

    assert (on, options, user_ms) == (1, [5, 2, 3], 1000 * DEAD_S)
    assert DEAD_S < CALLER_S < 20


def test_both_ends_of_our_lines_are_watched_by_the_kernel(door, call):
    call(b"1")
    door.served()
    ours = open_transport(f"tcp://{HOST}:{door.port.port}")
    lines = [ours._connection, door.port._heard.connection._connection]
    kept = [(line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE), line.gettimeout()) for line in lines]
    ours.close()

    assert kept == [(1, WRITE_S), (1, WRITE_S)]


def test_a_peer_that_takes_nothing_is_lost_and_does_not_hold_the_loop(door, call):
    full = call(b"1")
    door.served()
    for _ in range(100):
        door.port.write(b"x" * 1_000_000)

    assert door.port._heard is None
    full.close()


def test_a_port_that_is_taken_is_lost():
    with socket.create_server((HOST, 0)) as server, pytest.raises(TransportLost, match="in use"):
        open_transport(f"tcp-listen://{HOST}:{server.getsockname()[1]}")


def test_a_port_of_the_sixth_internet_protocol_is_heard():
    port = ListeningTransport("::1", 0)
    with socket.create_connection(("::1", port.port)) as gateway:
        gateway.sendall(b"first")
        came = port.read(1.0) or port.read(1.0)
    port.close()

    assert came == b"first"


def test_a_peer_that_hangs_up_is_lost():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = open_transport(f"tcp://127.0.0.1:{server.getsockname()[1]}")
        server.accept()[0].close()
        with pytest.raises(TransportLost, match="closed"):
            port.read(1.0)
        port.close()


def test_nobody_at_home_is_lost():
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"

    with pytest.raises(TransportLost):
        open_transport(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ttyUSB0",
        "ftp://x:1",
        "tcp://x",
        "udp://x",
        "udp://x:1?hear=all",
        "udp://x:1?group=224.0.23.63",
        "udp://x:1?hear=24005&group=10.0.0.1",
        "udp://x:1?hear=24005&group=all",
        "tcp://[x:1",
        "tls://x",
        "tls://x:1?ca=ca.pem",
        "serial://",
        "serial:///dev/x?baud=fast",
        "serial:///dev/x?parity=X",
        "tcp://x:1?baud=9600",
    ],
)
def test_an_address_that_cannot_be_meant_is_refused(address):
    with pytest.raises(SettingsError, match="address"):
        open_transport(address)


@pytest.mark.parametrize("scheme", ["tcp", "tcp-listen", "udp"])
def test_a_host_with_an_empty_label_cannot_be_meant(scheme):
    with pytest.raises(SettingsError, match=r"or\.\.monitor"):
        check_address(f"{scheme}://or..monitor:6661")


@pytest.mark.parametrize("open_port", [ListeningTransport, DatagramTransport])
def test_a_host_that_no_resolver_takes_is_a_lost_port(open_port):
    with pytest.raises(TransportLost, match=r"or\.\.monitor:6661"):
        open_port("or..monitor", 6661)


def test_a_port_has_another_end_once_a_caller_is_taken(door, call):
    before = door.port.connected
    call(b"1")
    door.served()

    assert (before, door.port.connected) == (False, True)
