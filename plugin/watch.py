"""One bed's watch: events in, decisions and alarm effects out. Pipeline and alarm machine joined.

The bedside, the demo and replay all drive this object; only where the events come from and what
their clock is differs. Time is a parameter: monotonic seconds live, the recording's own in replay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from barocast.runtime import alarm
from barocast.runtime.alarm_events import Tick
from barocast.runtime.alarm_rules import AlarmRules, Priority
from barocast.runtime.pipeline import EVERY_S, Pipeline

if TYPE_CHECKING:
    from collections.abc import Iterable

    from barocast.runtime.alarm import AlarmState
    from barocast.runtime.alarm_events import AlarmEvent, AlarmSnapshot, Effect
    from barocast.runtime.bundle import Bundle
    from barocast.runtime.domain import Decision, Event, Patient
    from barocast.runtime.engines import Engine


@dataclass(frozen=True, slots=True)
class Outcome:
    """A decision and what became of it."""

    decision: Decision
    alarm: str
    """The contract's word: `none`, `advisory`, `medium`."""
    effects: list[Effect]


class Watch:
    """A pipeline whose decisions go through the alarm machine."""

    def __init__(
        self,
        bundle: Bundle,
        engine: Engine,
        patient: Patient | None = None,
        every_s: float = EVERY_S,
        priority: Priority = Priority.LOW,
    ) -> None:
        self.bundle_id = bundle.manifest.id
        self.pipeline = Pipeline(bundle, engine, patient, every_s)
        self._rules = alarm_rules(bundle, priority)
        self._state: AlarmState | None = None
        """None until the first event tells what time it is."""

    def feed(self, events: Iterable[Event], now_s: float | None = None) -> list[Outcome]:
        """Take a decoder's events; `now_s` None means that the recording's own clock rules."""
        return self.take(self.pipeline.judge(events), now_s)

    def take(self, judged: Iterable[Event], now_s: float | None = None) -> list[Outcome]:
        """Take events that the pipeline has judged."""
        return [self._judge(decision, now_s) for decision in self.pipeline.take(judged)]

    def finish(self) -> list[Outcome]:
        """Give the decision that falls on the recording's last sample."""
        return [self._judge(decision, None) for decision in self.pipeline.finish()]

    def tell(self, event: AlarmEvent, now_s: float) -> list[Effect]:
        """Pass on what is no decision: an operator's act, a lost feed, a tick."""
        self._state, effects = alarm.step(self._started(now_s), event, now_s)
        return effects

    def tick(self, now_s: float) -> list[Effect]:
        """Let time pass."""
        return self.tell(Tick(), now_s)

    def abstain(self, t_s: float, silent_s: float, now_s: float) -> Outcome:
        """Decide, at `t_s` on the device's clock, on a feed that has gone silent."""
        return self._judge(self.pipeline.silent(t_s, silent_s), now_s)

    @property
    def alarm(self) -> str:
        """The contract's word for the state of now."""
        return "none" if self._state is None else alarm.alarm_word(self._state)

    def snapshot(self, now_s: float) -> AlarmSnapshot:
        """Give the whole alarm state."""
        return alarm.snapshot(self._started(now_s), now_s)

    def _started(self, now_s: float) -> AlarmState:
        return alarm.start(self._rules, now_s) if self._state is None else self._state

    def _judge(self, decision: Decision, now_s: float | None) -> Outcome:
        effects = self.tell(decision, decision.t_s if now_s is None else now_s)
        return Outcome(decision, self.alarm, effects)


def alarm_rules(bundle: Bundle, priority: Priority) -> AlarmRules:
    """Give the bundle's operating point as the rules of the alarm machine."""
    point = bundle.manifest.alarm
    return AlarmRules(point.trigger, horizon_min=point.horizon_min, forecast_priority=priority)
