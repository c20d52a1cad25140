"""One case played twice or more often: as it was, and with something put into it.

    TwinBed.play(series, first, stop)    the live path, a turn a second
    TwinBed.branched()                   the same bed once more, as it is now, to go another way
    Told                                 a sink that remembers when each condition was shown

The bed is the one of `barocast run`, the alarm machine included; only the port is left out: events go in as a
session would give them. Bundle and engine hold no state of a patient, and are shared by all branches.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from barocast.plugin.bedside import Bedside
from barocast.plugin.sinks.sink import Guarantee, Receipt, SelfTest
from barocast.plugin.watch import Watch
from barocast.runtime.alarm.events import Part
from barocast.runtime.alarm.facts import FORECAST, FREQUENT
from barocast.runtime.domain import Abstain, Risk

if TYPE_CHECKING:
    from barocast.runtime.alarm.events import AlarmSnapshot
    from barocast.runtime.bundle import Bundle
    from barocast.runtime.domain import Event, Patient
    from barocast.runtime.engines import Engine

FORECASTS: Final = frozenset({FORECAST, FREQUENT})
SIGNAL: Final = str(Part.SIGNAL)


class Series(Protocol):
    """What a feed tells."""

    def at(self, second: int) -> list[Event]:
        """Give the events that arrive in this second."""


@dataclass
class Told:
    """A sink that keeps what it is told of forecasts and of the signal."""

    guarantee: Guarantee = "best_effort"
    raised_s: list[float] = field(default_factory=list)
    """When a new occurrence of a forecast alarm was shown."""
    standing_s: list[float] = field(default_factory=list)
    """Times of telling at which one stood: every 5 s at least."""
    signal: list[tuple[float, str]] = field(default_factory=list)
    """(when, words): `signal not usable` as it began, changed its words, or ended (empty)."""
    _seen: set[int] = field(default_factory=set)

    def self_test(self) -> SelfTest:
        """Nothing can fail."""
        return SelfTest(ok=True, text="")

    def apply(self, snapshot: AlarmSnapshot) -> Receipt:
        """Remember."""
        forecasts = [c for c in snapshot.conditions if c.name in FORECASTS and c.active]
        new = {c.occurrence for c in forecasts} - self._seen
        self._seen |= new
        self.raised_s += [snapshot.now_s] * len(new)
        self.standing_s += [snapshot.now_s] * bool(forecasts)
        words = next((c.text for c in snapshot.conditions if c.name == SIGNAL), "")
        if words != (self.signal[-1][1] if self.signal else ""):
            self.signal.append((snapshot.now_s, words))
        return Receipt()

    def close(self) -> None:
        """Nothing to let go of."""


class NoPort:
    """A session that sends nothing: all that `Bedside.process` asks of one."""

    status = "listening"

    def due(self, now_s: float) -> bytes:  # noqa: ARG002 - the session's signature
        """Ask for nothing."""
        return b""


@dataclass
class TwinBed:
    """A bed, and what came of what it was told."""

    bedside: Bedside
    told: Told
    shared: tuple[Any, ...]
    """What every branch uses together."""
    abstained: list[tuple[float, str]] = field(default_factory=list)
    """(when, why) of decisions that were abstentions."""
    risks: list[tuple[float, Risk]] = field(default_factory=list)
    """(when, which) of those that were forecasts."""

    def play(self, series: Series, first: int, stop: int) -> None:
        """Let the seconds from `first` on pass, `stop` not included."""
        for second in range(first, stop):
            before = self.bedside.decision
            self.bedside.process(series.at(second), float(second))
            decision = self.bedside.decision
            if decision is not before and isinstance(decision, Abstain):
                self.abstained.append((float(second), decision.reason.split(":")[0]))
            elif decision is not before and isinstance(decision, Risk):
                self.risks.append((float(second), decision))

    def branched(self) -> TwinBed:
        """Give another bed in the same state, with what it told so far."""
        return copy.deepcopy(self, {id(part): part for part in self.shared})


def new_bed(bundle: Bundle, engine: Engine, patient: Patient | None, stale_s: float) -> TwinBed:
    """Make a bed at second 0; `stale_s` as its feed has it."""
    told, watch = Told(), Watch(bundle, engine, patient)
    bed = Bedside(name="replayed", session=NoPort(), watch=watch, sinks=[told], stale_s=stale_s)  # type: ignore[arg-type]  # half a session is enough
    return TwinBed(bed, told, (bundle, engine))
