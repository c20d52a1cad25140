"""The tower light: which colour, how fast, for how long; and the bed or the board gone."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest

from barocast.plugin.sinks.lamp import LAMP, LampSettings, LampSink
from barocast.plugin.sinks.relay_contacts import RelayLost
from barocast.plugin.sinks.way_out import Origin, way_out
from barocast.runtime.alarm.events import AlarmSnapshot, Condition, Inactivation
from barocast.runtime.alarm.rules import Priority
from barocast.runtime.errors import SettingsError

LAMP_OF = {
    "red": "lcus:///dev/x?contact=1",
    "yellow": "lcus:///dev/x?contact=2",
    "cyan": "lcus:///dev/x?contact=3",
}
COLOURS = {1: "red", 2: "yellow", 3: "cyan"}


class Bulbs:
    """A board that writes down when each colour was lit and put out."""

    def __init__(self, now) -> None:
        self.now, self.edges, self.gone, self.closed = now, [], False, False

    def set(self, contact, *, on):
        if self.gone:
            raise RelayLost("no such device")
        self.edges.append((self.now(), COLOURS[contact.number], on))

    def read(self, contact):
        return None

    def close(self):
        self.closed = True


class Bench:
    """A lamp whose turns a test makes, on a clock that only they move."""

    def __init__(self, **settings: str) -> None:
        self.now_s = 0.0
        self.bulbs = Bulbs(lambda: self.now_s)
        self.sink = LampSink(
            LampSettings(**(settings or LAMP_OF)), lambda path, contacts: self.bulbs, lambda: self.now_s
        )
        self.sink._beat.wake = lambda: None

    def tell(self, *priorities: Priority, inactivation=Inactivation.ENABLED):
        conditions = tuple(
            Condition("c", p, technical=True, text="", source=str(p), inactivation=inactivation)
            for p in priorities
        )
        return self.sink.apply(AlarmSnapshot(self.now_s, conditions))

    def run(self, seconds: float, *priorities: Priority, silent: bool = False) -> None:
        """Make the turns when they are due; tell the state every 5 s."""
        end_s, told_s = self.now_s + seconds, self.now_s
        while self.now_s < end_s:
            if not silent and self.now_s >= told_s:
                self.tell(*priorities)
                told_s += 5
            self.now_s += self.sink.turn(self.now_s)

    def lit(self, colour: str) -> list[tuple[float, float]]:
        """The stretches in which it was lit, whole ones only."""
        edges = [(t_s, on) for t_s, which, on in self.bulbs.edges if which == colour]
        return [(a, b) for (a, on), (b, _) in pairwise(edges) if on]


@pytest.mark.req("ALM-03")
@pytest.mark.parametrize(
    ("priority", "colour", "hertz"), [(Priority.HIGH, "red", 2.0), (Priority.MEDIUM, "yellow", 0.6)]
)
def test_rate_and_duty_are_those_of_the_table_to_5_percent(priority, colour, hertz):
    bench = Bench()
    bench.run(60, priority)
    lit = bench.lit(colour)
    periods = [after - before for (before, _), (after, _) in pairwise(lit)]
    duties = [(end - begin) / period for (begin, end), period in zip(lit, periods, strict=False)]
    ranges = {Priority.HIGH: (1.4, 2.8), Priority.MEDIUM: (0.4, 0.8)}

    assert len(periods) > 30
    assert [1 / period for period in periods] == pytest.approx([hertz] * len(periods), rel=0.05)
    assert duties == pytest.approx([0.5] * len(duties), rel=0.05)
    assert ranges[priority][0] <= hertz <= ranges[priority][1]
    assert {which for _, which, on in bench.bulbs.edges if on} == {colour}


@pytest.mark.req("ALM-03")
@pytest.mark.parametrize("colour", ["cyan", "yellow"])
def test_a_low_priority_is_lit_steadily_in_cyan_or_else_in_yellow(colour: str):
    bench = Bench(**{name: at for name, at in LAMP_OF.items() if name != "cyan" or colour == "cyan"})
    bench.run(30, Priority.LOW)

    assert [edge for edge in bench.bulbs.edges if edge[2]] == [(0.0, colour, True)]


def test_what_is_higher_takes_over_and_begins_lit():
    bench = Bench()
    bench.run(7.3, Priority.MEDIUM)
    at_s = bench.now_s
    bench.run(0.2, Priority.MEDIUM, Priority.HIGH)

    assert [edge for edge in bench.bulbs.edges if edge[0] == at_s] == [
        (at_s, "red", True),
        (at_s, "yellow", False),
    ]


def test_an_acknowledged_condition_stays_lit_and_an_alarm_pause_darkens():
    bench = Bench()
    bench.tell(Priority.LOW, inactivation=Inactivation.ACKNOWLEDGED)
    bench.sink.turn(0.0)
    acknowledged = bench.bulbs.edges[-1]
    bench.tell(Priority.LOW, inactivation=Inactivation.ALARM_PAUSED)
    bench.sink.turn(0.0)

    assert (acknowledged, bench.bulbs.edges[-1]) == ((0.0, "cyan", True), (0.0, "cyan", False))


def test_a_bed_that_has_gone_quiet_flashes_yellow():
    bench = Bench()
    bench.run(1.0)
    bench.run(20.0, silent=True)
    first_s = bench.lit("yellow")[0][0]

    assert 8.0 < first_s <= 9.1


@pytest.mark.req("P13")
def test_a_board_that_is_gone_is_told_and_found_again():
    bench = Bench()
    bench.run(2.0, Priority.LOW)
    bench.bulbs.gone = True
    bench.run(5.1, Priority.MEDIUM)
    lost = bench.tell(Priority.MEDIUM)
    bench.bulbs.gone = False
    bench.run(5.1, Priority.MEDIUM)
    found = bench.tell(Priority.MEDIUM)

    assert (lost.ok, lost.text, found.ok) == (False, "lamp: /dev/x: no such device", True)


def test_its_own_thread_flashes_it_and_closing_ends_that():
    lit = threading.Semaphore(0)
    bulbs = Bulbs(lambda: 0.0)
    kept = bulbs.set
    bulbs.set = lambda contact, *, on: (kept(contact, on=on), on and lit.release())
    sink = LampSink(LampSettings(**LAMP_OF), lambda path, contacts: bulbs)
    tested = sink.self_test()
    sink.apply(AlarmSnapshot(0.0, (Condition("c", Priority.HIGH, technical=True, text=""),)))
    flashes = [lit.acquire(timeout=10) for _ in range(3)]
    sink.close()

    assert (tested.ok, tested.text) == (True, "lamp: red, yellow, cyan")
    assert flashes == [True] * 3
    assert bulbs.closed
    assert not sink._beat.running


def test_the_table_makes_it():
    sink = LAMP.open(LampSettings(**LAMP_OF), Origin("OR 3", "b"))

    assert (way_out("lamp"), sink.guarantee) == (LAMP, "best_effort")
    with pytest.raises(SettingsError, match="is no contact; write gpio:///"):
        LampSettings(red="gpio17", yellow="gpio18")
