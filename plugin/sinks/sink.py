"""The seam of every sink: it is given the whole alarm state, again and again, and never raises.

A sink is level-triggered and idempotent: it makes the world agree with the snapshot, whatever it
was told before, so that a restart or a lost message heals itself at the next one (within 5 s).
Failure is a value. The service raises a technical condition from it and falls back on another sink.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias

from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from barocast.runtime.alarm.events import AlarmSnapshot

GROUP: Final = "barocast.sinks"

Guarantee: TypeAlias = Literal["primary", "best_effort"]
"""`primary`: meant to be relied on at the bedside. `best_effort`: for information only."""


@dataclass(frozen=True, slots=True)
class SelfTest:
    """Whether a sink can do its work here and now."""

    ok: bool
    text: str
    """One line for `doctor` and the start-up log; says the mend where there is one."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Whether the world agrees with the last snapshot."""

    ok: bool = True
    text: str = ""
    """What failed; empty when `ok`."""


class AlarmSink(Protocol):
    """Where an alarm goes."""

    guarantee: Guarantee

    def self_test(self) -> SelfTest:
        """Try the way out without alarming anybody; at start and every 24 hours."""

    def apply(self, snapshot: AlarmSnapshot) -> Receipt:
        """Show or sound exactly this state. Returns at once; never raises on a failing device."""

    def close(self) -> None:
        """Fall silent, go dark, and release the device."""


def third_party_sink(name: str) -> AlarmSink:
    """Make the sink behind an entry point of the group `barocast.sinks`: a callable without arguments."""
    found = [point for point in entry_points(group=GROUP) if point.name == name]
    if not found:
        offered = ", ".join(sorted(point.name for point in entry_points(group=GROUP))) or "none"
        raise SettingsError(f"sink {name!r}: nothing installed offers it (group {GROUP} has {offered})")
    make = found[0].load()
    if not callable(make):
        raise SettingsError(f"sink {name!r}: takes keys; write a table [sinks.{name}] instead")
    sink: AlarmSink = make()
    return sink
