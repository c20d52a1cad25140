"""The patient and the feed: what is measured, what of it comes, and what of that is true.

    Monitor.packets(now_s) -> the packets that arrive at this turn, each with its events and its truth
    Truth                  -> which values a forecast may rest on, by the column of the device's clock

A packet is the three pressures and the heart rate of one instant, in the whole numbers that monitors give.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from barocast.runtime.domain import Reason, Sample
from benchmarks.breaker.plan import Kind, Lookup

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from benchmarks.breaker.plan import Plan

USUAL_MMHG: Final = 86.0
COLUMN_S: Final = 10.0
FROZEN_S: Final = 600.0
"""A value that has not moved for longer is not measured; until then nobody can know."""
FROZEN_GAP_S: Final = 90.0
"""After which it is another repetition."""
BELIEVED_S: Final = 25.0
"""Since the last good value: later than that a jump is a new level, as it may well be."""
STEP_S: Final = 5.0
"""Less is a change of the delay; more begins the case anew."""
CLOSE_MMHG: Final = 1.0
NEVER: Final = -math.inf


@dataclass(frozen=True, slots=True)
class Packet:
    """What comes at once."""

    events: tuple[Sample, ...]
    t_s: float
    """Device time, as the pipeline will date it."""
    mean: float
    good: bool
    """Whether the pressure in it is the patient's, and told as measured when it was."""
    bad: bool = False
    """Whether it shows plainly that the pressure cannot be used."""
    stray: bool = False
    """Whether its time is nobody's."""
    frozen: bool = False
    """Whether it repeats a value."""


@dataclass(slots=True)
class Truth:
    """What one process was given of one patient."""

    columns: dict[int, tuple[float, float]] = field(default_factory=dict)
    """Column -> lowest and highest good MAP in it."""
    earlier: dict[int, tuple[float, float]] = field(default_factory=dict)
    """The same from before the monitor's clock was set."""
    good_s: float = NEVER
    """Device time of the newest good value."""
    newest_s: float = NEVER
    """Device time of the newest packet."""

    def take(self, packet: Packet) -> None:
        """Note what arrives."""
        self.newest_s = max(self.newest_s, packet.t_s)
        if packet.good:
            column = math.ceil(packet.t_s / COLUMN_S)
            low, high = self.columns.get(column, (math.inf, -math.inf))
            self.columns[column] = (min(low, packet.mean), max(high, packet.mean))
            self.good_s = max(self.good_s, packet.t_s)

    def clock_set(self, by_s: float) -> None:
        """Begin another time, unless it is nearly the same."""
        if abs(by_s) <= STEP_S:
            return
        self.earlier, self.columns = self.columns, {}
        self.good_s = self.newest_s = NEVER

    def unexplained(self, t_s: float, values: NDArray[np.float32], mask: NDArray[np.bool_]) -> str:
        """Say what in a window that ends at `t_s` was never measured; empty when all was."""
        first = math.ceil(t_s / COLUMN_S) - len(values) + 1
        found = [self._wrong(first + at, float(values[at])) for at in mask.nonzero()[0].tolist()]
        return next((text for text in found if text), "")

    def is_current(self, t_s: float, within_s: float) -> bool:
        """Whether there was a good value not long before `t_s`."""
        first, last = math.floor((t_s - within_s) / COLUMN_S), math.ceil(t_s / COLUMN_S)
        return any(column in self.columns or column in self.earlier for column in range(first, last + 1))

    def lowest(self, from_s: float) -> float:
        """Give the lowest good MAP since a device time."""
        first = math.floor(from_s / COLUMN_S)
        return min((low for column, (low, _) in self.columns.items() if column >= first), default=math.inf)

    def highest(self, from_s: float) -> float:
        """Give the highest good MAP since a device time."""
        first = math.floor(from_s / COLUMN_S)
        return max((high for column, (_, high) in self.columns.items() if column >= first), default=-math.inf)

    def _wrong(self, column: int, value: float) -> str:
        for columns in (self.columns, self.earlier):
            spans = [columns[c] for c in (column - 1, column) if c in columns]
            if spans:
                low, high = min(s[0] for s in spans), max(s[1] for s in spans)
                if low - CLOSE_MMHG <= value <= high + CLOSE_MMHG:
                    return ""
        return f"{value:.1f} mmHg in column {column}"


class Monitor:
    """Measures for ever, whether anybody listens or not."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._dice = random.Random(f"monitor {plan.seed}")
        self._at_s = self._process_s = 0.0
        """Of the next instant, and of the turn, on the clock of whoever listens."""
        self._offset_s = plan.device_offset_s
        self._steps = plan.of(Kind.MONITOR_STEP)
        self._feed = Lookup(plan, FEED_KINDS)
        self._line = Lookup(plan, LINE_KINDS)
        self._last: Packet | None = None
        self._held: list[Packet] = []
        self._frozen: tuple[float, float, tuple[float, float, float]] | None = None
        """Device times of the first and the latest frozen value, and the value."""
        self._level_s = NEVER
        """Device time of the latest good value."""
        self._spiked = False
        self._set_by_s = 0.0

    def begin(self) -> None:
        """Tell that whoever listens has begun anew, and knows nothing of before."""
        self._level_s = NEVER
        if self._frozen is not None:
            self._frozen = (NEVER, NEVER, self._frozen[2])

    def was_set(self) -> float:
        """Give by how much the clock was set since this was last asked, seconds."""
        by_s, self._set_by_s = self._set_by_s, 0.0
        return by_s

    def device_s(self, at_s: float) -> float:
        """Give the monitor's time."""
        return round(at_s * (1 + self._plan.drift) + self._offset_s, 3)

    def packets(self, now_s: float, process_s: float) -> list[Packet]:
        """Give what arrives until `now_s`; what has no time is dated by its arrival, `process_s`."""
        come: list[Packet] = []
        self._process_s = process_s
        while self._at_s <= now_s:
            self._set_clock(self._at_s)
            come += self._deliver(self._at_s, self._measured(self._at_s))
            self._at_s += self._plan.period_s
        return come

    def _set_clock(self, at_s: float) -> None:
        while self._steps and self._steps[0].from_s <= at_s:
            by_s = self._steps.pop(0).amount
            self._offset_s += by_s
            self._set_by_s = max(self._set_by_s, by_s, key=abs)
            self._level_s = NEVER

    # --- what is measured -----------------------------------------------------------------------

    def pressure(self, at_s: float) -> float:
        """Give the true MAP, mmHg."""
        lowest = USUAL_MMHG
        for begin, length, low in self._plan.falls:
            part = (at_s - begin) / length
            if 0 <= part <= 1:
                depth = min(1.0, 3 * part, 3 * (1 - part))
                lowest = min(lowest, USUAL_MMHG - depth * (USUAL_MMHG - low))
        return lowest

    def _measured(self, at_s: float) -> Packet:
        mean = float(round(self.pressure(at_s) + self._dice.gauss(0.0, 1.5)))
        rate, wild = float(round(self._dice.gauss(72, 2))), self._dice.random()
        t_s = self.device_s(at_s) if self._plan.dated else self._process_s
        fault = self._line.at(at_s)
        kind = fault.kind if fault else None
        pressures, good, reason = self._told(kind, mean, wild, t_s)
        if kind is not Kind.FROZEN:
            self._frozen = None
        names = ("ABP_SYS", "ABP_DIA", "ABP_MEAN")
        events = tuple(
            _sample(name, value, t_s, reason) for name, value in zip(names, pressures, strict=True)
        )
        plain = kind in PLAINLY_BAD
        return Packet(
            (*events, _sample("HR", rate, t_s, None, "1/min")),
            t_s,
            pressures[2],
            good,
            plain,
            frozen=kind is Kind.FROZEN,
        )

    def _told(
        self, kind: Kind | None, mean: float, wild: float, t_s: float
    ) -> tuple[tuple[float, float, float], bool, Reason | None]:
        """Give systolic, diastolic and mean as told, whether they are the patient's, and why they are not."""
        true = (mean + 34.0, mean - 17.0, mean)
        if kind in SHAPES:
            return SHAPES[kind](mean), False, None
        if kind is Kind.MISSING:
            return (math.nan,) * 3, False, Reason.MISSING
        if kind is Kind.DEMO:
            return true, False, Reason.DEMO
        if kind is Kind.FROZEN:
            self._frozen = self._frozen or (NEVER, NEVER, true)
            return self._frozen[2], True, None  # until FROZEN_S of it have come (_deliver)
        if kind is Kind.SPIKES and wild < 0.3 and not self._spiked and self._is_level(t_s):  # noqa: PLR2004
            self._spiked = True
            jump = 45.0 if wild < 0.2 else -44.0  # noqa: PLR2004 - up more often than down
            return (true[0] + jump, true[1] + jump, mean + jump), False, None
        self._spiked = False
        return true, True, None

    def _is_level(self, t_s: float) -> bool:
        return 0 <= t_s - self._level_s <= BELIEVED_S - self._plan.period_s

    # --- what comes of it -----------------------------------------------------------------------

    def _deliver(self, at_s: float, packet: Packet) -> list[Packet]:
        fault = self._feed.at(at_s)
        kind = fault.kind if fault else None
        if kind is Kind.HELD_UP:
            self._held.append(packet)
            return []
        held, self._held = self._held, []
        if kind is Kind.UNPLUGGED:
            return []
        come = [*held, *self._altered(kind, packet)]
        return [self._came(each if self._plan.dated else _undated(each, self._process_s)) for each in come]

    def _altered(self, kind: Kind | None, packet: Packet) -> list[Packet]:
        last = self._last
        if kind is Kind.NO_PRESSURE:
            return [replace(packet, events=packet.events[3:], good=False, bad=False, frozen=False)]
        if kind is Kind.REPEATED and last is not None:
            return [replace(last, good=last.good or last.frozen, bad=last.bad and not last.frozen)]
        if kind is Kind.STANDING and last is not None:
            return [_dated(packet, last.t_s)]
        lonely = last is not None and not last.stray  # two of one neighbourhood are a clock that was set
        if kind is Kind.STRAY and lonely and self._dice.random() < 0.1:  # noqa: PLR2004 - now and then
            stray = _dated(packet, packet.t_s + self._dice.choice((-5000.0, 700.0, 90000.0)))
            return [replace(stray, t_s=packet.t_s, good=False, bad=False, stray=True)]
        return [packet]

    def _came(self, packet: Packet) -> Packet:
        """Take note of what arrives at last."""
        if self._frozen is not None and packet.frozen:
            first_s, latest_s, value = self._frozen
            if not abs(packet.t_s - latest_s) <= FROZEN_GAP_S:
                first_s = packet.t_s
            self._frozen = (first_s, packet.t_s, value)
            if packet.good and packet.t_s - first_s > FROZEN_S + self._plan.period_s:
                packet = replace(packet, good=False, bad=True)
        if packet.good:
            self._level_s = packet.t_s
        self._last = packet
        return packet


FEED_KINDS: Final = (
    Kind.UNPLUGGED,
    Kind.NO_PRESSURE,
    Kind.REPEATED,
    Kind.STANDING,
    Kind.HELD_UP,
    Kind.STRAY,
)
LINE_KINDS: Final = (
    Kind.FLUSH,
    Kind.ZEROING,
    Kind.DAMPED,
    Kind.DISCONNECTED,
    Kind.SPIKES,
    Kind.MISSING,
    Kind.DEMO,
    Kind.FROZEN,
)
PLAINLY_BAD: Final = frozenset({Kind.FLUSH, Kind.ZEROING, Kind.DAMPED, Kind.DISCONNECTED, Kind.DEMO})
SHAPES: Final[Mapping[Kind | None, Callable[[float], tuple[float, float, float]]]] = {
    Kind.FLUSH: lambda _: (297.0, 291.0, 295.0),
    Kind.ZEROING: lambda _: (0.0, 0.0, 0.0),
    Kind.DAMPED: lambda mean: (mean + 4.0, mean - 3.0, mean),
    Kind.DISCONNECTED: lambda _: (8.0, 3.0, 5.0),
}
"""Artefact -> systolic, diastolic and mean that it makes of a true mean."""


def _sample(name: str, value: float, t_s: float, reason: Reason | None, unit: str = "mmHg") -> Sample:
    return Sample(name, name, t_s, value, unit, reason is None, reason)


def _dated(packet: Packet, t_s: float) -> Packet:
    return replace(packet, t_s=t_s, events=tuple(replace(event, t_s=t_s) for event in packet.events))


def _undated(packet: Packet, process_s: float) -> Packet:
    return replace(packet, t_s=process_s, events=tuple(replace(event, t_s=None) for event in packet.events))
