"""Every byte over a TLS line, both ways, and how a line ends."""

from __future__ import annotations

import contextlib
import socket
import ssl

import pytest
from tls_ends import (
    HOST,
    VERSIONS,
    answering_host,
    calling,
    client,
    in_background,
    pushes,
    received,
)

from barocast.plugin.transports import tls
from barocast.plugin.transports.credentials import tls_context
from barocast.plugin.transports.transport import TransportLost


@pytest.mark.parametrize("version", VERSIONS)
def test_every_byte_of_a_megabyte_goes_both_ways(door, gateway, version):
    message = bytes(range(256)) * 4096
    answer = []

    def speak():
        with calling(door.port.port, client(gateway, version)) as line:
            line.sendall(message)
            answer.append(received(line, len(message)))
            answer.append(line.version())

    with in_background(speak):
        came = door.heard(len(message))
        door.port.write(came[::-1])

    assert came == message
    assert answer == [message[::-1], version.name.replace("v1_", "v1.")]


def test_bytes_that_tls_still_holds_are_read_without_waiting(door, gateway, monkeypatch):
    """A record of which a part was read shows on no descriptor."""
    monkeypatch.setattr(tls, "CHUNK", 1000)
    with in_background(pushes, door.port.port, client(gateway), b"x" * 8000):
        first = door.heard()
        monkeypatch.setattr(tls, "select", None)  # nothing to wait with
        rest = [door.port._heard.connection.read(5.0) for _ in range(7)]
        door.port.write(b"x" * 8000)

    assert [len(piece) for piece in (first, *rest)] == [1000] * 8


class PiecemealClient:
    """A client whose TLS bytes the test sends as it likes."""

    def __init__(self, port, context):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=HOST)
        self.raw = socket.create_connection((HOST, port))
        self.raw.settimeout(0.05)

    def shake(self, serve):
        """Send the handshake byte by byte, the port being served after each; give what it read."""
        read = b""
        while True:
            with contextlib.suppress(ssl.SSLWantReadError):
                self.tls.do_handshake()
                read += self.dribble(serve)
                return read
            read += self.dribble(serve)
            with contextlib.suppress(TimeoutError):
                self.incoming.write(self.raw.recv(65536))

    def dribble(self, serve):
        read = b""
        for byte in self.outgoing.read():
            self.raw.sendall(bytes([byte]))
            read += serve()
        return read


def test_a_handshake_and_a_record_in_single_bytes_block_nothing(door, gateway):
    slow = PiecemealClient(door.port.port, client(gateway))
    during = slow.shake(lambda: door.port.read(0.0))
    slow.tls.write(b"message")
    record = slow.outgoing.read()
    slow.raw.sendall(record[:-1])
    before = [door.port.read(0.05) for _ in range(3)]
    slow.raw.sendall(record[-1:])

    assert (during, before) == (b"", [b"", b"", b""])
    assert door.heard() == b"message"
    slow.raw.close()


def test_a_half_closed_line_gives_what_was_said_and_then_the_next_caller(door, gateway):
    def leave(said):
        with calling(door.port.port, client(gateway)) as line:
            line.sendall(said)
            with contextlib.suppress(ssl.SSLError):
                line.unwrap()

    came = []
    for said in (b"first", b"second"):
        with in_background(leave, said):
            came.append(door.heard())
            door.port.read(0.05)

    assert came == [b"first", b"second"]


@pytest.mark.parametrize(
    ("leave", "text"),
    [
        (lambda line: line.unwrap(), "the other end has closed the connection"),
        (lambda line: line.shutdown(socket.SHUT_RDWR), "broke off without a TLS farewell"),
    ],
)
def test_a_host_that_leaves_is_lost_and_how_it_left_is_told(box, gateway, leave, text):
    with answering_host(gateway, lambda line: (line.recv(1), leave(line))) as (port, _):
        line = tls.call(HOST, port, box)
        line.write(b"?")
        with pytest.raises(TransportLost, match=text):
            [line.read(1.0) for _ in range(10)]
        line.close()


@pytest.mark.parametrize("version", VERSIONS)
def test_we_call_a_host_and_each_shows_its_certificate(box, gateway, version):
    seen = []
    context = tls_context(gateway, called=True)
    context.maximum_version = version

    def speak(line):
        seen.append(line.getpeercert()["subject"][0][0][1])
        line.sendall(b"MSH")
        seen.append(line.recv(100))
        line.unwrap()

    with answering_host(gateway, speak, context) as (port, _):
        line = tls.call(HOST, port, box)
        came = b""
        while not came:
            came = line.read(1.0)
        line.write(b"ack")
        with pytest.raises(TransportLost, match="closed"):
            [line.read(1.0) for _ in range(10)]
        line.close()

    assert (came, seen) == (b"MSH", ["or3", b"ack"])


def test_a_host_that_says_something_at_once_is_not_lost_in_the_handshake(box, gateway):
    with answering_host(gateway, lambda line: (line.sendall(b"hello"), line.recv(1))) as (port, _):
        line = tls.call(HOST, port, box)
        came = b""
        while not came:
            came = line.read(0.05)
        line.close()

    assert came == b"hello"
