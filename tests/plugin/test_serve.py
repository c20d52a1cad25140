"""The loop around a bed: a port is opened beside it, a lost one again, ever more patiently."""

from __future__ import annotations

import threading
import time
from concurrent.futures import wait
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from barocast.plugin.opening import at_once, give_up, in_background
from barocast.plugin.patience import SHORTEST_S, Patience
from barocast.plugin.serve import BACK_OFF_S, OPEN_S, READ_S, STEADY_S, Line, serve
from barocast.plugin.transports.transport import TransportLost
from barocast.runtime.errors import SettingsError

LONG_S = 10.0
"""What a thread is given where it needs milliseconds."""


class Port:
    """Gives prepared chunks, then is gone."""

    connected = True

    def __init__(self, *chunks: bytes) -> None:
        self.chunks, self.written, self.closed = list(chunks), b"", threading.Event()

    def read(self, timeout_s):
        if not self.chunks:
            raise TransportLost("unplugged")
        return self.chunks.pop(0)

    def write(self, data):
        self.written += data

    def close(self):
        self.closed.set()


class Held:
    """An `open_port` that gives no answer before it is let go."""

    def __init__(self, answer) -> None:
        self.answer, self.go, self.asked = answer, threading.Event(), 0

    def __call__(self):
        self.asked += 1
        self.go.wait(LONG_S)
        return self.answer()


def lost():
    raise TransportLost("no such device")


def turns(line, *times_s):
    """What is read at these times."""
    return [line.read(0.0, now_s) for now_s in times_s]


def read_until(line, good, now_s=0.0):
    """Read on, while a thread does its part."""
    end_s = time.monotonic() + LONG_S
    while not good() and time.monotonic() < end_s:
        line.read(0.01, now_s)
    return good()


def test_a_lost_port_is_closed_and_opened_again_after_a_second():
    ports = [Port(b"one"), Port(b"two")]
    line = Line(lambda: ports.pop(0), opener=at_once)
    first = ports[0]

    assert turns(line, 0.0, 0.1, 0.2) == [b"", b"one", b""]
    assert (first.closed.is_set(), line.trouble) == (True, "unplugged")
    assert turns(line, 1.1, 1.3, 1.4) == [b"", b"", b"two"]
    assert line.trouble == ""


def test_a_port_that_does_not_come_back_is_asked_for_less_and_less_often():
    asked = []

    def refuse():
        asked.append(now)
        raise TransportLost("no such device")

    line = Line(refuse, opener=at_once)
    for now in range(100):
        line.read(0.1, float(now))

    gaps = [later - earlier for earlier, later in pairwise(asked)]
    assert gaps[:3] == list(BACK_OFF_S)
    assert set(gaps[3:]) == {BACK_OFF_S[-1]}


def test_a_port_that_opens_and_is_lost_before_it_spoke_counts_as_one_that_did_not_open():
    opened = []

    def mute():
        opened.append(now_s)
        return Port()

    line = Line(mute, opener=at_once)
    troubles = set()
    for now_s in np.arange(0.0, 40.0, 0.5):
        line.read(0.0, now_s)
        troubles.add(line.trouble)
    gaps = np.diff(opened)

    assert troubles == {"", "unplugged"}
    assert line.trouble == "unplugged"
    assert gaps[:2].tolist() == [1.5, 2.5]
    assert set(gaps[2:]) == {5.5}


def test_trouble_stays_until_the_first_bytes():
    ports = [Port(), Port(b"", b"", b"hello", b"")]
    line = Line(lambda: ports.pop(0), opener=at_once)
    said = [(line.read(0.0, now_s), line.trouble) for now_s in (0.0, 0.1, 2.0, 2.1, 2.2, 2.3, 2.4)]

    assert said[1:] == [(b"", "unplugged")] * 4 + [(b"hello", ""), (b"", "")]


def test_trouble_is_over_when_a_port_that_nobody_calls_has_stood_for_a_while():
    ports = [Port(), Port(*[b""] * 20)]
    line = Line(lambda: ports.pop(0), opener=at_once)
    turns(line, 0.0, 0.1, 2.0)
    before, after = turns(line, 2.0 + STEADY_S - 0.1), line.trouble

    assert (before, after) == ([b""], "unplugged")
    turns(line, 2.0 + STEADY_S)
    assert line.trouble == ""


def test_nothing_is_written_to_a_port_that_is_gone():
    port = Port(b"one")
    line = Line(lambda: port, opener=at_once)
    turns(line, 0.0, 0.1)
    line.write(b"request", 0.1)
    turns(line, 0.2)
    line.write(b"lost", 0.2)

    assert port.written == b"request"


def test_a_reply_leaves_before_the_work_on_what_it_answers():
    done, port = [], Port(b"message", b"")
    bed = SimpleNamespace(
        receive=lambda data, now_s: ([data], b"acknowledged;" if data else b""),
        process=lambda events, now_s: done.append((events, port.written)) or b"asked;",
        report=lambda part, trouble: None,
        session=SimpleNamespace(release=lambda: b"bye"),
    )
    line = Line(lambda: port, opener=at_once)
    serve(bed, line, clock=lambda: 0.0, until=lambda: len(done) == 2, sleep=time.sleep)

    assert done[1] == ([b"message"], b"asked;acknowledged;")


# ---- opening beside the loop ---------------------------------------------------------------------------


@pytest.fixture
def held():
    opened = Held(lambda: Port(b"hello"))
    yield opened
    opened.go.set()


def test_the_bed_is_stepped_on_while_an_open_hangs(held):
    """At least every 100 ms. The median: a busy machine may stop us for once."""
    stepped_s, told = [], set()
    bed = SimpleNamespace(
        receive=lambda data, now_s: ([], b""),
        process=lambda events, now_s: stepped_s.append(time.monotonic()) or b"",
        report=lambda part, trouble: told.add((part, trouble)),
        session=SimpleNamespace(release=lambda: b""),
    )
    times = iter(np.arange(0.0, 100.0, 1.0))  # ten times OPEN_S in a second
    serve(bed, Line(held), clock=lambda: next(times), until=lambda: len(stepped_s) == 15, sleep=time.sleep)

    assert np.median(np.diff(stepped_s)) < 2 * READ_S
    assert held.asked == 1
    assert told == {
        ("port", ""),
        ("port", f"not open after {OPEN_S:g} s; is its name known here, and its host on?"),
    }


def test_an_open_that_fails_in_its_thread_is_trouble_and_tried_again():
    ways = [lost, lambda: Port(b"hello")]

    def open_port():
        return ways.pop(0)()

    line = Line(open_port)

    assert read_until(line, lambda: line.trouble == "no such device")
    turns(line, BACK_OFF_S[0] - 0.1)
    assert line.idle
    assert read_until(line, lambda: line.trouble == "", BACK_OFF_S[0])


def test_an_open_that_succeeds_late_is_used(held):
    line = Line(held)
    turns(line, 0.0, OPEN_S, 2 * OPEN_S)
    hung = line.trouble
    held.go.set()

    assert hung.startswith("not open after 10 s")
    assert read_until(line, lambda: line.trouble == "", 3 * OPEN_S)
    assert held.asked == 1


def test_an_open_that_succeeds_after_the_end_is_closed(held):
    late = Port()
    held.answer = lambda: late
    line = Line(held)
    turns(line, 0.0)
    line.close()
    held.go.set()

    assert late.closed.wait(LONG_S)


def test_an_open_that_has_just_succeeded_is_closed_at_the_end():
    port = Port()
    opening = in_background(lambda: port)
    wait([opening], LONG_S)
    give_up(opening)

    assert port.closed.is_set()


def test_giving_up_an_open_that_fails_says_nothing(caplog):
    give_up(at_once(lost))

    assert caplog.text == ""


def test_what_only_a_person_can_mend_ends_the_service():
    """An address that cannot be meant is no lost port."""

    def wrong():
        raise SettingsError("[feed] address: cannot be")

    line = Line(wrong)

    with pytest.raises(SettingsError, match="cannot be"):
        read_until(line, lambda: False)


def test_what_nobody_foresaw_in_opening_costs_the_port_and_not_the_service():
    def broken():
        raise UnicodeError("label empty or too long")

    line = Line(broken, opener=at_once)
    turns(line, 0.0, 0.1)

    assert line.trouble == "UnicodeError: label empty or too long"
    assert line.idle


# ---- with patience -------------------------------------------------------------------------------------


class Mute(Port):
    """Speaks once at most, then says nothing."""

    def read(self, timeout_s):
        return self.chunks.pop(0) if self.chunks else b""


def test_a_line_that_is_quiet_for_too_long_is_closed_and_opened_at_once():
    opened = []

    def open_port():
        opened.append(Mute(b"hello"))
        return opened[-1]

    line = Line(open_port, Patience(), at_once)
    heard = turns(line, *np.arange(0.0, SHORTEST_S + 2.5, 0.5))

    assert [port.closed.is_set() for port in opened] == [True, False]
    assert heard.count(b"hello") == 2
    assert line.trouble == ""


def test_a_line_without_patience_is_never_closed_for_silence():
    port = Mute(b"hello")
    heard = turns(Line(lambda: port, opener=at_once), *np.arange(0.0, 1000.0))

    assert heard.count(b"hello") == 1
    assert not port.closed.is_set()


def test_the_time_in_which_there_was_no_port_costs_no_patience(held):
    """Else a connection that came about after minutes would be closed at once."""
    held.answer = Mute
    line = Line(held, Patience())
    turns(line, 0.0, 300.0)
    held.go.set()
    read_until(line, lambda: line._port is not None, 600.0)
    port = line._port
    turns(line, 600.0, 600.0 + SHORTEST_S - 0.1)

    assert not port.closed.is_set()
    turns(line, 600.0 + SHORTEST_S)
    assert port.closed.is_set()


def test_a_port_that_nobody_has_called_is_not_closed_for_silence():
    """It would throw out who is calling; patience begins when he is taken."""
    port = Mute()
    port.connected = False
    line = Line(lambda: port, Patience(), at_once)
    turns(line, *np.arange(0.0, 1000.0))

    assert not port.closed.is_set()
    port.connected = True
    turns(line, 1000.0, 1000.0 + SHORTEST_S - 2.0)
    assert not port.closed.is_set()
    turns(line, 1000.0 + SHORTEST_S)
    assert port.closed.is_set()
