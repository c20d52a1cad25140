"""One bed's watch: events in, decisions and alarm effects out. Pipeline and alarm machine joined.

The bedside, the demo and replay all drive this object; only where the events come from and what
their clock is differs. Time is a parameter: monotonic seconds live, the recording's own in replay.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from barocast.plugin.map_columns import NONE, MapColumns
from barocast.runtime.alarm import machine, restart
from barocast.runtime.alarm.events import Acknowledge, NewCase, Tick
from barocast.runtime.alarm.rules import (
    ALARM_PAUSE_S,
    UNAVAILABLE_LOW_S,
    UNAVAILABLE_MEDIUM_S,
    AlarmRules,
    Priority,
)
from barocast.runtime.pipeline import EVERY_S, Pipeline

if TYPE_CHECKING:
    from collections.abc import Iterable

    from barocast.plugin.map_columns import Columns
    from barocast.runtime.alarm.events import AlarmEvent, AlarmSnapshot, Effect, Operated
    from barocast.runtime.alarm.machine import AlarmState
    from barocast.runtime.bundle import Bundle
    from barocast.runtime.domain import Decision, Event, Floats, Patient
    from barocast.runtime.engines import Engine

BACKLOG_S: Final = 120.0
"""Device seconds after which a decision that is only now due is too old to alarm on."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A decision and what became of it."""

    decision: Decision
    alarm: str
    """The contract's word: `none`, `advisory`, `medium`."""
    effects: list[Effect]
    map_10s: Floats
    """(n,) mmHg, NaN where nothing was measured: the columns of the pipeline's grid that ended since the
    decision before this one, the last of them at or just before its own time."""


class Watch:
    """A pipeline whose decisions go through the alarm machine."""

    def __init__(
        self,
        bundle: Bundle,
        engine: Engine,
        patient: Patient | None = None,
        every_s: float = EVERY_S,
        priority: Priority = Priority.LOW,
        *,
        escalate_at: float | None = None,
        alarm_pause_max_s: float = ALARM_PAUSE_S,
    ) -> None:
        """`escalate_at` and `alarm_pause_max_s` as in AlarmRules. Raises SettingsError."""
        self.bundle_id = bundle.manifest.id
        self._bundle, self._engine, self._every_s = bundle, engine, every_s
        self._rules = replace(
            alarm_rules(bundle, priority, every_s),
            escalate_at=escalate_at,
            alarm_pause_max_s=alarm_pause_max_s,
        )
        self._state: AlarmState | None = None
        """None until the first event tells what time it is."""
        self._begin(patient)

    def _begin(self, patient: Patient | None) -> None:
        self.pipeline = Pipeline(self._bundle, self._engine, patient, self._every_s)
        self._columns = MapColumns(self.pipeline.timeline)
        self._unsaid = NONE
        """Columns of decisions that came too late to be given: the next one brings them."""

    def feed(self, events: Iterable[Event], now_s: float | None = None) -> list[Outcome]:
        """Take a decoder's events; `now_s` None means that the recording's own clock rules."""
        return self.take(self.pipeline.judge(self.pipeline.steady(events, now_s), now_s), now_s)

    def take(self, judged: Iterable[Event], now_s: float | None = None) -> list[Outcome]:
        """Take events that the pipeline has judged."""
        heard = self._heard(self.pipeline.due(judged))
        outcomes = []
        for decision, found in heard:
            columns = found.after(self._unsaid)
            past = now_s is not None and self._past(decision)
            self._unsaid = columns if past else NONE
            if not past:
                outcomes.append(self._judge(decision, now_s, columns))
        return outcomes

    def finish(self, now_s: float | None = None) -> list[Outcome]:
        """Give the decisions that the end of a recording makes due; `now_s` as in `feed`."""
        heard = self._heard(self.pipeline.due_at_end())
        return [self._judge(decision, now_s, columns) for decision, columns in heard]

    def admit(self, patient: Patient, now_s: float) -> list[Effect]:
        """Begin with another patient, or with nobody: nothing of the former one's history is left."""
        self._begin(patient)
        return self.tell(NewCase(), now_s)

    def stored(self, now_s: float) -> dict[str, Any]:
        """Give what of the alarm state shall outlive the process (alarm.restart)."""
        return restart.stored(self._started(now_s))

    def restore(self, kept: object, now_s: float, away_s: float) -> None:
        """Go on with what was kept `away_s` seconds ago; nothing of it where that is not known."""
        self._state = restart.restored(kept, self._rules, now_s, away_s)

    def tell(self, event: AlarmEvent, now_s: float) -> list[Effect]:
        """Pass on what is no decision: an operator's act, a lost feed, a tick."""
        self._state, effects = machine.step(self._started(now_s), event, now_s)
        return effects

    def refused(self, act: Operated, now_s: float) -> str:
        """Say why an operator's act cannot be done; empty where it can."""
        if not isinstance(act, Acknowledge) or act.occurrence is None:
            return ""
        shown = {condition.occurrence for condition in self.snapshot(now_s).conditions}
        return "" if act.occurrence in shown else "that alarm is no longer shown"

    def tick(self, now_s: float) -> list[Effect]:
        """Let time pass."""
        return self.tell(Tick(), now_s)

    def abstain(self, t_s: float, silent_s: float, now_s: float) -> Outcome:
        """Decide, at `t_s` on the device's clock, on a feed that has gone silent."""
        return self._judge(self.pipeline.silent(t_s, silent_s), now_s, self._columns.silent(t_s))

    @property
    def alarm(self) -> str:
        """The contract's word for the state of now."""
        return "none" if self._state is None else machine.alarm_word(self._state)

    def snapshot(self, now_s: float) -> AlarmSnapshot:
        """Give the whole alarm state."""
        return machine.snapshot(self._started(now_s), now_s)

    def _past(self, decision: Decision) -> bool:
        """Whether a gap made it due so late that silence has answered for it: live, it is not news now."""
        newest_s = self.pipeline.timeline.newest_s
        return newest_s is not None and newest_s - decision.t_s > BACKLOG_S

    def _started(self, now_s: float) -> AlarmState:
        return machine.start(self._rules, now_s) if self._state is None else self._state

    def _heard(self, decisions: Iterable[Decision]) -> list[tuple[Decision, Columns]]:
        """Put beside each decision what the timeline held when it was made."""
        return [(decision, self._columns.decided(decision.t_s)) for decision in decisions]

    def _judge(self, decision: Decision, now_s: float | None, columns: Columns) -> Outcome:
        effects = self.tell(decision, decision.t_s if now_s is None else now_s)
        return Outcome(decision, self.alarm, effects, columns.mmhg)


def alarm_rules(bundle: Bundle, priority: Priority, every_s: float = EVERY_S) -> AlarmRules:
    """Give the bundle's operating point as the rules of the alarm machine.

    A risk stands for two periods of `every_s`, seconds, or one late decision would take the alarm down.
    """
    point = bundle.manifest.alarm
    low_s = max(UNAVAILABLE_LOW_S, 2 * every_s)
    return AlarmRules(
        point.trigger,
        horizon_min=point.horizon_min,
        forecast_priority=priority,
        unavailable_low_s=low_s,
        unavailable_medium_s=max(UNAVAILABLE_MEDIUM_S, 2 * low_s),
    )
