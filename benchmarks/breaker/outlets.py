"""Ways out of the alarm that fail as the plan says: at once, with an exception, or some turns late."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from barocast.plugin.sinks.sink import Receipt, SelfTest
from benchmarks.breaker.plan import OUTLETS, Kind, Lookup, Stretch

if TYPE_CHECKING:
    from collections.abc import Callable

    from barocast.plugin.sinks.sink import Guarantee
    from barocast.runtime.alarm.events import AlarmSnapshot
    from benchmarks.breaker.plan import Plan

KINDS: Final = (Kind.SINK_FAILS, Kind.SINK_RAISES, Kind.SINK_LATE)
LATE_S: Final = 3.0
"""For so long a sink that hangs says that all is well."""
NAMES: Final[tuple[tuple[str, Guarantee], ...]] = (
    ("speaker", "primary"),
    ("lamp", "primary"),
    ("broker", "best_effort"),
)


class Outlet:
    """One of them, and what it shows."""

    def __init__(self, number: int, plan: Plan, clock: Callable[[], float]) -> None:
        self.name, self.guarantee = NAMES[number]
        self.shows: AlarmSnapshot | None = None
        self.told_s = self.well_since_s = clock()
        """When it was last told while well; since when it is."""
        self.refused_s: float | None = None
        """When it first said that it fails; None while it does not."""
        self._number, self._clock = number, clock
        self._faults = Lookup(plan, KINDS, lambda stretch: stretch.amount == number)

    def fault(self) -> Stretch | None:
        """Give what is wrong with it now."""
        return self._faults.at(self._clock())

    def look(self) -> None:
        """Let time pass: note since when it is well."""
        if self.fault() is not None:
            self.well_since_s = self._clock() + 1.0

    def apply(self, snapshot: AlarmSnapshot) -> Receipt:
        """Show it, unless something is wrong."""
        fault = self.fault()
        if fault is None:
            self.shows, self.told_s, self.refused_s = snapshot, self._clock(), None
            return Receipt()
        if fault.kind is Kind.SINK_LATE and self._clock() - fault.from_s < LATE_S:
            return Receipt()
        if self.refused_s is None:
            self.refused_s = self._clock()
        if fault.kind is Kind.SINK_RAISES:
            raise RuntimeError("its driver broke")
        return Receipt(ok=False, text="no device")

    def self_test(self) -> SelfTest:
        """Say that it works: what it finds is not this simulation's subject."""
        return SelfTest(ok=True, text=self.name)

    def close(self) -> None:
        """Show nothing."""
        self.shows = None


class Witness:
    """An outlet that never fails, and keeps the whole history."""

    name = "witness"
    guarantee: Guarantee = "best_effort"

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.shows: AlarmSnapshot | None = None
        self.told_s = clock()

    def apply(self, snapshot: AlarmSnapshot) -> Receipt:
        """Remember it."""
        self.shows, self.told_s = snapshot, self._clock()
        return Receipt()

    def self_test(self) -> SelfTest:
        """Say that it works."""
        return SelfTest(ok=True, text=self.name)

    def close(self) -> None:
        """Forget it."""
        self.shows = None


def outlets(plan: Plan, clock: Callable[[], float]) -> list[Outlet]:
    """Give every way out of a bed."""
    return [Outlet(number, plan, clock) for number in range(OUTLETS)]
