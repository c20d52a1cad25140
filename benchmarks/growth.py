"""`python -m benchmarks.growth [HOURS]`: what a bed's memory does over simulated hours, in this process.

The whole bed - HL7 session, pipeline, alarm machine, case book and audit log on a disk, page - on a clock
moved by hand, told a pressure every STEP_S that alarms all the time. Every hour: what the process holds, or
with --lines what Python holds (tracemalloc, which itself takes memory) and which lines grew.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import tracemalloc
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.plugin.audit.log import AuditLog
from barocast.plugin.audit.row import Provenance
from barocast.plugin.bedside import Bedside
from barocast.plugin.cases.book import CaseBook
from barocast.plugin.cases.facts import About
from barocast.plugin.health.meter import BedMeter
from barocast.plugin.monitors import HL7
from barocast.plugin.virtual.hl7_messages import header, numeric_group
from barocast.plugin.watch import Watch, alarm_rules
from barocast.plugin.web.board import Board
from barocast.plugin.web.publisher import Publisher, Shown
from barocast.runtime.alarm.rules import Priority
from barocast.runtime.decoders.mllp import wrap
from barocast.runtime.sessions.hl7 import Hl7Session
from benchmarks.breaker.engine import BUNDLE, VirtualEngine
from benchmarks.breaker.plan import drawn
from benchmarks.kills_gateway import BEGAN, STEP_S
from benchmarks.service_soak import MB, resident_mb, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOURS: Final = 12
HOUR_S: Final = 3600.0
WARM_H: Final = 4
"""Until caches and buffers are as large as they get."""
MOST_LINES: Final = 8
SLOPE_MB_H: Final = 1.0 / 40
"""An hour of monitoring: of two beds at 20 times the speed it is 1 MB an hour of the wall (RUN-06)."""


@dataclass(frozen=True, slots=True)
class Held:
    """What is held at the end of an hour."""

    hour: int
    python_mb: float
    """By Python's own objects and arrays."""
    resident_mb: float
    """By the process."""


class GrowingBed:
    """One bed and its clock."""

    def __init__(self, folder: Path) -> None:
        self.now_s = 0.0
        self._engine = VirtualEngine(drawn(0, 0.0), lambda: self.now_s)
        self._book = CaseBook(About("growth", BUNDLE.manifest.id), self._wall(), folder / "cases")
        self._audit = AuditLog(folder / "audit", Provenance("growth", BUNDLE.manifest.id))
        self._bedside = Bedside(
            name="growth",
            session=Hl7Session(),
            watch=Watch(BUNDLE, self._engine, priority=Priority.MEDIUM),
            sinks=[],
            book=self._book,
            audit=self._audit,
            stale_s=HL7.stale_s,
            wall=self._wall,
        )
        self._bedside.meter = BedMeter()
        self._page = Publisher(
            Board(),
            self._bedside,
            Shown("growth", "growth", alarm_rules(BUNDLE, Priority.MEDIUM)),
            wall=self._wall,
            case=lambda: self._book.case,
            history=self._book.history,
        )

    def _wall(self) -> str:
        return (BEGAN + timedelta(seconds=self.now_s)).isoformat(timespec="milliseconds")

    def turn(self) -> None:
        """Let STEP_S pass: a message comes."""
        self._bedside.step(self._message(), self.now_s)
        self._page(self.now_s)
        self._engine.taken()
        self.now_s += STEP_S

    def _message(self) -> bytes:
        moment, mean = BEGAN + timedelta(seconds=self.now_s), whole(self.now_s)
        values = {"ABP_SYS": mean + 35.0, "ABP_DIA": mean - 18.0, "ABP_MEAN": mean, "HR": 72.0}
        rows = [header(f"{self.now_s:.0f}", moment, "P"), "PID|||", *numeric_group(values, moment)]
        return wrap("\r".join(rows).encode() + b"\r")

    def close(self) -> None:
        """Let go of the files."""
        self._book.close()
        self._audit.close()


def grown(bed: GrowingBed, hours: int) -> Iterator[Held]:
    """Live so long; give what is held at the end of every hour."""
    for hour in range(1, hours + 1):
        while bed.now_s < hour * HOUR_S:
            bed.turn()
        gc.collect()
        yield Held(hour, tracemalloc.get_traced_memory()[0] / MB, resident_mb(os.getpid()))


def slope_mb_h(held: list[Held], of: Callable[[Held], float]) -> float:
    """Give what is held more with every hour after WARM_H, by least squares."""
    warm = [each for each in held if each.hour >= WARM_H]
    return float(np.polyfit([each.hour for each in warm], [of(each) for each in warm], 1)[0])


def traced(bed: GrowingBed, hours: int) -> float:
    """Say what Python holds, and which lines hold more at the end than after WARM_H; give the slope."""
    tracemalloc.start()
    held, before = [], tracemalloc.take_snapshot()
    for each in grown(bed, hours):
        held.append(each)
        print(f"{each.hour:3d} h  {each.python_mb:7.3f} MB by Python", flush=True)
        before = tracemalloc.take_snapshot() if each.hour == WARM_H else before
    for line in tracemalloc.take_snapshot().compare_to(before, "lineno")[:MOST_LINES]:
        print(f"{line.size_diff / 1e3:+9.1f} kB  {line.traceback}")
    return slope_mb_h(held, lambda each: each.python_mb)


def resident(bed: GrowingBed, hours: int) -> float:
    """Say what the process holds; give the slope."""
    held = []
    for each in grown(bed, hours):
        held.append(each)
        print(f"{each.hour:3d} h  {each.resident_mb:7.2f} MB by the process", flush=True)
    return slope_mb_h(held, lambda each: each.resident_mb)


def main() -> int:
    """Grow, and say it; give the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("hours", type=int, nargs="?", default=HOURS, help=f"simulated (default {HOURS})")
    parser.add_argument("--lines", action="store_true", help="say which lines of the code grow")
    args = parser.parse_args()
    with TemporaryDirectory() as name:
        bed = GrowingBed(Path(name))
        slope = (traced if args.lines else resident)(bed, args.hours)
        bed.close()
    print(f"slope: {slope:.4f} MB an hour of monitoring, at most {SLOPE_MB_H:g}")
    return 1 if slope > SLOPE_MB_H else 0


if __name__ == "__main__":
    sys.exit(main())
