"""Real TCP to a virtual monitor that closes its line, refuses, or vanishes from it."""

from __future__ import annotations

import contextlib
import time

import pytest

from barocast.plugin.patience import Patience
from barocast.plugin.serve import Line
from barocast.plugin.transports.addresses import open_transport
from barocast.plugin.virtual.monitor import Link
from barocast.plugin.virtual.tcp_line import answering_tcp, over_tcp

WAYS = (answering_tcp, over_tcp)
SPEED = 100.0


class Echo:
    """Repeats what it hears, as long as its line is up."""

    def __init__(self) -> None:
        self.state, self.heard = Link.UP, b""

    def receive(self, data, now_s):
        self.heard += data
        return data.upper()

    def due(self, now_s):
        return b""

    def link(self, now_s):
        return self.state


def clock():
    return time.monotonic() * SPEED


@contextlib.contextmanager
def joined(way, echo):
    """A line to the echo, with the patience of its feed."""
    with way(echo, clock) as address:
        line = Line(lambda: open_transport(address), Patience())
        try:
            yield line
        finally:
            line.close()


def answered(line, word, seconds):
    """Whether a word is repeated within `seconds` of the clock."""
    until_s = clock() + seconds
    said = b""
    while clock() < until_s and word.upper() not in said:
        line.write(word, clock())
        said += line.read(0.01, clock())
    return word.upper() in said


@pytest.mark.parametrize("way", WAYS)
def test_a_word_goes_there_and_back(way):
    with joined(way, Echo()) as line:
        assert answered(line, b"hello", 500.0)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("state", [Link.SHUT, Link.GONE])
def test_after_a_line_was_shut_or_left_for_dead_the_client_is_back(way, state):
    """Ten silent seconds of the clock, then as if nothing had been."""
    echo = Echo()
    with joined(way, echo) as line:
        assert answered(line, b"hello", 500.0)
        echo.state = state
        time.sleep(0.05)  # the echo's thread takes its turn
        assert not answered(line, b"nobody", 20.0)
        echo.state = Link.UP
        assert answered(line, b"again", 1000.0)


def test_who_vanishes_says_nothing_and_hears_nothing():
    """Half open: no end of the stream, no error; only patience ends it."""
    echo = Echo()
    with answering_tcp(echo, clock) as address:
        port = open_transport(address)
        with contextlib.closing(port):
            port.write(b"hello")
            assert port.read(1.0) == b"HELLO"
            echo.state = Link.GONE
            time.sleep(0.05)
            echo.heard = b""
            port.write(b"anybody?")
            assert [port.read(0.02) for _ in range(5)] == [b""] * 5
            assert echo.heard == b""
