"""The way out over real sockets: a local one as /dev/log is, UDP, and TCP with counted lines."""

from __future__ import annotations

import contextlib
import socket

import pytest
from alarm_states import WALL_S, forecast, state

from barocast.plugin.sinks.posted import KEPT, Dated
from barocast.plugin.sinks.syslog import HEARTBEAT_S, SyslogSettings, SyslogWork
from barocast.plugin.sinks.way_out import Origin, way_out
from barocast.plugin.transports.transport import TransportLost
from barocast.runtime.encoders.syslog import Writer
from barocast.runtime.errors import SettingsError

HOST = "127.0.0.1"


@contextlib.contextmanager
def writing(address):
    sink = way_out("syslog").open(SyslogSettings(address), Origin("OR 3", "map-1"))
    try:
        yield sink
    finally:
        sink.close()


@pytest.fixture
def journal(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
        bound.bind(str(tmp_path / "log"))
        bound.settimeout(10)
        yield bound


def lines(bound, number):
    return [bound.recv(4096).decode() for _ in range(number)]


def test_a_local_socket_gets_the_heartbeat_and_a_line_for_each_change(journal):
    with writing(journal.getsockname()) as sink:
        assert sink.self_test().ok
        for snapshot in (state(60.0, forecast()), state(65.0, forecast()), state(70.0)):
            assert sink.apply(snapshot).ok
        said = lines(journal, 3)

    assert [text.partition("[")[0] for text in said] == ["<30>barocast", "<29>barocast", "<30>barocast"]
    assert 'shown="0"' in said[0]
    assert ['phase="start"' in said[1], 'phase="end"' in said[2]] == [True, True]


def test_a_socket_that_is_not_there_is_trouble_with_its_path(tmp_path):
    with writing(str(tmp_path / "nobody")) as sink:
        test = sink.self_test()

    assert (test.ok, test.text) == (
        False,
        f"syslog {tmp_path}/nobody: {tmp_path}/nobody: No such file or directory",
    )


def test_udp_sends_one_line_a_datagram():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind((HOST, 0))
        bound.settimeout(10)
        with writing(f"udp://{HOST}:{bound.getsockname()[1]}") as sink:
            sink.apply(state(60.0, forecast()))
            said = lines(bound, 2)

    assert [" HEARTBEAT " in text for text in said] == [False, True]
    assert said[0].startswith("<29>1 ")


def test_tcp_counts_each_line_and_a_receiver_that_hangs_up_is_called_again():
    with (
        socket.create_server((HOST, 0)) as server,
        writing(f"tcp://{HOST}:{server.getsockname()[1]}") as sink,
    ):
        server.settimeout(10)
        sink.apply(state(60.0, forecast()))
        first = framed(server, 2)
        sink.apply(state(70.0))
        again = framed(server, 1)

    assert [" ALARM " in text for text in first] == [True, False]
    assert 'phase="end"' in again[0]


def framed(server, number):
    """Take so many lines from the next caller, and hang up."""
    connection, _ = server.accept()
    with connection, connection.makefile("rb") as stream:
        said = []
        for _ in range(number):
            digits = b""
            while (sign := stream.read(1)) != b" ":
                digits += sign
            said.append(stream.read(int(digits)).decode())
        return said


class Paper:
    """A log in memory that can be taken away."""

    def __init__(self):
        self.there, self.lines, self.now_s = True, [], 0.0
        writer = Writer("OR 3", "box", 812, local=True)
        self.work = SyslogWork(writer, self.open, clock=lambda: self.now_s, wall=lambda: WALL_S)

    def open(self):
        if not self.there:
            raise TransportLost("no paper")
        return self

    def write(self, line):
        if not self.there:
            raise TransportLost("no paper")
        self.lines.append(line)

    def close(self):
        pass


def test_the_heartbeat_comes_every_five_minutes():
    paper = Paper()
    for second in range(int(2 * HEARTBEAT_S) + 1):
        paper.now_s = float(second)
        assert paper.work.turn([]) == ""

    assert len(paper.lines) == 3


def test_lines_wait_for_the_log_up_to_a_thousand_and_the_loss_is_told():
    paper = Paper()
    paper.there = False
    news = [
        Dated(state(60.0 + n, *([forecast(n, since_s=float(n))] * (n % 2))), WALL_S + n)
        for n in range(10_001)
    ]

    assert paper.work.turn(news) == "no paper"
    assert len(paper.work._lines) == KEPT
    paper.there, paper.now_s = True, 1.0
    paper.work.turn([])
    assert len(paper.lines) == KEPT
    assert paper.work.turn([]) == ""


def test_an_address_that_cannot_be_meant_is_refused():
    with pytest.raises(SettingsError, match="write udp://host:port or tcp://host:port"):
        SyslogSettings("log.hospital.example")
