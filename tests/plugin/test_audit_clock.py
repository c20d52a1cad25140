"""What a row says of time holds whatever is done to the wall clock."""

from __future__ import annotations

import pytest
from audited import Clocks

from barocast.plugin import clock
from barocast.plugin.audit.clock_state import STEP_S, ClockState, StepWatch


@pytest.mark.req("RUN-04")
@pytest.mark.parametrize("step_s", [-3600.0, -1.5, 1.5, 3600.0, 1.7e9])
def test_a_step_is_told_once_whichever_way(step_s):
    clocks = Clocks()
    watch = StepWatch(clocks.sources)
    clocks.boot_s += 10.0
    before = watch.stepped()
    clocks.set_by_s += step_s

    assert (before, watch.stepped(), watch.stepped()) == (0.0, step_s, 0.0)


def test_a_clock_that_is_slewed_has_not_stepped():
    clocks = Clocks(is_synced=False)
    watch = StepWatch(clocks.sources)
    told = []
    for _ in range(1000):
        clocks.boot_s += 1.0
        clocks.set_by_s += 500e-6
        told.append(watch.stepped())

    assert (set(told), watch.state) == ({0.0}, ClockState.UNSYNCED)
    assert STEP_S > 500e-6


def test_the_state_is_the_references_while_there_is_one_and_remembers_a_step_after():
    clocks = Clocks(is_synced=False)
    watch = StepWatch(clocks.sources)
    states = [str(watch.state)]
    clocks.set_by_s += 60.0
    watch.stepped()
    states.append(str(watch.state))
    clocks.is_synced = True
    states.append(str(watch.state))

    assert states == ["unsynced", "stepped", "synced"]


def test_a_moment_holds_both_clocks_and_the_callers_own_wall_time():
    clocks = Clocks(boot_s=7.0)
    watch = StepWatch(clocks.sources)

    assert watch.moment("2026-11-22T21:00:01.000+00:00").wall == "2026-11-22T21:00:01.000+00:00"
    assert (watch.moment().t_s, watch.moment().boot_id) == (7.0, "boot-1")
    assert watch.moment().wall == "2026-11-22T21:00:07.000+00:00"


def test_seconds_since_boot_rise_and_a_boot_has_one_name():
    first, second = clock.boottime_s(), clock.boottime_s()

    assert second >= first > 0
    assert clock.boot_id() == clock.boot_id()


def test_timesyncd_is_believed_where_it_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(clock, "TIMESYNCD", tmp_path)
    before = clock.synced()
    (tmp_path / "synchronized").touch()

    assert (before, clock.synced()) == (False, True)


def test_without_timesyncd_the_kernel_is_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(clock, "TIMESYNCD", tmp_path / "absent")

    assert clock.synced() in {True, False}
