"""Transports over real ptys and sockets."""

from __future__ import annotations

import os
import socket
import tty

import pytest

from barocast.plugin.transports.addresses import open_transport
from barocast.plugin.transports.serial_port import SerialTransport
from barocast.plugin.transports.tcp import ListeningTransport
from barocast.plugin.transports.transport import TransportLost
from barocast.runtime.errors import SettingsError


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
        assert port.read(1.0) == b""
    port.close()


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
        "serial://",
        "serial:///dev/x?baud=fast",
        "serial:///dev/x?parity=X",
        "tcp://x:1?baud=9600",
    ],
)
def test_an_address_that_cannot_be_meant_is_refused(address):
    with pytest.raises(SettingsError, match="address"):
        open_transport(address)
