"""Whole alarm states to what has become of each alarm: for receivers that are told changes, not states.

    take(snapshot, wall_s) -> one Report a change        standing(wall_s) -> one `continue` an alarm shown

An alarm is one condition from its start to its end. Escalation makes a new occurrence of it, with the same
start, and stays the same alarm; raising it again is the end of one and the start of another. Alarms are
numbered by the occurrence with which they start. Phases as in IHE PCD TF-2, PCD-04 (MDC_ATTR_EVENT_PHASE).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from barocast.runtime.alarm.events import AlarmSnapshot, Condition, DecisionSummary


class Phase(str, Enum):
    """What has become of an alarm."""

    START = "start"
    CONTINUE = "continue"
    """Nothing: it is told again."""
    UPDATE = "update"
    """Its words, its state or its inactivation state."""
    ESCALATE = "escalate"
    DE_ESCALATE = "de-escalate"
    END = "end"

    def __str__(self) -> str:
        """Print the word of the wire, on every Python alike."""
        return self.value


@dataclass(frozen=True, slots=True)
class Report:
    """One alarm and what has become of it."""

    alarm: int
    """Its number: the occurrence with which it started."""
    phase: Phase
    condition: Condition
    """As it is shown now; as it was last shown, and not active, when it has ended."""
    started_s: float
    """When it started, seconds since 1970."""
    wall_s: float
    """When this became of it, seconds since 1970."""
    decision: DecisionSummary | None = None
    """The latest one by then."""


class AlertPhases:
    """Keeps the alarms that are shown."""

    def __init__(self) -> None:
        self._shown: dict[tuple[str, str], Report] = {}

    def take(self, snapshot: AlarmSnapshot, wall_s: float) -> list[Report]:
        """Give what has changed since the snapshot before; ends come first. `wall_s`: its time since 1970."""
        was, self._shown = self._shown, {}
        reports: list[Report] = []
        for condition in snapshot.conditions:
            known = _same(was.get(condition.key), condition)
            began_s = wall_s - (snapshot.now_s - condition.since_s)
            alarm, started_s = (known.alarm, known.started_s) if known else (condition.occurrence, began_s)
            phase = _phase(known.condition, condition) if known else Phase.START
            now = Report(alarm, phase or Phase.CONTINUE, condition, started_s, wall_s, snapshot.decision)
            self._shown[condition.key] = now
            reports += [now] if phase else []
        shown = {report.alarm for report in self._shown.values()}
        return [ended(report, wall_s) for report in was.values() if report.alarm not in shown] + reports

    def standing(self, wall_s: float) -> list[Report]:
        """Give every alarm that is shown, as going on at `wall_s`."""
        return [replace(report, phase=Phase.CONTINUE, wall_s=wall_s) for report in self._shown.values()]


def ended(report: Report, wall_s: float) -> Report:
    """Give the end of an alarm."""
    gone = replace(report.condition, active=False)
    return replace(report, phase=Phase.END, condition=gone, wall_s=wall_s)


def _same(known: Report | None, condition: Condition) -> Report | None:
    """Give the alarm that was shown, unless this is another one of the same name."""
    return known if known is not None and known.condition.since_s == condition.since_s else None


def _phase(was: Condition, now: Condition) -> Phase | None:
    if now.priority != was.priority:
        return Phase.ESCALATE if now.priority > was.priority else Phase.DE_ESCALATE
    return Phase.UPDATE if now != was else None
