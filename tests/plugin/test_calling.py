from __future__ import annotations

import pytest

from barocast.plugin.sinks.calling import GRACE_S, STEADY_S, Calling
from barocast.plugin.transports.transport import TransportLost


class Port:
    def __init__(self):
        self.closed = False

    def close(self):
        self.closed = True


class Host:
    """Answers a call when it is on; `now_s` is everybody's time."""

    def __init__(self):
        self.on, self.now_s, self.called_s = True, 0.0, []
        self.calling = Calling(self.answer, lambda: self.now_s)

    def answer(self):
        self.called_s.append(self.now_s)
        if not self.on:
            raise TransportLost("nobody answers")
        return Port()

    def at(self, now_s):
        self.now_s = now_s
        return self.calling.port()


@pytest.fixture
def host():
    return Host()


@pytest.mark.req("ACQ-02")
def test_it_is_called_again_after_1_2_5_10_and_then_every_20_s(host):
    host.on = False
    for tenth in range(800):
        host.at(tenth / 10)

    assert host.called_s == [0.0, 1.0, 3.0, 8.0, 18.0, 38.0, 58.0, 78.0]


def test_a_host_that_is_not_there_is_told_at_once_and_until_it_works(host):
    host.on = False
    host.at(0.0)
    assert host.calling.trouble == "nobody answers"

    host.on = True
    host.at(1.0)
    assert host.calling.trouble == "nobody answers"
    host.calling.works()
    assert host.calling.trouble == ""


def test_one_that_hangs_up_and_answers_again_is_no_trouble(host):
    for second in range(0, 20, 2):
        host.at(float(second))
        host.calling.works()
        host.calling.lose("hung up")
        assert host.calling.trouble == ""
        host.at(second + 1.0)
        assert host.calling.connected


def test_one_that_worked_and_stays_away_is_told_when_a_call_failed_or_the_grace_is_over(host):
    host.at(0.0)
    host.calling.works()
    host.calling.lose("hung up")
    host.now_s = GRACE_S
    assert host.calling.trouble == "hung up"

    host.now_s, host.on = 0.5, False
    assert host.calling.trouble == ""
    host.at(1.0)
    assert host.calling.trouble == "nobody answers"


def test_a_port_that_only_stands_is_good_in_the_end(host):
    host.on = False
    host.at(0.0)
    host.on = True
    host.at(1.0)

    host.at(0.9 + STEADY_S)
    assert host.calling.trouble == "nobody answers"
    host.at(1.0 + STEADY_S)
    assert host.calling.trouble == ""


def test_a_lost_port_is_closed(host):
    port = host.at(0.0)
    host.calling.lose("hung up")

    assert (port.closed, host.at(0.5), host.calling.calls) == (True, None, 1)
