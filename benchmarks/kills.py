"""`python -m benchmarks.kills [N]`: SIGKILL the real service N times while it alarms; writes kills.md.

`barocast run` serves a bed whose monitor goes on speaking; a manager starts it anew at once (kills_rig). Each
kill falls at random: while it starts, or while it alarms and people act on its page as fast as it answers.
After each, from outside:

    acknowledged   every row whose Receipt was ok (a stranger's plugin wrote that down, kills_stranger), and
                   every row that a reader of the log had seen, is in the log
    chain          `audit verify` finds nothing, every VERIFY_EVERY kills and at the end
    alarm          the first snapshot of every start shows the alarm, at most BACK_S after READY
    pauses         none lasts longer than it was asked for, by the clock outside
    case           goes on under the same id
    left behind    no process, no port, no lock: the next start is READY, heard and seen

Exit status 1 when a promise was broken.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.plugin.audit.reading import last_rows, opened, said
from barocast.plugin.audit.row import canonical
from barocast.plugin.audit.seal import public_key
from barocast.plugin.audit.verify import verify
from barocast.runtime.alarm.facts import FORECAST, FREQUENT
from barocast.runtime.alarm.truth import UNAVAILABLE
from benchmarks import machine
from benchmarks.kills_gateway import Gateway
from benchmarks.kills_rig import Box, Manager, eventually, gone

if TYPE_CHECKING:
    from typing import Self

    from benchmarks.kills_rig import Life

BED: Final = "or-1"
SPEED: Final = 20.0
"""Of the monitor's clock: a decision every 1.5 s."""
STARTING: Final = 0.35
"""Share of the kills that fall before READY."""
LONGEST_S: Final = 2.0
"""Latest kill after READY."""
START_S: Final = 1.0
"""About what a start takes; those that are killed in it are killed within so long."""
BACK_S: Final = 1.0
"""Stated: from READY to the first snapshot that shows the alarm."""
READY_S: Final = 15.0
"""Stated: from start to READY (requirement RUN-01)."""
VERIFY_EVERY: Final = 50
FIRST_S: Final = 120.0
"""For the first alarm: an admission begins a case anew, and its history is 15 min of the monitor's clock."""
PAUSE_S: Final = 10.0
PAUSE_EVERY_S: Final = 17.0
PAGE_LATE_S: Final = 10.0
"""A page that is killed with an act in its hands may have done it."""
AGAIN_S: Final = 0.1
SLACK_S: Final = 0.5
"""A process that is starved reads its clock late; a pause that grew by a restart would grow by seconds."""
LEFT_S: Final = 3.0
"""For an engine whose service is dead to notice."""
ALARMS: Final = frozenset({FORECAST, FREQUENT, UNAVAILABLE})
"""What a patient at risk looks like: the forecast, or that there is none."""
MOST_SHOWN: Final = 20
"""Of what was broken, on the page."""
BAD_WORDS: Final = ("NO SCREEN", "NOT READY", "another process", "Traceback", "NO FORECASTS")

TEXT: Final = """# {kills:,} SIGKILLs of the service while it alarms

`python -m benchmarks.kills {kills}` on {machine}; load average {load}.

`barocast run` with one bed, a page, an audit log and a case, killed at random: about {starting:.0%} of the
kills while it starts, the others within {longest:g} s of READY, while its alarm sounds and people act on its
page. A manager starts it anew at once. The bundle is a toy whose risk follows the pressure. The feed is
HL7 over TCP, its clock runs {speed:g} times as fast, and whoever answers is first told its last 16 min.

| | |
|---|---|
| kills; before READY, after | {kills:,}; {before:,}, {after:,} |
| time | {minutes:.0f} min |
| rows acknowledged | {acknowledged} |
| of these lost | {lost} |
| rows in the log; verdict | {rows}; {verdict} |
| start to READY, s: p50, p99, max | {ready} |
| READY to the first snapshot with the alarm, s: p50, p99, max | {back} |
| first snapshot shows | {first} |
| snapshots without the alarm after that | {silent} |
| pauses asked for; longer by more than {slack:g} s; most | {pauses}; {longer}; {excess:.2f} s |
| cases; processes left behind; ends of its own accord | {cases}; {left}; {own} |
| in its own words on stderr | {words} |

Stated: READY within {ready_s:g} s of a start, and the alarm told within {back_s:g} s of READY.
{broken}
"""


@dataclass(slots=True)
class Tally:
    """What came of the kills."""

    before: int = 0
    """Kills before READY."""
    after: int = 0
    acknowledged: int = 0
    lost: int = 0
    rows: int = 0
    verdict: str = "see below"
    ready_s: list[float] = field(default_factory=list)
    back_s: list[float] = field(default_factory=list)
    first: Counter[str] = field(default_factory=Counter)
    silent: int = 0
    pauses: int = 0
    longer: int = 0
    excess_s: float = -math.inf
    """Most that a pause was longer than asked for."""
    cases: set[str] = field(default_factory=set)
    left: int = 0
    own: int = 0
    told: list[tuple[float, list[str]]] = field(default_factory=list)
    """When each snapshot was told, and which of ALARMS it showed."""
    broken: list[str] = field(default_factory=list)
    """What went against a promise, in words."""

    def breaks(self, what: str, count: int = 1) -> None:
        """Note what went against a promise."""
        self.broken += [what] * bool(count)


class People:
    """Whoever acts on the page, as fast as it answers; they pause its sound now and then."""

    def __init__(self, box: Box, tally: Tally) -> None:
        self._box, self._tally = box, tally
        self.paused_until_s = 0.0
        """Latest end of any pause that they can have caused, monotonic."""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="people", daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Go."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        next_s, ages = time.monotonic(), cycle((67, 68))
        while not self._over.is_set():
            if time.monotonic() >= next_s:
                next_s = time.monotonic() + PAUSE_EVERY_S
                self._pause()
            elif not self._box.act(BED, "describe", patient={"age_years": next(ages)}):
                self._over.wait(AGAIN_S)
            self._look()

    def _pause(self) -> None:
        self.paused_until_s = time.monotonic() + PAGE_LATE_S + PAUSE_S
        self._tally.pauses += self._box.act(BED, "pause-audio", seconds=PAUSE_S)
        self.paused_until_s = time.monotonic() + PAUSE_S

    def _look(self) -> None:
        state = self._box.shown(BED)
        if state is not None and state["case"] is not None:
            self._tally.cases.add(state["case"]["id"])


PAGE_LATE_S: Final = 10.0
"""A page that is killed with the act in its hands may have done it."""


def kill_service(box: Box, manager: Manager, kills: int, seed: int) -> Tally:
    """Kill it so often; give what came of it."""
    tally, chance = Tally(), random.Random(seed)
    manager.ready()
    eventually(lambda: box.act(BED, "admit", patient={"age_years": 67}), 10.0, "an admission")
    eventually(lambda: _alarming(box), FIRST_S, "an alarm")
    box.told()
    with People(box, tally) as people:
        for number in range(kills):
            life = _chosen(manager, chance, tally)
            seen = _newest(box)
            manager.kill()
            life.process.wait()
            _judge_rows(box, seen, tally, people)
            if number % VERIFY_EVERY == 0:
                _verify(box, tally)
            if number % 10 == 0:
                print(f"{number + 1} kills, {tally.acknowledged} rows {tally.broken[-1:]}", flush=True)
    manager.ready(after=life)
    _judge_rows(box, _newest(box), tally, people)
    _verify(box, tally)
    _judge_lives(manager, tally)
    return tally


def _alarming(box: Box) -> bool:
    state = box.shown(BED)
    return bool(state and state["alarm"]["sounding"] == "medium")


def _chosen(manager: Manager, chance: random.Random, tally: Tally) -> Life:
    """Wait for a random moment of the newest process."""
    life = manager.life
    if life.ended_s is not None:
        former = life
        life = eventually(lambda: manager.life if manager.life is not former else None, 10.0, "a new start")
    if chance.random() < STARTING:
        time.sleep(chance.uniform(0.0, START_S))
    else:
        manager.ready()
        time.sleep(chance.uniform(0.0, LONGEST_S))
    if life.ready_s is None:
        tally.before += 1
    else:
        tally.after += 1
    return life


def _newest(box: Box) -> tuple[int, bytes]:
    """Give what somebody who looks at the log now sees last."""
    with opened(box.log(BED)) as db:
        row = next(iter(last_rows(db, 1)), None)
    return (row.sequence, row.hash) if row else (0, b"")


def _judge_rows(box: Box, seen: tuple[int, bytes], tally: Tally, people: People) -> None:
    """Compare what was told to have been acknowledged with what the log holds."""
    told = box.told()
    acknowledged = Counter(tuple(line["acknowledged"]) for line in told if "acknowledged" in line)
    with opened(box.log(BED)) as db:
        newest = list(last_rows(db, 2 * acknowledged.total() + 200))
    held = Counter((s["kind"], s["wall"], canonical(s["body"])) for s in map(said, newest))
    missing = acknowledged - held
    tally.acknowledged += acknowledged.total()
    tally.lost += missing.total()
    tally.breaks(f"acknowledged and not there: {sorted(missing)}", missing.total())
    if seen not in {(row.sequence, row.hash) for row in newest} and seen[0]:
        tally.lost += 1
        tally.breaks(f"row {seen[0]} was seen and is not there")
    _judge_told([line for line in told if "told" in line], tally, people)


def _judge_told(told: list[dict[str, Any]], tally: Tally, people: People) -> None:
    """Judge what one process told; its clock is placed in ours by the line that came soonest."""
    zero_s = min((line["at_s"] - line["now_s"] for line in told), default=0.0)
    for line in told:
        shown = [name for name, *_ in line["told"] if name in ALARMS]
        tally.told.append((line["at_s"], shown))
        if not shown:
            tally.silent += 1
            tally.breaks(f"no alarm at {line['at_s']:.2f} s: {line['told']}")
        most_s = max(0.0, people.paused_until_s - zero_s - line["now_s"])
        excess_s = line["audio_pause_left_s"] - most_s
        tally.excess_s = max(tally.excess_s, excess_s)
        if excess_s > SLACK_S:
            tally.longer += 1
            tally.breaks(f"sound paused for {excess_s:.2f} s too long at {line['at_s']:.2f} s")


def _verify(box: Box, tally: Tally) -> None:
    verdict = verify(box.log(BED), public_key(box.log(BED)))
    tally.rows = verdict.last - verdict.first + 1
    if verdict.finding is None:
        tally.verdict = "sound"
    else:
        tally.breaks(f"row {verdict.finding.sequence}: {verdict.finding.kind}: {verdict.finding.text}")


def _judge_lives(manager: Manager, tally: Tally) -> None:
    """See how each start went, and what it left behind."""
    time.sleep(LEFT_S)
    lives, former = manager.lives, manager.lives[:-1]
    tally.own = sum(life.why != "killed" for life in former)
    tally.left = sum(not gone(life) for life in former)
    tally.ready_s = [life.ready_s - life.began_s for life in lives if life.ready_s is not None]
    ends = [*(life.began_s for life in lives[1:]), math.inf]
    for life, end_s in list(zip(lives, ends, strict=True))[1:]:
        first = next((told for told in tally.told if life.began_s <= told[0] < end_s), None)
        if first is not None and life.ready_s is not None:
            tally.back_s.append(max(0.0, first[0] - life.ready_s))
            tally.first.update(first[1])
    tally.breaks(f"READY after {max(tally.ready_s):.1f} s", max(tally.ready_s) > READY_S)
    tally.breaks(f"the alarm back {max(tally.back_s):.1f} s after READY", max(tally.back_s) > BACK_S)
    tally.breaks(f"{tally.own} processes ended by themselves", tally.own)
    tally.breaks(f"{tally.left} processes left something behind", tally.left)
    tally.breaks(f"{len(tally.cases)} cases", len(tally.cases) != 1)


def _page(tally: Tally, words: Counter[str], minutes: float) -> str:
    return TEXT.format(
        kills=tally.before + tally.after,
        machine=machine.described(),
        load=", ".join(f"{load:.2f}" for load in os.getloadavg()),
        starting=STARTING,
        longest=LONGEST_S,
        speed=SPEED,
        before=tally.before,
        after=tally.after,
        minutes=minutes,
        acknowledged=f"{tally.acknowledged:,}",
        lost=tally.lost,
        rows=f"{tally.rows:,}",
        verdict=tally.verdict,
        ready=_spread(tally.ready_s),
        back=_spread(tally.back_s),
        first=", ".join(f"{name} ({count})" for name, count in tally.first.items()),
        silent=tally.silent,
        pauses=tally.pauses,
        longer=tally.longer,
        slack=SLACK_S,
        excess=max(0.0, tally.excess_s),
        cases=len(tally.cases),
        left=tally.left,
        own=tally.own,
        words=", ".join(f"{count} x {word}" for word, count in words.items()) or "no complaint",
        ready_s=READY_S,
        back_s=BACK_S,
        broken="\n".join(["", "Broken:", "", *(f"- {what}" for what in tally.broken[:MOST_SHOWN])])
        if tally.broken
        else "\nNo promise was broken.",
    )


def _spread(seconds: list[float]) -> str:
    return ", ".join(f"{figure:.2f}" for figure in (*np.percentile(seconds, (50, 99)), max(seconds)))


def main() -> int:
    """Kill as often as asked, and write the page; give the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kills", type=int, nargs="?", default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--disk", type=Path, help="folder on the disk to try; the system's temporary one")
    args = parser.parse_args()
    began_s = time.monotonic()
    with TemporaryDirectory(dir=args.disk) as folder:
        box = Box(Path(folder), {BED: "hl7"})
        with Gateway(box.ports[BED], speed=SPEED), Manager(box, restart_s=0.0) as manager:
            tally = kill_service(box, manager, args.kills, args.seed)
        stderr = (Path(folder) / "stderr.log").read_text("utf-8")
    words = Counter({word: stderr.count(word) for word in BAD_WORDS if word in stderr})
    tally.breaks(f"it said {dict(words)}", words.total())
    text = _page(tally, words, (time.monotonic() - began_s) / 60)
    Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)
    return 1 if tally.broken else 0


if __name__ == "__main__":
    sys.exit(main())
