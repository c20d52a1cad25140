"""The clock that both ends of a played line share."""

from __future__ import annotations

import threading
import time

import pytest

from barocast.plugin.clock import LEAP_S, PlayClock


class Wall:
    """Stands still until it is moved."""

    now_s = 1e6

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def wall():
    return Wall()


def told(clock: PlayClock, wall: Wall, *steps_s: float) -> float:
    for step_s in steps_s:
        wall.now_s += step_s
        clock()
    return clock()


@pytest.mark.parametrize("speed", [0.5, 1.0, 120.0])
def test_it_runs_so_many_times_as_fast_as_the_wall(wall, speed):
    assert told(PlayClock(speed, wall), wall, *[LEAP_S / 2] * 40) == pytest.approx(20 * LEAP_S * speed)


def test_a_machine_that_stops_stops_the_play(wall):
    clock = PlayClock(100.0, wall)

    assert told(clock, wall, 0.05, 3600.0) == pytest.approx((0.05 + LEAP_S) * 100.0)
    assert told(clock, wall, 0.05) == pytest.approx((0.1 + LEAP_S) * 100.0)


def test_a_silence_is_longer_where_time_runs_fast():
    assert PlayClock(1.0).silence_s(10.0) == 10.0
    assert PlayClock(120.0).silence_s(10.0) == 60.0


def test_it_begins_when_it_is_made(wall):
    wall.now_s += 50.0

    assert PlayClock(1.0, wall)() == 0.0


def test_no_thread_sees_it_fall_and_none_counts_a_moment_twice():
    began_s, falls = time.monotonic(), []
    clock = PlayClock(1000.0)

    def read() -> None:
        last_s = 0.0
        for _ in range(2000):
            now_s = clock()
            falls.append(now_s < last_s)
            last_s = now_s

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()

    assert len(falls) == 8000
    assert not any(falls)
    assert clock() <= (time.monotonic() - began_s) * 1000.0
