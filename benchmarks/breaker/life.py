"""One seed lived through: turn by turn, every act and every fault of its plan, judged by the oracle.

lived(seed, seconds) -> Life
"""

from __future__ import annotations

import traceback
from collections import Counter, deque
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from benchmarks.breaker.box import Box
from benchmarks.breaker.oracle import Oracle, Violation
from benchmarks.breaker.plan import TURN_S, Kind, drawn

if TYPE_CHECKING:
    from collections.abc import Callable

    from barocast.plugin.desk import Act
    from benchmarks.breaker.plan import Plan, Stretch

LATEST: Final = 40
"""Events that are told with a broken promise."""
MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
"""Where there is such a folder, its files lie in memory."""
ENDINGS: Final = (Kind.CRASH, Kind.POWER_CUT, Kind.BAD_BUNDLE)
TWIN_EVERY: Final = 8
"""Lives of so many are lived again without anybody setting the box's clock."""


@dataclass(slots=True)
class Life:
    """What came of one."""

    seed: int
    seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    violations: list[Violation] = field(default_factory=list)
    latest: list[str] = field(default_factory=list)
    """The last events before the first broken promise."""
    alarms: list[tuple[object, ...]] = field(default_factory=list)
    """Everything that was shown, as it changed, with its time."""


def lived(seed: int, seconds: float, say: Callable[[str], None] | None = None) -> Life:
    """Live one; `say` is told of every event. A life whose box's clock is set may have a twin."""
    plan = drawn(seed, seconds)
    life = _lived(plan, say)
    if seed % TWIN_EVERY == 0 and plan.of(Kind.WALL_STEP) and not life.violations:
        calm = replace(plan, stretches=tuple(s for s in plan.stretches if s.kind is not Kind.WALL_STEP))
        twin = _lived(calm, None)
        life.counts["twins"] += 1
        life.seconds += twin.seconds
        life.violations += _apart(life, twin)
    return life


def _apart(life: Life, twin: Life) -> list[Violation]:
    """Give where two lives differ that must not."""
    promise = "P6 the box's clock changes nothing"
    for ours, other in zip(life.alarms, twin.alarms, strict=False):
        if ours != other:
            return [Violation(life.seed, float(str(ours[0])), promise, f"{ours} in place of {other}")]
    return (
        [Violation(life.seed, life.seconds, promise, "other alarms")]
        if len(life.alarms) != len(twin.alarms)
        else []
    )


def _lived(plan: Plan, say: Callable[[str], None] | None) -> Life:
    folder = str(MEMORY) if MEMORY.is_dir() else None
    with TemporaryDirectory(dir=folder, prefix="breaker-") as scratch:
        return Living(plan, Path(scratch), say).live()


class Living:
    """A life while it lasts."""

    def __init__(self, plan: Plan, folder: Path, say: Callable[[str], None] | None) -> None:
        self._plan, self._say = plan, say
        self._life = Life(plan.seed)
        self._latest: deque[str] = deque(maxlen=LATEST)
        self._box = Box(plan, folder)
        self._oracle = Oracle(self._box)
        self._acts = deque(plan.acts)
        self._stalls = deque(plan.of(Kind.STALL))
        self._ends = deque(plan.of(*ENDINGS))
        self._begins = deque(sorted(plan.stretches, key=lambda s: s.from_s))

    def live(self) -> Life:
        """Live it to its end, or to the first promise that is broken."""
        try:
            while self._box.now_s < self._plan.seconds and not self._life.violations:
                self._pass()
            if not self._life.violations:
                self._break("P10 no acknowledged row is lost", self._box.kill(power=True))
        except Exception as error:  # noqa: BLE001 - that none escapes is a promise, too
            frames = traceback.extract_tb(error.__traceback__)[-1]
            self._break("P11 no exception escapes", f"{error!r} at {frames.filename}:{frames.lineno}")
        self._life.seconds = self._box.now_s
        self._life.counts = self._oracle.counts
        self._life.counts["rows acknowledged and found again"] = len(self._box.promised)
        self._life.counts["acts"] = len(self._plan.acts) - len(self._acts)
        self._life.counts["processes"] = self._box.processes
        self._life.latest = list(self._latest) if self._life.violations else []
        return self._life

    def _pass(self) -> None:
        """Let a second pass, or as much as the box is held up or away."""
        box = self._box
        box.now_s += TURN_S
        self._tell_begins()
        while self._stalls and self._stalls[0].from_s <= box.now_s:
            box.now_s = max(box.now_s, self._stalls.popleft().to_s)
        if self._ends and self._ends[0].from_s <= box.now_s:
            self._end(self._ends.popleft())
            return
        self._turn()

    def _turn(self) -> None:
        box, act = self._box, self._act()
        if act is not None:
            self._tell(f"person: {act}")
            self._oracle.before(act)
        packets, asked = box.turn(act)
        refused = asked.result(0) if asked else ""
        was = self._life.alarms[-1][1:] if self._life.alarms else None
        self._life.violations += self._oracle.after(packets, act, refused)
        shown = box.witness.shows
        now = (
            tuple(
                (c.name, c.source, int(c.priority), str(c.inactivation), c.occurrence)
                for c in shown.conditions
            )
            if shown
            else ()
        )
        if was is None or was[0] != now:
            self._life.alarms.append((box.now_s, now))
            self._tell(
                f"shown: {'; '.join(f'{name} {source} {how} #{n}' for name, source, _, how, n in now)}"
            )

    def _act(self) -> Act | None:
        due = self._acts and self._acts[0][0] <= self._box.now_s
        return self._acts.popleft()[1] if due else None

    def _end(self, ending: Stretch) -> None:
        """End the process, be away, and begin again."""
        box = self._box
        broken = box.kill(power=ending.kind is Kind.POWER_CUT)
        self._break("P10 no acknowledged row is lost", broken)
        box.now_s = max(box.now_s, ending.to_s)
        box.skip()
        while self._acts and self._acts[0][0] <= box.now_s:
            self._acts.popleft()
        try:
            box.begin(bad_bundle=ending.kind is Kind.BAD_BUNDLE)
        except AssertionError as error:
            self._break("P9 a corrupted bundle is refused", str(error))
            return
        self._oracle.began()
        self._tell("a process begins")

    def _break(self, promise: str, text: str) -> None:
        if text:
            self._life.violations.append(Violation(self._plan.seed, self._box.now_s, promise, text))

    def _tell_begins(self) -> None:
        while self._begins and self._begins[0].from_s <= self._box.now_s:
            stretch = self._begins.popleft()
            self._life.faults[stretch.kind.value] += 1
            self._tell(f"{stretch.kind.value} until {stretch.to_s:.0f} s ({stretch.amount:g})")

    def _tell(self, text: str) -> None:
        line = f"{self._box.now_s:7.0f} s  {text}"
        self._latest.append(line)
        if self._say is not None:
            self._say(line)
