"""One bed: a session's events through the watch to the sinks, one step at a time.

    receive(data, now_s) -> events, reply      whatever came from the port goes in; no reply waits for work
    process(events, now_s) -> bytes to send    the work, and what time alone makes due
    step(data, now_s) -> bytes to send         both

No port and no clock in here: `serve` drives it from a real port, tests from a list. Silence is judged
here, because only the arrival clock can see it: after `stale_s` without a usable sample, or with none whose
time moves, the feed counts as lost (technical alarm) and every decision that falls due is an abstention that
says so. Age and decisions are told on the device's clock, which runs on through silence (device_time).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeGuard

from barocast.plugin.vitals import Vitals
from barocast.runtime.alarm.events import Apply, FeedBack, FeedLost, Log
from barocast.runtime.domain import Sample, WaveChunk

if TYPE_CHECKING:
    from collections.abc import Callable

    from barocast.plugin.sinks.jsonl import JsonLinesSink
    from barocast.plugin.sinks.sink import AlarmSink, Receipt
    from barocast.plugin.watch import Outcome, Watch
    from barocast.runtime.alarm.events import AlarmEvent, Effect
    from barocast.runtime.domain import Decision, Event, Patient
    from barocast.runtime.sessions.session import Session

STANDS: Final = "the feed's clock stands still"
"""Values come, all dated alike: nobody knows when they were measured."""


class Bedside:
    """Session, watch and sinks of one bed. Raises nothing that a feed can cause."""

    def __init__(  # noqa: PLR0913 - the parts of a bed, each by its name
        self,
        *,
        name: str,
        session: Session,
        watch: Watch,
        sinks: list[AlarmSink],
        log: JsonLinesSink | None = None,
        stale_s: float = 5.0,
        every_s: float = 30.0,
        wall: Callable[[], str] = str,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.name = name
        self.session = session
        self.watch = watch
        self.vitals = Vitals()
        self.decision: Decision | None = None
        self.troubles: dict[str, str] = {}
        """Part (a sink, the log, the port, the recorder) -> what is wrong with it now."""
        self.parts: dict[str, Callable[[], str]] = {}
        """Part -> what is wrong with it, asked at every step."""
        self.losses: dict[str, Callable[[], int]] = {
            "stray times": lambda: self.watch.pipeline.strays,
        }
        """What is lost outside the decoder, in words that follow a number -> how much so far."""
        self.describe: Callable[[], Patient] | None = None
        """Who lies there as the feed tells it; None where the site asks for nothing of it."""
        self._patient: Patient | None = None
        self._say = say
        self.sinks = sinks
        self._log = log
        self._stale_s = stale_s
        self._every_s = every_s
        self._wall = wall
        self._heard_s: float | None = None
        self._stood_s: float | None = None
        """When the last usable sample came whose time had not moved; None since one that had."""
        self._times: dict[str, float | None] = {}
        """Channel (empty: none of ours) -> device time of its last usable sample."""
        self._abstained_s: float | None = None

    def step(self, data: bytes, now_s: float) -> bytes:
        """Take what came, let time pass, and give what to send. `now_s` is monotonic."""
        received, reply = self.receive(data, now_s)
        return reply + self.process(received, now_s)

    def receive(self, data: bytes, now_s: float) -> tuple[list[Event], bytes]:
        """Take what came; give its events, which `process` works on, and what to send before that."""
        return self.session.receive(data, now_s)

    def process(self, received: list[Event], now_s: float) -> bytes:
        """Work on events, let time pass, and give what to send."""
        self._admit()
        events = self.watch.pipeline.steady(received, now_s)
        judged = self.watch.pipeline.judge(events, now_s)
        self.vitals.take(judged)
        outcomes = self.watch.take(judged, now_s)
        effects = self._listen(events, now_s)
        outcomes += self._mind_silence(now_s)
        self._carry_out(outcomes, [*effects, *self.watch.tick(now_s)])
        for part, trouble in self.parts.items():
            self.report(part, trouble())
        return self.session.due(now_s)

    def tell(self, event: AlarmEvent, now_s: float) -> None:
        """Pass on an operator's act."""
        self._carry_out([], self.watch.tell(event, now_s))

    def report(self, part: str, trouble: str) -> None:
        """Note what is wrong with a part, empty when nothing is; every change is said once."""
        if trouble == self.troubles.get(part, ""):
            return
        self._say(f"{part}: {trouble or 'well again'}")
        self.troubles = {name: text for name, text in (self.troubles | {part: trouble}).items() if text}

    def close(self) -> None:
        """Let every sink fall silent and close the log."""
        for sink in (*self.sinks, *([self._log] if self._log else [])):
            sink.close()

    def silent_s(self, now_s: float) -> float:
        """Seconds since the last usable sample; 0 before anything was expected."""
        return 0.0 if self._heard_s is None else now_s - self._heard_s

    def device_s(self, now_s: float) -> float:
        """Give the device's time; our own while the feed has told none."""
        device_s = self.watch.pipeline.device_s(now_s)
        return now_s if device_s is None else device_s

    def _admit(self) -> None:
        """Take the patient's description when the feed tells it, or tells another."""
        if self.describe is not None and (patient := self.describe()) != self._patient:
            self._patient = patient
            self.watch.pipeline.admit(patient)

    def _listen(self, events: list[Event], now_s: float) -> list[Effect]:
        was_silent = self.silent_s(now_s)
        usable = {event.channel or "": event.t_s for event in events if _usable(event)}
        moved = any(name not in self._times or self._times[name] != t_s for name, t_s in usable.items())
        self._times |= usable
        if self._heard_s is not None and not moved:
            self._stood_s = now_s if usable else self._stood_s
            return []
        self._heard_s, self._stood_s = now_s, None
        if self._abstained_s is None:
            return []
        self._abstained_s = None
        return self.watch.tell(FeedBack(self.name, was_silent), now_s)

    def _mind_silence(self, now_s: float) -> list[Outcome]:
        silent_s = self.silent_s(now_s)
        if silent_s < self._stale_s:
            return []
        if self._abstained_s is not None and now_s - self._abstained_s < self._every_s:
            return []
        self._abstained_s = now_s
        stands = self._stood_s is not None and now_s - self._stood_s < self._stale_s
        why = STANDS if stands else self.session.status
        self._carry_out([], self.watch.tell(FeedLost(self.name, silent_s, why), now_s))
        begun = self.watch.pipeline.timeline.newest_s is not None
        return [self.watch.abstain(self.device_s(now_s) if begun else silent_s, silent_s, now_s)]

    def _carry_out(self, outcomes: list[Outcome], effects: list[Effect]) -> None:
        for outcome in outcomes:
            self.decision = outcome.decision
            if self._log is not None:
                said = (outcome.decision, outcome.alarm, outcome.map_10s)
                self._note("log", self._log.write_decision(*said))
        for effect in [*(e for outcome in outcomes for e in outcome.effects), *effects]:
            self._effect(effect)

    def _effect(self, effect: Effect) -> None:
        if isinstance(effect, Apply):
            for sink in self.sinks:
                self._note(type(sink).__name__, sink.apply(effect.snapshot))
        elif isinstance(effect, Log) and self._log is not None:
            self._note("log", self._log.write_log(effect.row, self._wall()))

    def _note(self, sink: str, receipt: Receipt) -> None:
        self.report(sink, "" if receipt.ok else receipt.text)


def _usable(event: Event) -> TypeGuard[Sample | WaveChunk]:
    return isinstance(event, Sample | WaveChunk) and event.valid
