"""`python -m benchmarks.soak [MINUTES]`: one process of ours at many monitors in real time; writes soak.md.

16 virtual IntelliVue monitors with an ABP wave speak behind 16 real ptys, all in another process
(soak_monitors), so that CPU and memory here are ours alone. Each bed is the service's own loop (serve) in a
thread: first around its session alone, up to the samples; then around a whole bedside with the shipped bundle
and 15 min of history, up to decisions and alarms. Both have a process of their own, one after the other.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import threading
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from barocast.plugin.bedside import Bedside
from barocast.plugin.clock import Clock
from barocast.plugin.monitors import INTELLIVUE_SERIAL
from barocast.plugin.serve import Line, serve
from barocast.plugin.virtual.intellivue import VirtualIntelliVue
from barocast.plugin.virtual.physiology import SimulatedPatient
from barocast.plugin.watch import Watch
from barocast.runtime.bundle import default_bundle, read_bundle
from barocast.runtime.decoders.intellivue_codes import TICKS_PER_S
from barocast.runtime.engines import OrtEngine
from barocast.runtime.sessions.intellivue import IntelliVueSession
from barocast.runtime.trust import trusted_keys
from benchmarks import machine
from benchmarks.soak_beds import Alone, Heard, TimedBed, TimedPort
from benchmarks.soak_monitors import SCENARIO, speak

if TYPE_CHECKING:
    from collections.abc import Callable

BEDS: Final = 16
MINUTES: Final = 10.0
WARM_S: Final = 20.0
"""Until every bed is associated and its wave runs; not measured."""
EDGE_S: Final = 2.0
"""At both ends of what is measured: an array written there may be on its way."""
HISTORY_S: Final = 930.0
"""What a whole bed has seen before: enough for forecasts from the start."""
TURN_S: Final = 0.128
"""Between the steps in which the history is heard."""

TEXT: Final = """# Sixteen monitors, one process

`python -m benchmarks.soak {minutes:g}` on {machine}; load average {load}.

{beds} virtual IntelliVue monitors with an ABP wave (125 Hz, arrays of 256 ms, bursts of 1.024 s) behind
{beds} ptys, in real time for {minutes:g} min; {warm:g} s to associate are not counted. CPU and memory are of
our process alone; the monitors are another one on the same machine. A whole bed is session, pipeline, model,
and alarm machine, without screen, log and sound; its decisions fall due every 30 s, after 15 min of history.

| a bed is | CPU, % of one core | RSS, MB, start and end | arrays sent | missed | corrupt | decisions |
|---|---|---|---|---|---|---|
{loads}

Delays of a wave array, ms: *read* from the read that gave its last byte to the moment when its bed is done
with it; *line* from the monitor's write, over the pty and through the thread's wake-up, to the same moment.
A pty has no baud rate: at 115,200 baud a burst of 1 kB takes 90 ms more to arrive.

| a bed is | read p50 | read p99 | read max | line p50 | line p99 | line max |
|---|---|---|---|---|---|---|
{delays}
"""


@dataclass(frozen=True, slots=True)
class Soaked:
    """What one run showed."""

    cpu_s: float
    wall_s: float
    rss_mb: tuple[float, float]
    """Start and end."""
    sent: int
    """Wave arrays that the monitors wrote."""
    read_ms: list[float]
    """Of each array that arrived: from its last byte's read until its bed was done."""
    line_ms: list[float]
    """From the monitor's write until then."""
    corrupt: int
    decisions: list[str]
    """Kinds, in no order."""


def main() -> None:
    """Soak both ways, and write the page."""
    parser = argparse.ArgumentParser(prog="make soak", description="16 monitors in real time.")
    parser.add_argument("minutes", nargs="?", type=float, default=MINUTES, help="of each run (default 10)")
    minutes = parser.parse_args().minutes
    runs = {name: _in_its_own_process(name, minutes * 60) for name in _BEDS}
    text = TEXT.format(
        minutes=minutes,
        machine=machine.described(),
        load=", ".join(f"{load:.2f}" for load in os.getloadavg()),
        beds=BEDS,
        warm=WARM_S,
        loads="\n".join(_load(name, run) for name, run in runs.items()),
        delays="\n".join(_delays(name, run) for name, run in runs.items()),
    )
    Path(__file__).with_name("soak.md").write_text(text, encoding="utf-8")
    print(text)


def _in_its_own_process(name: str, seconds: float) -> Soaked:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(soak, name, seconds).result()


def soak(name: str, seconds: float) -> Soaked:
    """Run one soak in this process, the monitors in another."""
    link, far = multiprocessing.get_context("spawn").Pipe()
    start_ticks = round((HISTORY_S + 1) * TICKS_PER_S)
    others = multiprocessing.get_context("spawn").Process(target=speak, args=(far, BEDS, start_ticks))
    make = _BEDS[name]()
    prepared = [make() for _ in range(BEDS)]
    others.start()
    ports = [TimedPort(address) for address in link.recv()]
    beds = [TimedBed(bed, session, port) for (bed, session), port in zip(prepared, ports, strict=True)]
    started, ended = _served(beds, ports, seconds)
    link.send("stop")
    written = link.recv()
    others.join()
    return _judged(beds, written, started, ended)


@dataclass(frozen=True, slots=True)
class Reading:
    """What this process had used up."""

    at_s: float
    """Monotonic."""
    cpu_s: float
    rss_mb: float


def _reading() -> Reading:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return Reading(time.monotonic(), time.process_time(), pages * os.sysconf("SC_PAGE_SIZE") / 1e6)


def _served(beds: list[TimedBed], ports: list[TimedPort], seconds: float) -> tuple[Reading, Reading]:
    """Serve every bed in a thread; read the meters once all run, and at the end."""
    over, clock = threading.Event(), Clock()
    threads = [
        threading.Thread(
            target=serve,
            args=(bed, Line(lambda port=port: port)),
            kwargs={"clock": clock, "until": over.is_set, "sleep": time.sleep},
        )
        for bed, port in zip(beds, ports, strict=True)
    ]
    for thread in threads:
        thread.start()
    time.sleep(WARM_S)
    started = _reading()
    time.sleep(seconds)
    ended = _reading()
    over.set()
    for thread in threads:
        thread.join()
    return started, ended


def _judged(
    beds: list[TimedBed], written: list[dict[int, float]], started: Reading, ended: Reading
) -> Soaked:
    """Compare what was written with what came out."""
    sent, pairs = 0, []
    for bed, stamps in zip(beds, written, strict=True):
        counted = {t: at for t, at in stamps.items() if started.at_s + EDGE_S < at < ended.at_s - EDGE_S}
        sent += len(counted)
        done = np.reshape(bed.done, (-1, 3)).tolist()
        pairs += [(counted[ticks], read, end) for ticks, read, end in done if ticks in counted]
    return Soaked(
        cpu_s=ended.cpu_s - started.cpu_s,
        wall_s=ended.at_s - started.at_s,
        rss_mb=(started.rss_mb, ended.rss_mb),
        sent=sent,
        read_ms=[1000 * (done - read) for _, read, done in pairs],
        line_ms=[1000 * (done - at) for at, _, done in pairs],
        corrupt=sum(bed.session.counts.corrupt for bed in beds),
        decisions=[decision for bed in beds for decision in bed.decisions],
    )


Made: TypeAlias = "tuple[Alone | Bedside, Heard]"


def _session_alone() -> Made:
    session = Heard()
    return Alone(session), session


def _sessions() -> Callable[[], Made]:
    return _session_alone


def _bedsides() -> Callable[[], Made]:
    """Give the way to make whole beds that share one engine."""
    bundle = read_bundle(default_bundle(), trusted_keys().values())
    engine = OrtEngine(bundle)

    def bedside() -> Made:
        bed = Bedside(
            name="soak", session=IntelliVueSession(), watch=Watch(bundle, engine), sinks=[],
            stale_s=INTELLIVUE_SERIAL.stale_s,
        )  # fmt: skip
        _hear_history(bed)
        bed.session = session = Heard()
        return bed, session

    return bedside


def _hear_history(bed: Bedside) -> None:
    """Let a bed hear what came before, as fast as it goes, its clock running up to 0."""
    monitor, reply = VirtualIntelliVue(SimulatedPatient(SCENARIO, 1), waves=(), start_ticks=0), b""
    for turn in range(round(HISTORY_S / TURN_S)):
        now_s = turn * TURN_S - HISTORY_S
        reply = bed.step(monitor.receive(reply, now_s) + monitor.due(now_s), now_s)


_BEDS: Final = {"session alone": _sessions, "whole bed": _bedsides}
"""Way to serve -> what makes its beds, called once in the process that serves them."""


def _load(name: str, run: Soaked) -> str:
    start, end = run.rss_mb
    kinds = ", ".join(f"{count} {kind}" for kind, count in Counter(run.decisions).items()) or "-"
    missed = run.sent - len(run.read_ms)
    share = 100 * run.cpu_s / run.wall_s
    cells = (f"{share:.1f}", f"{start:.0f}, {end:.0f}", f"{run.sent:,}", str(missed), str(run.corrupt), kinds)
    return f"| {name} | {' | '.join(cells)} |"


def _delays(name: str, run: Soaked) -> str:
    cells = [
        f"{figure:.1f}"
        for delays in (run.read_ms, run.line_ms)
        for figure in (*np.percentile(delays, (50, 99)), max(delays))
    ]
    return f"| {name} | {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
