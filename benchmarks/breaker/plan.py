"""What goes wrong in one life, and when: drawn from the seed alone, before anything runs.

    drawn(seed, seconds) -> Plan

Faults lie in lanes. Within a lane one follows another, since they exclude each other (a line is flushed or
frozen); lanes overlap in any mixture. How busy a lane is differs from seed to seed, calm ones included: a
fault that always comes with nine others would never be seen alone.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import Enum
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from barocast.plugin.desk import Admit, Describe, Discharge
from barocast.runtime.alarm.events import (
    Acknowledge,
    AudioOff,
    PauseAlarms,
    PauseAudio,
    ResumeAlarms,
    ResumeAudio,
)
from barocast.runtime.domain import Patient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from barocast.plugin.desk import Act


class Kind(str, Enum):
    """A fault, and the promise of part D that it tries (in brackets)."""

    FLUSH = "flush (P5)"
    ZEROING = "zeroing (P5)"
    DAMPED = "damped line (P5)"
    DISCONNECTED = "transducer off (P5)"
    SPIKES = "spikes (P5)"
    MISSING = "NaN burst (P5)"
    DEMO = "demonstration (P4)"
    FROZEN = "frozen value (P4)"
    UNPLUGGED = "feed unplugged (P3)"
    NO_PRESSURE = "pressure gone, rest goes on (P3)"
    REPEATED = "last packet repeated (P4)"
    STANDING = "monitor's clock stands (P4)"
    HELD_UP = "held up, then all at once (P4)"
    STRAY = "stray time stamp (P6)"
    MONITOR_STEP = "monitor's clock set (P6)"
    WALL_STEP = "box's clock set (P6)"
    NAN = "model gives NaN (P7)"
    INFINITE = "model gives infinity (P7)"
    SHAPE = "model gives another shape (P7)"
    CROSSED = "model gives crossed risks (P7)"
    DEAD = "engine dead (P7)"
    SLOW = "engine past its deadline (P2)"
    SINK_FAILS = "sink fails (P13)"
    SINK_RAISES = "sink raises (P13)"
    SINK_LATE = "sink fails and says so late (P13)"
    DISK_FULL = "disk full (P8)"
    DISK_BROKEN = "disk I/O error (P8)"
    DISK_READ_ONLY = "disk read-only (P8)"
    DISK_SLOW = "disk does not answer (P8)"
    MEMORY_FULL = "alarm memory cannot be written (P8)"
    STALL = "loop held up (P2)"
    CRASH = "process killed (P14)"
    POWER_CUT = "power cut (P10)"
    BAD_BUNDLE = "restart on a corrupted bundle (P9)"


@dataclass(frozen=True, slots=True)
class Stretch:
    """One fault for a while."""

    kind: Kind
    from_s: float
    to_s: float
    amount: float = 0.0
    """Seconds of a step; place of a sink; nothing for the others."""


@dataclass(frozen=True, slots=True)
class Lane:
    """Faults that exclude one another. Every time is a whole number of seconds."""

    kinds: tuple[Kind, ...]
    gap_s: float
    """Mean, where the lane is as busy as usual."""
    shortest_s: int
    longest_s: int


PRESSURE: Final = Lane(
    (Kind.FLUSH, Kind.ZEROING, Kind.DAMPED, Kind.DISCONNECTED, Kind.SPIKES, Kind.MISSING, Kind.DEMO),
    900,
    5,
    150,
)
FROZEN: Final = Lane((Kind.FROZEN,), 5400, 300, 1500)
FEED: Final = Lane(
    (Kind.UNPLUGGED, Kind.NO_PRESSURE, Kind.REPEATED, Kind.STANDING, Kind.HELD_UP, Kind.STRAY), 1500, 3, 240
)
MONITOR_CLOCK: Final = Lane((Kind.MONITOR_STEP,), 7200, 1, 1)
WALL: Final = Lane((Kind.WALL_STEP,), 3600, 1, 1)
MODEL: Final = Lane((Kind.NAN, Kind.INFINITE, Kind.SHAPE, Kind.CROSSED, Kind.DEAD, Kind.SLOW), 1500, 1, 120)
SINKS: Final = Lane((Kind.SINK_FAILS, Kind.SINK_RAISES, Kind.SINK_LATE), 1800, 2, 300)
DISK: Final = Lane((Kind.DISK_FULL, Kind.DISK_BROKEN, Kind.DISK_READ_ONLY, Kind.DISK_SLOW), 2400, 2, 600)
MEMORY: Final = Lane((Kind.MEMORY_FULL,), 5400, 10, 900)
LOOP: Final = Lane((Kind.STALL,), 2400, 2, 9)
BOX: Final = Lane((Kind.CRASH, Kind.CRASH, Kind.POWER_CUT, Kind.BAD_BUNDLE), 4500, 1, 45)
LANES: Final = (PRESSURE, FROZEN, FEED, MONITOR_CLOCK, WALL, MODEL, SINKS, DISK, MEMORY, LOOP, BOX)
PRESSURE_LANES: Final = (PRESSURE, FROZEN)

BUSY: Final = (0.0, 0.5, 1.0, 1.0, 2.0, 6.0)
"""How busy a lane may be in one life."""
STEPS_S: Final = (1.0, -1.0, 3600.0, -3600.0, 1.75e9)
"""How far a clock is set: to the second, the hour (summer time), and from 1970 to today."""
PERIODS: Final[Mapping[int, float]] = {2: 5.0, 5: 12.0, 10: 25.0}
"""Seconds between two numbers of a feed -> after which it is silent."""
TURN_S: Final = 1.0
"""Between two turns of the loop: slower than the true one, so that whatever waits for a turn waits longer."""
DRIFT: Final = 500e-6
OUTLETS: Final = 3
SURGE_S: Final = (60, 1500)
"""How long the model sees a danger that the pressure does not show."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One life."""

    seed: int
    seconds: float
    period_s: int
    dated: bool
    """Whether the feed tells device times."""
    drift: float
    """Of the monitor's clock, seconds a second."""
    device_offset_s: float
    """Monitor's clock at the beginning."""
    wavering: float
    """Standard deviation of the model's logit."""
    medium: bool
    """Whether a forecast is of medium priority."""
    stretches: tuple[Stretch, ...]
    surges: tuple[tuple[float, float], ...]
    falls: tuple[tuple[float, float, float], ...]
    """(begin, length, lowest MAP) of each fall of the pressure."""
    acts: tuple[tuple[float, Act], ...]

    def of(self, *kinds: Kind) -> list[Stretch]:
        """Give the stretches of some kinds, in order."""
        return [stretch for stretch in self.stretches if stretch.kind in kinds]


class Lookup:
    """Which of some kinds of fault there is at a time that never falls."""

    def __init__(
        self, plan: Plan, kinds: Iterable[Kind], which: Callable[[Stretch], bool] = lambda _: True
    ) -> None:
        self._ahead = sorted(filter(which, plan.of(*kinds)), key=lambda stretch: stretch.from_s)

    def at(self, at_s: float) -> Stretch | None:
        """Give the first that stands; None for none."""
        while self._ahead and self._ahead[0].to_s <= at_s:
            self._ahead.pop(0)
        return next((s for s in self._ahead[:4] if s.from_s <= at_s < s.to_s), None)


def drawn(seed: int, seconds: float) -> Plan:
    """Draw a life."""
    dice = random.Random(f"plan {seed}")
    dated = dice.random() < 0.85  # noqa: PLR2004 - most feeds tell the time
    stretches = [stretch for lane in LANES for stretch in _lane(lane, seconds, dice)]
    undatable = {Kind.STRAY, Kind.MONITOR_STEP, Kind.REPEATED, Kind.STANDING}
    return Plan(
        seed,
        seconds,
        dice.choice(tuple(PERIODS)),
        dated,
        dice.choice((0.0, DRIFT, -DRIFT)),
        dice.choice((0.0, 12345.0, 1.75e9)),
        dice.choice((0.4, 2.5)),
        dice.random() < 0.5,  # noqa: PLR2004 - both priorities alike
        tuple(s for s in _apart(stretches) if dated or s.kind not in undatable),
        tuple(_spans(2400, SURGE_S, seconds, dice)),
        tuple((begin, length, dice.uniform(52.0, 70.0)) for begin, length in _falls(seconds, dice)),
        tuple(sorted([*_acts(seconds, dice), *_ahead_of_ends(stretches, dice)], key=itemgetter(0))),
    )


def _lane(lane: Lane, seconds: float, dice: random.Random) -> Iterator[Stretch]:
    busy = dice.choice(BUSY)
    if not busy:
        return
    longest = (lane.shortest_s, lane.longest_s)
    for begin, end in _spans(lane.gap_s / busy, longest, seconds, dice):
        kind = dice.choice(lane.kinds)
        clock = kind in {Kind.MONITOR_STEP, Kind.WALL_STEP}
        amount = dice.choice(STEPS_S) if clock else dice.randrange(OUTLETS) if lane is SINKS else 0.0
        yield Stretch(kind, begin, end, amount)


def _spans(
    gap_s: float, lasting: tuple[int, int], seconds: float, dice: random.Random
) -> Iterator[tuple[float, float]]:
    at_s = 0.0
    while True:
        at_s += 1.0 + round(dice.expovariate(1 / gap_s))
        if at_s >= seconds:
            return
        end_s = at_s + dice.randint(*lasting)
        yield at_s, end_s
        at_s = end_s


def _apart(stretches: list[Stretch]) -> list[Stretch]:
    """Leave out what would spoil a frozen value: the pressure has one fault at a time."""
    frozen = [s for s in stretches if s.kind is Kind.FROZEN]
    return [
        s
        for s in stretches
        if s.kind not in PRESSURE.kinds
        or not any(f.from_s - 30 <= s.to_s and s.from_s <= f.to_s + 30 for f in frozen)
    ]


def _falls(seconds: float, dice: random.Random) -> Iterator[tuple[float, float]]:
    return ((begin, end - begin) for begin, end in _spans(3000, (600, 1800), seconds, dice))


def _acts(seconds: float, dice: random.Random) -> Iterator[tuple[float, Act]]:
    busy = dice.choice((0.3, 1.0, 3.0))
    at_s = 0.0
    while (at_s := at_s + 1.0 + round(dice.expovariate(busy / 400))) < seconds:
        (act,) = dice.choices(list(ACTS), list(ACTS.values()))
        yield at_s, act(dice)


def _ahead_of_ends(stretches: list[Stretch], dice: random.Random) -> Iterator[tuple[float, Act]]:
    """Silence something shortly before a process is killed: what stands then is what may be kept wrongly."""
    for stretch in stretches:
        if stretch.kind in {Kind.CRASH, Kind.POWER_CUT} and dice.random() < 0.8:  # noqa: PLR2004 - most of them
            act = dice.choice(
                (PauseAudio(120.0), PauseAlarms(300.0), PauseAlarms(60.0), Acknowledge(), AudioOff())
            )
            yield max(1.0, stretch.from_s - dice.randint(2, 20)), act


ACTS: Final[Mapping[Callable[[random.Random], Act], int]] = {
    lambda _: Acknowledge(): 6,
    lambda dice: Acknowledge(dice.randrange(1, 40)): 2,
    lambda dice: PauseAudio(dice.choice((5.0, 60.0, 120.0, 7200.0))): 4,
    lambda _: ResumeAudio(): 2,
    lambda _: AudioOff(): 2,
    lambda dice: PauseAlarms(dice.choice((10.0, 300.0, 86400.0))): 4,
    lambda _: ResumeAlarms(): 2,
    lambda dice: Admit(Patient(age_years=float(dice.randrange(18, 90)))): 1,
    lambda _: Describe(Patient(asa=3)): 1,
    lambda _: Discharge(): 1,
}
"""What people do -> how often, of all that they do."""
