"""Somebody sets the box's clock: what the log says of the time changes, and no alarm does."""

from __future__ import annotations

import made_bed
import pytest
from builders import series
from made_bed import played
from toy_bundle import toy_bundle

from barocast.plugin.sinks.sink import Receipt

HOUR_S = 3600.0
NOON_S = 1_780_000_000.0


class Wall:
    """The box's clock, in seconds since 1970, which is set once."""

    def __init__(self, step_s: float, after: int) -> None:
        self.step_s, self.after, self.asked = step_s, after, 0

    def __call__(self) -> str:
        self.asked += 1
        return f"{NOON_S + self.asked + (self.step_s if self.asked > self.after else 0.0):.0f}"


class Log:
    """Keeps the rows, and when each was written by the box's clock."""

    def __init__(self) -> None:
        self.rows, self.walls = [], []

    def write_decision(self, decision, alarm, map_10s):
        return Receipt()

    def write_log(self, row, wall):
        self.rows.append(row)
        self.walls.append(float(wall))
        return Receipt()


def case(bundle, step_s: float) -> tuple[Log, made_bed.Sink]:
    """A pressure that falls, is lost, and comes back, under a clock that is set on the way."""
    log, sink = Log(), made_bed.Sink()
    mmhg = [*(90 - 0.2 * i for i in range(150)), *[float("nan")] * 60, *(85 - 0.2 * i for i in range(150))]
    steps = [[sample] for sample in series(mmhg)]
    bed = made_bed.bed(bundle, *steps, sinks=[sink], log=log, wall=Wall(step_s, after=60), stale_s=60.0)
    played(bed, range(0, 10 * len(steps), 10))
    return log, sink


@pytest.mark.req("RUN-04")
@pytest.mark.parametrize("step_s", [HOUR_S, -HOUR_S, -NOON_S])
def test_a_clock_that_is_set_by_an_hour_or_to_1970_changes_no_alarm(tmp_path, step_s):
    bundle = toy_bundle(tmp_path / "b").read()
    (steady, told), (stepped, told_stepped) = case(bundle, 0.0), case(bundle, step_s)

    assert len({row.transition for row in steady.rows}) > 2
    assert abs(stepped.walls[-1] - steady.walls[-1] - step_s) < 1.0
    assert stepped.rows == steady.rows
    assert told_stepped.snapshots == told.snapshots
