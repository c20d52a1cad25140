"""What the screen shows, as one frozen value: the service builds it, the layout draws it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from barocast.runtime.domain import FeedCounts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from barocast.runtime.alarm.events import AlarmSnapshot
    from barocast.runtime.domain import Decision, Floats, Reason

SILENT_TRIAL: Final = "SILENT TRIAL: forecasts are logged and not shown"


@dataclass(frozen=True, slots=True)
class Numeric:
    """The latest value of one channel."""

    value: float
    """In the channel's canonical unit; NaN when there is none."""
    age_s: float = 0.0
    """Seconds since it was measured."""
    reason: str | None = None
    """Why it must not be used; None when it may."""


@dataclass(frozen=True, slots=True)
class Feed:
    """One connection and how it fares."""

    name: str
    status: str
    """Session.status: `connecting`, `associated`, `silent`, ..."""
    counts: FeedCounts = field(default_factory=FeedCounts)
    losses: Mapping[str, int] = field(default_factory=dict)
    """What was lost outside the decoder, in words that follow a number -> how much."""


@dataclass(frozen=True, slots=True)
class View:
    """Everything on the screen at one moment."""

    title: str
    """The patient or bed, without anything that identifies a person."""
    bundle_id: str
    alarm: AlarmSnapshot
    numerics: Mapping[str, Numeric]
    """Canonical channel -> its latest value; an absent one is shown as missing."""
    trend_min: Floats
    """(n,) minutes before now, rising to at most 0."""
    trend_map: Floats
    """(n,) mmHg; NaN where MAP was not valid."""
    decision: Decision | None = None
    """None before the first one."""
    feeds: tuple[Feed, ...] = ()
    troubles: tuple[str, ...] = ()
    """What is wrong with a sink, the log, the port or the recorder, a line each."""
    simulated: bool = False
    """True where the patient is not a person: the screen says so."""
    silent: bool = False
    """True in a silent trial."""
    signal: Reason | None = None
    """Why the arterial pressure must not be used now (runtime/signal_status.py); None where it may."""
    case_s: float = 0.0
    """Seconds of the case seen so far."""
    decision_age_s: float = 0.0
    """Seconds since the moment that `decision` is about, on the device's clock."""

    def shown(self) -> View:
        """Give what may be seen: in a silent trial no forecast and no alarm about the patient."""
        if not self.silent:
            return self
        technical = tuple(condition for condition in self.alarm.conditions if condition.technical)
        return replace(self, decision=None, alarm=replace(self.alarm, conditions=technical))
