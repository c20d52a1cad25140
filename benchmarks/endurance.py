"""An hour of every client with its virtual monitor, over real lines at 20 times real time, with every fault.

`python -m benchmarks.endurance [SEED]`, or `make bench ARGS=endurance`. Every figure here is simulated: the
monitors are virtual, the lines, the clock and the whole live path are real.
"""

from __future__ import annotations

import math
import statistics
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from barocast.plugin.transports.addresses import open_transport
from barocast.plugin.virtual.account import BACK_S
from barocast.plugin.virtual.datagram_line import over_udp
from barocast.plugin.virtual.endurance import endure, endure_in_memory, troubled
from barocast.plugin.virtual.intellivue_lan import VirtualIntelliVueLan
from barocast.plugin.virtual.lines import over_pty
from barocast.plugin.virtual.rigs import (
    BEFORE_WRAP_S,
    DRI_SERIAL,
    HL7_PUSHED,
    INTELLIVUE,
    INTELLIVUE_LAN,
    RIGS,
)
from barocast.plugin.virtual.tcp_line import answering_tcp, over_tcp
from barocast.plugin.virtual.troubles import Trouble, drawn
from barocast.runtime.bundle import default_bundle, read_bundle
from barocast.runtime.trust import trusted_keys
from benchmarks import machine
from benchmarks.shared_clock import SharedClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import AbstractContextManager

    from barocast.plugin.virtual.endurance import Endured
    from barocast.plugin.virtual.rigs import Rig
    from barocast.plugin.virtual.troubled import TroubledMonitor
    from barocast.plugin.virtual.troubles import Order
    from barocast.runtime.bundle import Bundle

SECONDS: Final = 3600.0
SPEED: Final = 20.0
SEED: Final = 1
HAND_SEEDS: Final = range(101, 106)


TEXT = """# An hour of faults (simulated)

`make bench ARGS=endurance` on {machine}.
Each client of ours against its virtual monitor, for {seconds:.0f} simulated seconds at {speed:g} times real
time (less where this machine was busy), over a real line, through the whole live path (port, session,
pipeline, bed). Every fault that the line can have is switched on at random (seed {seed}), one at a time,
while the monitor's clock drifts by 0.3 to 1 ms/s either way. An IntelliVue's 32-bit clock would wrap at
{wrap:.0f} s, and begins elsewhere after each reboot. The patient's MAP tells the time: every value says when
it was measured.

{table}

- *misplaced*: a valid number or wave packet that enters the timeline further from when it was measured than
  the device's own resolution: {limits}.
- *explained*: the missed MAP lies within a fault, or within {back:.0f} s after its end.
- *altered*: a value that noise changed and the format's own checks let pass (DRI has a sum of 8 bits).
- *back*: from the end of a fault to the arrival of the first believed MAP.
- Largest distance of a well placed value: {worst}.

## The same without a port, on a clock moved by hand: {hours} hours of each client, seeds {seeds}

{by_hand}

## Faults ordered, and MAPs missed for each

{kinds}

## Corrupt pieces by kind

{corrupt}
"""
HEAD: Final = (
    "client",
    "faults",
    "MAPs expected",
    "received",
    "missed, explained",
    "unexplained",
    "misplaced",
    "altered",
    "demo believed",
    "back p50, s",
    "back max, s",
)


@dataclass(frozen=True, slots=True)
class Course:
    """One client on one kind of line."""

    name: str
    rig: Rig
    plug: Callable[[TroubledMonitor, Callable[[], float]], AbstractContextManager[str]]
    """Gives the address to open."""


@dataclass(frozen=True, slots=True)
class Run:
    """One course and what came of it."""

    course: Course
    orders: tuple[Order, ...]
    endured: Endured


def _udp(monitor: TroubledMonitor, clock: Callable[[], float]) -> AbstractContextManager[str]:
    return over_udp(VirtualIntelliVueLan(monitor), clock)


COURSES: Final = (
    Course("intellivue-serial", INTELLIVUE, over_pty),
    Course("intellivue-udp", INTELLIVUE_LAN, _udp),
    Course("dri", DRI_SERIAL, over_pty),
    Course("hl7, tcp-listen", HL7_PUSHED, over_tcp),
    Course("hl7, tcp", HL7_PUSHED, answering_tcp),
)


def measure(seed: int = SEED, seconds: float = SECONDS) -> str:
    """Run every course, one after the other; give the report."""
    bundle = read_bundle(default_bundle(), trusted_keys().values())
    by_hand = [_hours(rig, bundle, seconds) for rig in RIGS]
    return _report([_run(course, bundle, seed, seconds) for course in COURSES], by_hand, seed, seconds)


def _hours(rig: Rig, bundle: Bundle, seconds: float) -> list[Run]:
    course = Course(rig.feed.name, rig, over_pty)
    plans = {seed: drawn(seed, sorted(rig.troubles), seconds) for seed in HAND_SEEDS}
    return [Run(course, p, endure_in_memory(rig, p, bundle, seconds, seed)) for seed, p in plans.items()]


def _run(course: Course, bundle: Bundle, seed: int, seconds: float) -> Run:
    orders = drawn(seed, sorted(course.rig.troubles), seconds)
    monitor, clock = troubled(course.rig, orders, seed), SharedClock(SPEED)
    far, near = clock.hand(), clock.hand()
    monitor.begin(near())
    with course.plug(monitor, far) as address:
        endured = endure(
            course.rig, monitor, bundle, lambda: open_transport(address), near, seconds, clock.sleep
        )
    run = Run(course, orders, endured)
    print(_row(run), flush=True)
    return run


def _report(runs: list[Run], by_hand: list[list[Run]], seed: int, seconds: float) -> str:
    return TEXT.format(
        machine=machine.described(),
        seconds=seconds,
        speed=SPEED,
        seed=seed,
        wrap=BEFORE_WRAP_S,
        back=BACK_S,
        table=_table(_row(run) for run in runs),
        limits="; ".join(f"{run.course.name} {_limits(run.course.rig)}" for run in runs),
        worst="; ".join(f"{run.course.name} {_worst(run)}" for run in runs),
        hours=len(HAND_SEEDS),
        seeds=f"{HAND_SEEDS[0]} to {HAND_SEEDS[-1]}",
        by_hand=_table(_row(*hours) for hours in by_hand),
        kinds=_kinds(runs),
        corrupt="\n".join(
            f"- {run.course.name}: {_listed(run.endured.counts.corrupt_by_reason)}" for run in runs
        ),
    )


def _row(*runs: Run) -> str:
    """Give the figures of a client, of all its runs together."""
    told = [run.endured.account for run in runs]
    back_s = [seconds for one in told for _, seconds in one.back_s] or [math.nan]
    cells = (
        runs[0].course.name,
        sum(len(run.orders) for run in runs),
        sum(one.expected for one in told),
        sum(one.received for one in told),
        sum(one.explained.total() for one in told),
        sum(len(one.unexplained) for one in told),
        sum(len(one.misplaced) for one in told),
        sum(len(one.altered) for one in told),
        sum(one.demo_believed for one in told),
        f"{statistics.median(back_s):.1f}",
        f"{max(back_s):.1f}",
    )
    return _line(cells)


def _table(rows: Iterable[str]) -> str:
    return "\n".join([_line(HEAD), _line(["---"] * len(HEAD)), *rows])


def _line(cells: Iterable[object]) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def _limits(rig: Rig) -> str:
    return f"{rig.numeric_off_s:.3g} s (waves {rig.wave_off_s:.2g} s)"


def _worst(run: Run) -> str:
    return ", ".join(
        f"{kind} {off_s:.3f} s" for kind, off_s in sorted(run.endured.account.worst_off_s.items())
    )


def _kinds(runs: list[Run]) -> str:
    """Give ordered / missed, a line for each fault and a column for each client."""
    lines = [["fault", *(run.course.name for run in runs)], ["---"] * (len(runs) + 1)]
    for trouble in Trouble:
        ordered = [sum(order.trouble is trouble for order in run.orders) for run in runs]
        missed = [run.endured.account.explained[trouble.value] for run in runs]
        cells = (f"{n} / {m}" if n else "-" for n, m in zip(ordered, missed, strict=True))
        lines.append([trouble.value, *cells])
    return "\n".join(map(_line, lines))


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in sorted(counts.items())) or "none"


if __name__ == "__main__":
    print(measure(*(int(text) for text in sys.argv[1:2])))
