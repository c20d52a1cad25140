"""What a feed gave no time of its own is dated by the device's clock, the same whoever asks and looks."""

from __future__ import annotations

import numpy as np
from builders import sample

from barocast.runtime.device_time import DeviceTime
from barocast.runtime.domain import Corrupt, WaveChunk


def wave(t_s):
    return WaveChunk("ABP_WAVE", "wave", t_s, 125.0, np.zeros(2), "mmHg")


def times(events):
    return [event.t_s for event in events]


def test_a_time_of_the_device_stays_as_it_is():
    events = [sample(1000.0, 80.0), wave(999.0), Corrupt(0, 1, "fcs")]

    assert DeviceTime().dated(events, 5.0) == events


def test_what_has_no_time_is_dated_by_the_devices_clock_at_its_arrival():
    clock = DeviceTime()
    clock.dated([sample(1000.0, 80.0)], 5.0)

    assert times(clock.dated([sample(None, 97.0, "SPO2"), wave(None)], 7.5)) == [1002.5, 1002.5]


def test_before_the_device_has_told_a_time_its_arrival_dates_it():
    assert times(DeviceTime().dated([sample(None, 80.0)], 7.5)) == [7.5]
    assert DeviceTime().at(7.5) is None


def test_what_was_held_up_is_no_younger_than_what_came_with_it():
    """Ten seconds of jam: the pulse beside a pressure of 1001 s was not measured at 1012 s."""
    clock = DeviceTime()
    clock.dated([sample(1000.0, 80.0)], 5.0)

    assert times(clock.dated([sample(None, 60.0, "PR"), sample(1001.0, 80.0)], 17.0)) == [1001.0, 1001.0]


def test_looking_at_the_clock_and_idle_steps_change_no_date():
    """A screen asks four times a second; a recording has no screen, and must date as the bed did."""

    def dated(look):
        clock, found = DeviceTime(), []
        for i in range(200):
            late_s = 3.0 if i < 3 else 0.1 * (i % 7)
            found += times(clock.dated([sample(1000.0 + i, 80.0)] if i % 2 else [], i + late_s))
            if look:
                clock.at(i + late_s)
                clock.dated([], i + late_s)
            found += times(clock.dated([sample(None, 97.0)] if i % 5 == 0 else [], i + late_s))
        return found

    assert dated(look=True) == dated(look=False)


def test_a_cuffs_time_dates_nothing_else():
    clock = DeviceTime()
    clock.dated([sample(1000.0, 80.0)], 5.0)
    cuff = sample(400.0, 70.0, "NIBP_MEAN")

    assert times(clock.dated([sample(None, 80.0), cuff], 7.5)) == [1002.5, 400.0]
    assert times(DeviceTime().dated([sample(None, 80.0), cuff], 7.5)) == [7.5, 400.0]


def test_a_clock_that_was_set_back_dates_at_once():
    clock = DeviceTime()
    clock.dated([sample(7200.0, 80.0)], 5.0)
    clock.set_back()
    clock.dated([sample(1.0, 80.0)], 10.0)

    assert times(clock.dated([sample(None, 97.0, "SPO2")], 11.0)) == [2.0]
