"""What a bed tells, beside its sinks: the case that is open, its logs, the alarm's memory, and its meter.

All are asked from the bed's own loop, return at once and never raise: what cannot be written is a value,
from which the bed makes the technical condition `log fault`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from barocast.plugin.cases.case import Case
    from barocast.plugin.sinks.sink import Receipt
    from barocast.plugin.watch import Outcome
    from barocast.runtime.alarm.events import LogRow
    from barocast.runtime.domain import Decision, Floats, Patient


class CaseBook(Protocol):
    """The cases of one bed, one of them open or none."""

    @property
    def case(self) -> Case | None:
        """The open one."""

    @property
    def trouble(self) -> str:
        """Why it cannot write; empty while it can."""

    def admit(self, patient: Patient, wall: str) -> None:
        """Open a case; the one that is open has been discharged."""

    def describe(self, patient: Patient, wall: str) -> None:
        """Note what is known of the patient of the open case from now on."""

    def discharge(self, wall: str) -> None:
        """Close the open case."""

    def decided(self, outcome: Outcome, now_s: float, wall: str) -> None:
        """Keep a decision with the columns that led to it."""

    def logged(self, row: LogRow, wall: str) -> None:
        """Keep a transition of an alarm, or an operator's act."""


class AlarmLog(Protocol):
    """The log that nobody can change unseen."""

    def write(self, row: LogRow, wall: str) -> Receipt:
        """Append a transition of an alarm, or an operator's act."""

    def note(self, kind: str, fields: Mapping[str, object], wall: str) -> Receipt:
        """Append what is no alarm: admit, describe, discharge, start, stop, settings."""


class DecisionLog(Protocol):
    """The log of decisions and alarm rows that can be read line by line (sinks.jsonl)."""

    def write_decision(self, decision: Decision, alarm: str, map_10s: Floats) -> Receipt:
        """Append one decision with the MAP that led to it."""

    def write_log(self, row: LogRow, wall: str | None = None) -> Receipt:
        """Append a transition of an alarm, or an operator's act."""

    def close(self) -> None:
        """Let go of the files."""


class AlarmMemory(Protocol):
    """What the alarm system keeps through a crash of its process (plugin.alarm_memory)."""

    def turn(self) -> None:
        """Take the time: a turn of the bed begins."""

    def keep(self, state: dict[str, Any]) -> str:
        """Write the state in the place of the former one; give why it could not be, empty where it was."""

    def recall(self) -> tuple[object, float]:
        """Give what was kept, and the seconds since; infinite where nobody knows."""


class Meter(Protocol):
    """Counts what a bed does (health.meter.BedMeter)."""

    def decided(self, decision: Decision, late_s: float) -> None:
        """Count a decision, `late_s` seconds of the device's clock after its own time."""

    def logged(self, row: LogRow) -> None:
        """Count a row of the alarm log."""

    def told(self, receipts: Mapping[str, Receipt]) -> None:
        """Count what the sinks said to a snapshot."""


class Unmetered:
    """A meter that counts nothing."""

    def decided(self, decision: Decision, late_s: float) -> None:
        """Let it pass."""

    def logged(self, row: LogRow) -> None:
        """Let it pass."""

    def told(self, receipts: Mapping[str, Receipt]) -> None:
        """Let it pass."""
