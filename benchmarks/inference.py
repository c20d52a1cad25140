"""What an answer of the shipped bundle costs, beside other ways to the same answer, in one run on one core.

    python -m benchmarks.inference STUDENT [--bundle DIR] [--trust FILE] [--rounds N]

writes benchmarks/inference.md. The contestants (inference_ways) take turns, so that a machine that slows down
slows all of them.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from barocast.plugin.bench.beds import NUMBERS, WITH_WAVE, cpu_s_per_bed_s
from barocast.plugin.bench.engines import ENGINES
from barocast.plugin.bench.fresh import STARTS, fresh_start, typical
from barocast.plugin.bench.spread import beds_per_core
from barocast.plugin.bench.ticks import windows
from barocast.runtime.bundle import default_bundle, read_bundle
from barocast.runtime.errors import BarocastError
from barocast.runtime.trust import trusted_keys
from benchmarks import machine
from benchmarks.inference_ways import ENGINE, OPTIMUM, TEACHER, contestants

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from barocast.plugin.bench.beds import Told
    from barocast.plugin.bench.fresh import Start
    from barocast.runtime.bundle import Bundle
    from barocast.runtime.domain import ModelInput
    from benchmarks.inference_ways import Answer, Contestant

PAGE: Final = Path(__file__).with_name("inference.md")
ROUNDS: Final = 100
WARM_ROUNDS: Final = 2
MOST_TICK_MS, MOST_RSS_MB, MOST_COLD_S, LEAST_BEDS = 1.0, 100.0, 1.0, 1000
LEAST_TIMES: Final = ((TEACHER, 50), (f"{OPTIMUM} default", 2))
"""Begin of a way's name -> how many times as long it is to take."""
TEXT: Final = """# Inference

`python -m benchmarks.inference STUDENT` on {machine}, torch {torch}. One core, one thread, in turn.

{ways}

*Text kept*: the patient's text was read before, as the bedside does once a patient; *whole*: it is read with
every window. The teachers are those of `barocast train teacher` with SmolLM2's first layers, float32.
{absent}
## Goals

{goals}

Start and memory are of a fresh process ({starts} of them, median): interpreter, imports, signature and
hashes, session, known answers, one window. A bed is a whole Watch (signal quality, timeline, model, alarm
machine) on a simulated patient; what decodes its monitor's bytes and what shows it come on top.
"""


@dataclass(frozen=True, slots=True)
class Goal:
    """What was promised, and what came."""

    what: str
    measured: str
    met: bool


def main() -> int:
    """Measure and write the page; 1 where a goal is not met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("student", type=Path, help="folder that `barocast train student` left")
    parser.add_argument("--bundle", type=Path, default=default_bundle())
    parser.add_argument("--trust", type=Path)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    args = parser.parse_args()
    try:
        page, met = measure(args.student, args.bundle, args.trust, args.rounds)
    except BarocastError as error:
        print(f"inference: {error}", file=sys.stderr)
        return 2
    PAGE.write_text(page, encoding="utf-8")
    print(page)
    return int(not met)


def measure(student: Path, directory: Path, trust: Path | None, rounds: int) -> tuple[str, bool]:
    """Give the page, and whether every goal is met. Raises BarocastError."""
    bundle = read_bundle(directory, trusted_keys(trust).values())
    ways, absent = contestants(student, bundle)
    torch.set_num_threads(1)
    with machine.one_core(), torch.no_grad():
        _take_turns(ways, windows(bundle), rounds)
        start = typical([fresh_start(ENGINE, directory.resolve(), trust, 1) for _ in range(STARTS)])
        beds = {told.name: _beds(bundle, told) for told in (NUMBERS, WITH_WAVE)}
    goals = list(_goals(ways, start, beds))
    page = TEXT.format(
        machine=machine.described(),
        torch=torch.__version__,
        ways="\n".join(_ways(ways)),
        absent="".join(f"\nNot measured: {name}: {why}.\n" for name, why in absent.items()),
        goals="\n".join(_goal_rows(goals)),
        starts=STARTS,
    )
    return page, all(goal.met for goal in goals)


def _take_turns(contestants: Sequence[Contestant], asked: Sequence[ModelInput], rounds: int) -> None:
    for turn in range(WARM_ROUNDS + rounds):
        for contestant in contestants:
            seconds = [_timed(contestant.answer, asked[i % len(asked)]) for i in range(contestant.each_round)]
            if turn >= WARM_ROUNDS:
                contestant.took_s.extend(seconds)


def _timed(answer: Answer, window: ModelInput) -> float:
    begun_s = time.perf_counter()
    answer(window)
    return time.perf_counter() - begun_s


def _beds(bundle: Bundle, told: Told) -> float:
    engine = ENGINES[ENGINE](bundle, 1)
    costs = [cpu_s_per_bed_s(bundle, engine, 30.0, told) for _ in range(3)]
    return beds_per_core(statistics.median(costs))


def _ways(contestants: Sequence[Contestant]) -> list[str]:
    ours = contestants[0].spread.p50_ms
    rows = [
        "| way | n | p50, ms | p99, ms | p999, ms | MB | times as long |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in contestants:
        found = one.spread
        size = "" if one.size_bytes is None else f"{one.size_bytes / 1e6:.2f}"
        times = (f"{v:.3f}" if np.isfinite(v) else "-" for v in (found.p50_ms, found.p99_ms, found.p999_ms))
        rows.append(f"| {one.name} | {found.n} | {' | '.join(times)} | {size} | {found.p50_ms / ours:.1f} |")
    return rows


def _goals(contestants: Sequence[Contestant], start: Start, beds: Mapping[str, float]) -> Iterator[Goal]:
    ours = contestants[0].spread.p50_ms
    yield Goal(f"tick, p50 at most {MOST_TICK_MS:g} ms", f"{ours:.3f} ms", ours <= MOST_TICK_MS)
    for begin, least in LEAST_TIMES:
        for one in (one for one in contestants if one.name.startswith(begin)):
            times = one.spread.p50_ms / ours
            yield Goal(f"at least {least} times as fast as: {one.name}", f"{times:.1f}", times >= least)
    rss_mb = np.inf if start.rss_mb is None else start.rss_mb
    yield Goal(
        f"memory with a bundle loaded, at most {MOST_RSS_MB:g} MB", f"{rss_mb:.0f} MB", rss_mb <= MOST_RSS_MB
    )
    yield Goal(
        f"fresh process to first answer, at most {MOST_COLD_S:g} s",
        f"{start.cold_s:.2f} s",
        start.cold_s <= MOST_COLD_S,
    )
    for told, count in beds.items():
        what = f"at least {LEAST_BEDS:,} beds a core, forecast every 30 s; {told}"
        yield Goal(what, f"{count:,.0f}", count >= LEAST_BEDS)


def _goal_rows(goals: Sequence[Goal]) -> list[str]:
    rows = [f"| {goal.what} | {goal.measured} | {'met' if goal.met else '**not met**'} |" for goal in goals]
    return ["| goal | measured | |", "|---|---|---|", *rows]


if __name__ == "__main__":
    sys.exit(main())
