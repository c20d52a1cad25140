"""`python -m benchmarks.kills_log N`: SIGKILL a process that writes the audit log, N times, at random points.

Each writer opens the same log, notes a number, and says the number on a pipe once its Receipt was ok. After
each kill every number that was said must be in the log, and the chain must verify; the next writer goes on
where the last one was cut off. Exit status 1 when a promise was broken. `--rows` then times rows on this
disk, each from the bed's call to its Receipt.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NoReturn

from barocast.plugin.audit.log import AuditLog
from barocast.plugin.audit.reading import NAME, opened, rows, said
from barocast.plugin.audit.row import Provenance
from barocast.plugin.audit.seal import public_key
from barocast.plugin.audit.verify import verify

SHORTEST_S: Final = 0.005
"""Some are killed while they open the log."""
LONGEST_S: Final = 0.12
READ_BYTES: Final = 1 << 16
WALL: Final = "2026-11-22T21:00:00.000+00:00"


@dataclass(slots=True)
class Tally:
    """What came of the kills."""

    kills: int = 0
    said: int = 0
    """Rows whose Receipt was ok."""
    lost: int = 0
    """Of these, rows that the log does not hold."""
    broken: str = ""
    """What the first verdict that was not sound said."""


def kill_writers(folder: Path, kills: int, seed: int) -> Tally:
    """Kill writers of one log, one after the other, until something breaks."""
    tally, chance = Tally(), random.Random(seed)
    while tally.kills < kills and not (tally.lost or tally.broken):
        acknowledged = _killed(folder, tally.kills, chance.uniform(SHORTEST_S, LONGEST_S))
        tally.kills += 1
        tally.said += len(acknowledged)
        if (folder / NAME).exists():  # the first may be killed before there is one
            _judge(folder, acknowledged, tally)
    return tally


def _judge(folder: Path, acknowledged: set[tuple[int, int]], tally: Tally) -> None:
    with opened(folder) as db:
        bodies = [told["body"] for told in map(said, rows(db)) if told["kind"] == "counted"]
    tally.lost += len(acknowledged - {(body["writer"], body["number"]) for body in bodies})
    finding = verify(folder, public_key(folder)).finding
    if finding is not None:
        tally.broken = f"row {finding.sequence}: {finding.kind}: {finding.text}"


def _killed(folder: Path, writer: int, after_s: float) -> set[tuple[int, int]]:
    """Let a writer write for a while and kill it; give what it was told is on the disk."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        _write(folder, writer, theirs)
    os.close(theirs)
    time.sleep(after_s)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    told = b""
    while piece := os.read(ours, READ_BYTES):
        told += piece
    os.close(ours)
    return {(writer, int(number)) for number in told.split(b"\n")[:-1]}


def _write(folder: Path, writer: int, told: int) -> NoReturn:
    log = AuditLog(folder, Provenance("killed", "none"))
    number = 0
    while True:
        if log.note("counted", {"writer": writer, "number": number}, WALL).ok:
            os.write(told, b"%d\n" % number)
        number += 1


def timed(folder: Path, rows_: int) -> list[float]:
    """Write rows one after the other; give the seconds that each took, shortest first."""
    spent = []
    with closing(AuditLog(folder, Provenance("timed", "none"))) as log:
        log.self_test()
        for number in range(rows_):
            began = time.perf_counter()
            log.note("counted", {"number": number}, WALL)
            spent.append(time.perf_counter() - began)
    return sorted(spent)


def _print_times(spent: list[float]) -> None:
    p50, p99 = (1000 * spent[len(spent) * share // 100] for share in (50, 99))
    rate = len(spent) / sum(spent)
    print(
        f"{len(spent)} rows: {rate:,.0f}/s, p50 {p50:.2f} ms, p99 {p99:.2f} ms, max {1000 * spent[-1]:.2f} ms"
    )


def main() -> int:
    """Kill as often as asked; give the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kills", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--disk", type=Path, help="folder on the disk to try; the system's temporary one")
    args = parser.parse_args()
    with TemporaryDirectory(dir=args.disk) as folder:
        tally = kill_writers(Path(folder) / "killed", args.kills, args.seed)
        if args.rows:
            _print_times(timed(Path(folder) / "timed", args.rows))
    print(
        f"{tally.kills} kills, {tally.said} rows acknowledged, {tally.lost} lost; {tally.broken or 'sound'}"
    )
    return 1 if tally.lost or tally.broken or tally.kills < args.kills else 0


if __name__ == "__main__":
    sys.exit(main())
