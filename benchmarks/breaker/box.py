"""The real bed over everything virtual: begun, served a turn at a time, killed, and begun again.

Box.begin(bad_bundle)   a process starts; on a corrupted bundle it must refuse it, and live
Box.turn(act)           one turn of the bed's loop at the time of now
Box.kill(power)         the process is gone; with `power` the boot too, and half a write
"""

from __future__ import annotations

import random
import shutil
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final

from barocast.plugin.audit.clock_state import ClockSources
from barocast.plugin.audit.reading import opened, rows, said
from barocast.plugin.audit.seal import public_key
from barocast.plugin.audit.verify import verify
from barocast.plugin.bedside import Bedside
from barocast.plugin.cases.book import CaseBook
from barocast.plugin.cases.facts import About
from barocast.plugin.desk import Desk
from barocast.plugin.service.model import refused_model
from barocast.plugin.watch import Watch
from barocast.runtime.alarm.rules import Priority
from barocast.runtime.bundle import default_bundle, read_bundle
from barocast.runtime.domain import FeedCounts
from barocast.runtime.errors import BundleError
from barocast.runtime.trust import trusted_keys
from benchmarks.breaker.disk import DecisionLog, Disk, HandLog, KeptState, key
from benchmarks.breaker.engine import BUNDLE, VirtualEngine
from benchmarks.breaker.monitor import Monitor
from benchmarks.breaker.outlets import Witness, outlets
from benchmarks.breaker.plan import PERIODS, Kind

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    from barocast.plugin.desk import Act
    from barocast.plugin.service.model import Model
    from barocast.runtime.domain import Event
    from benchmarks.breaker.monitor import Packet
    from benchmarks.breaker.plan import Plan

NAME: Final = "breaker"
EPOCHS_S: Final = (1e6, 1.75e9)
"""What the box's wall clock says when it is first switched on: 1970 without a battery, or today."""


class Line:
    """A session that hands out what has arrived."""

    counts, status = FeedCounts(), "associated"

    def __init__(self) -> None:
        self.arrived: list[Event] = []

    def receive(self, _: bytes, now_s: float) -> tuple[list[Event], bytes]:  # noqa: ARG002 - a Session's words
        """Give it."""
        arrived, self.arrived = self.arrived, []
        return arrived, b""

    def due(self, now_s: float) -> bytes:  # noqa: ARG002 - likewise
        """Send nothing."""
        return b""

    def release(self) -> bytes:
        """Send nothing."""
        return b""


class Box:
    """One box with one bed."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan, self.now_s = plan, 0.0
        self._folder, self._dice = folder, random.Random(f"box {plan.seed}")
        self._wall_s = self._dice.choice(EPOCHS_S)
        self._steps = plan.of(Kind.WALL_STEP)
        self._disk = Disk(plan, self._clock)
        self.kept = KeptState(self._disk)
        self.monitor = Monitor(plan)
        self.boots = self.processes = 0
        self.promised: set[tuple[object, ...]] = set()
        """Rows of earlier processes that were acknowledged."""
        self.begin()

    def _clock(self) -> float:
        return self.now_s

    def _wall(self) -> float:
        """Give seconds since 1970 as somebody has set them."""
        while self._steps and self._steps[0].from_s <= self.now_s:
            self._wall_s += self._steps.pop(0).amount
        return self._wall_s + self.now_s

    def wall(self) -> str:
        """Give date and time."""
        return datetime.fromtimestamp(self._wall(), timezone.utc).isoformat(timespec="milliseconds")

    @property
    def process_s(self) -> float:
        """Monotonic time as this process counts it."""
        return self.now_s - self.began_s

    def begin(self, *, bad_bundle: bool = False) -> None:
        """Start a process. Raises AssertionError where a corrupted bundle is taken."""
        self.processes += 1
        self.began_s = self.now_s
        self.line, self.desk = Line(), Desk()
        self.outlets, self.witness = outlets(self.plan, self._clock), Witness(self._clock)
        self.decisions = DecisionLog(self._disk)
        self.log = HandLog(self._folder / f"log {self.processes}", self._disk, self._sources())
        self.engine = VirtualEngine(self.plan, self._clock)
        model = _refused(self._folder, self._dice) if bad_bundle else None
        self.refused = model is not None
        watch = Watch(
            model.bundle if model else BUNDLE,
            model.engine if model else self.engine,
            priority=Priority.MEDIUM if self.plan.medium else Priority.LOW,
        )
        self.kept.bundle = watch.bundle_id
        self.bedside = Bedside(
            name=NAME,
            session=self.line,
            watch=watch,
            sinks=[self.witness, *self.outlets],
            log=self.decisions,
            desk=self.desk,
            book=CaseBook(About(NAME), self.wall()),
            audit=self.log,
            memory=self.kept,
            stale_s=PERIODS[self.plan.period_s],
            wall=self.wall,
        )
        self.bedside.engine_trouble = model.trouble if model else self.engine.trouble
        self.bedside.ways_out.try_out()
        self.monitor.begin()

    def turn(self, act: Act | None) -> tuple[list[Packet], Future[str] | None]:
        """Serve the bed once; give what came of the feed, and of the act."""
        packets = self.monitor.packets(self.now_s, self.process_s)
        self.line.arrived = [event for packet in packets for event in packet.events]
        asked = self.desk.put(act) if act is not None else None
        for outlet in self.outlets:
            outlet.look()
        self.bedside.step(b"", self.process_s)
        self.log.tend()
        return packets, asked

    def kill(self, *, power: bool) -> str:
        """End the process without a word; say what of the log is not as it was acknowledged."""
        into = self._folder / f"log {self.processes + 1}"
        self.log.cut_off(into, self._dice if power else None)
        if power:
            self.kept.boot()
            self.boots += 1
        return self._broken(into)

    def _broken(self, folder: Path) -> str:
        """Say what acknowledged row a log does not hold, or where its chain breaks; empty for sound."""
        if not (folder / "audit.db").exists():
            return "no log at all" if self.log.acknowledged else ""
        with opened(folder) as db:
            told = [said(row) for row in rows(db)]
        held = {key(each["kind"], each["body"]) for each in told}
        self.promised |= self.log.acknowledged
        lost = self.promised - held
        if lost:
            return f"{len(lost)} acknowledged rows lost, such as {min(lost, key=str)}"
        finding = verify(folder, public_key(folder)).finding
        return f"row {finding.sequence}: {finding.kind}: {finding.text}" if finding else ""

    def skip(self) -> None:
        """Let what comes meanwhile come to nobody."""
        self.monitor.packets(self.now_s, 0.0)

    def _sources(self) -> ClockSources:
        boot = f"boot {self.boots}"
        return ClockSources(self._clock, self._wall, self.wall, lambda: boot, lambda: False)


def _refused(folder: Path, dice: random.Random) -> Model:
    """Give what stands in for a bundle of which one bit was flipped."""
    bundle = folder / "bundle"
    shutil.copytree(default_bundle(), bundle, dirs_exist_ok=True)
    path = dice.choice(sorted(bundle.iterdir()))
    data = bytearray(path.read_bytes())
    data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    path.write_bytes(data)
    try:
        read_bundle(bundle, trusted_keys().values())
    except BundleError as error:
        return refused_model(error)
    raise AssertionError(f"a flipped bit in {path.name} was not seen")
