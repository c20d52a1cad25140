"""The loop around a bed: a lost port is opened again, ever more patiently."""

from __future__ import annotations

from itertools import pairwise

from barocast.plugin.serve import BACK_OFF_S, Line
from barocast.plugin.transports.transport import TransportLost


class Port:
    """Gives prepared chunks, then is gone."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks, self.written, self.closed = list(chunks), b"", False

    def read(self, timeout_s):
        if not self.chunks:
            raise TransportLost("unplugged")
        return self.chunks.pop(0)

    def write(self, data):
        self.written += data

    def close(self):
        self.closed = True


def test_a_lost_port_is_closed_and_opened_again_after_a_second():
    ports = [Port(b"one"), Port(b"two")]
    line = Line(lambda: ports.pop(0))
    first = ports[0]

    assert [line.read(0.1, 0.0), line.read(0.1, 0.1)] == [b"one", b""]
    assert (first.closed, line.trouble) == (True, "unplugged")
    assert line.read(0.1, 0.9) == b""
    assert line.read(0.1, 1.2) == b"two"
    assert line.trouble == ""


def test_a_port_that_does_not_come_back_is_asked_for_less_and_less_often():
    asked = []

    def refuse():
        asked.append(now)
        raise TransportLost("no such device")

    line = Line(refuse)
    for now in range(100):
        line.read(0.1, float(now))

    gaps = [later - earlier for earlier, later in pairwise(asked)]
    assert gaps[:5] == list(BACK_OFF_S)
    assert set(gaps[5:]) == {BACK_OFF_S[-1]}


def test_nothing_is_written_to_a_port_that_is_gone():
    port = Port(b"one")
    line = Line(lambda: port)
    line.read(0.1, 0.0)
    line.write(b"request", 0.0)
    line.read(0.1, 0.1)
    line.write(b"lost", 0.2)

    assert port.written == b"request"
