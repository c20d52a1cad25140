"""`python -m benchmarks.breaker`: many lives, a process a core; writes benchmarks/breaker.md.

    --hours 1000 --seeds 500 --jobs 2    simulated hours in all, lives, processes
    --seed N [--trace]                   live this one life again, and say what happens in it

Exit status 1 when a promise was broken.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.breaker.life import Life, lived
from benchmarks.machine import described

if TYPE_CHECKING:
    from collections.abc import Iterable

HOUR_S: Final = 3600.0
PAGE: Final = Path(__file__).parents[1] / "breaker.md"
CHUNK: Final = 4


@dataclass(slots=True)
class Tally:
    """What came of all lives."""

    lives: int = 0
    hours: float = 0.0
    violations: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)

    def take(self, life: Life) -> None:
        """Add one."""
        self.lives += 1
        self.hours += life.seconds / HOUR_S
        self.violations += len(life.violations)
        self.counts += life.counts
        self.faults += life.faults


def main() -> int:
    """Live what was asked for; give the exit status."""
    args = _arguments()
    seconds = args.hours * HOUR_S / args.seeds
    if args.seed is not None:
        life = lived(args.seed, seconds, print if args.trace else None)
        _tell(life)
        return 1 if life.violations else 0
    began_s = time.monotonic()
    with ProcessPoolExecutor(args.jobs) as pool:
        tally = _tallied(pool.map(partial(lived, seconds=seconds), range(args.seeds), chunksize=CHUNK))
    page = _page(tally, time.monotonic() - began_s, args.jobs)
    PAGE.write_text(page, encoding="utf-8")
    print(page)
    return 1 if tally.violations else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make breaker", description=__doc__)
    parser.add_argument("--hours", type=float, default=1000.0, help="simulated, in all lives together")
    parser.add_argument("--seeds", type=int, default=500, help="lives")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (default: one a core)")
    parser.add_argument("--seed", type=int, help="live this one life alone")
    parser.add_argument("--trace", action="store_true", help="tell its events")
    return parser.parse_args()


def _tallied(lives: Iterable[Life]) -> Tally:
    tally = Tally()
    for life in lives:
        tally.take(life)
        _tell(life)
    return tally


def _tell(life: Life) -> None:
    """Say which promises were broken, and what came before."""
    for violation in life.violations:
        print(violation, flush=True)
    for line in life.latest:
        print(f"    {line}")


def _page(tally: Tally, wall_s: float, jobs: int) -> str:
    rows = [
        ("simulated bed-hours", f"{tally.hours:,.0f}"),
        ("lives (seeds)", f"{tally.lives:,}"),
        ("**broken promises**", f"**{tally.violations}**"),
        ("wall time", f"{wall_s / 60:.1f} min in {jobs} processes"),
        *((name, f"{count:,}") for name, count in sorted(tally.counts.items())),
    ]
    faults = [(name, f"{count:,}") for name, count in sorted(tally.faults.items())]
    return (
        "# The breaker\n\nMade by `make breaker`; what it does and what it cannot see: docs/breaker.md.\n"
        f"{described()}. A simulation, not a bedside.\n"
        f"\n{_table('', 'figure', rows)}\n## Faults\n\n{_table('fault (promise it tries)', 'times', faults)}"
    )


def _table(left: str, right: str, rows: list[tuple[str, str]]) -> str:
    return "".join(
        [f"| {left} | {right} |\n|---|---|\n", *(f"| {name} | {value} |\n" for name, value in rows)]
    )


if __name__ == "__main__":
    sys.exit(main())
