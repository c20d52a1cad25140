"""One bed: a session's events through the watch to the sinks, one step at a time.

    receive(data, now_s) -> events, reply      whatever came from the port goes in; no reply waits for work
    process(events, now_s) -> bytes to send    the work, and what time alone makes due
    step(data, now_s) -> bytes to send         both

No port and no clock in here: `serve` drives it from a real port, tests from a list. A turn of `process`: what
people asked for at the desk; the events, judged, through the watch; silence (feed_hearing); and last whatever
does not work (parts), told to the alarm machine once a turn, so that a sink's failure reaches the others at
once and never answers itself. Age and decisions are told on the device's clock (device_time).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from barocast.plugin.bedside_book import Unmetered
from barocast.plugin.desk import Admit, Describe, Discharge
from barocast.plugin.feed_hearing import STANDS, FeedHearing
from barocast.plugin.parts import Parts
from barocast.plugin.records import LOGS, Records
from barocast.plugin.stay import Stay
from barocast.plugin.vitals import Vitals
from barocast.plugin.ways_out import WaysOut
from barocast.runtime.alarm.events import Apply, FeedBack, FeedLost, Log, Part, PartFailed
from barocast.runtime.domain import Patient, Risk
from barocast.runtime.feed_clock import FeedClock
from barocast.runtime.signal_status import SignalStatus, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from barocast.plugin.bedside_book import AlarmLog, AlarmMemory, CaseBook, DecisionLog, Meter
    from barocast.plugin.desk import Act, Desk
    from barocast.plugin.sinks.sink import AlarmSink
    from barocast.plugin.watch import Outcome, Watch
    from barocast.runtime.alarm.events import AlarmEvent, Effect
    from barocast.runtime.domain import Decision, Event
    from barocast.runtime.sessions.session import Session

PRESSURE: Final = "arterial pressure"


class Bedside:
    """Session, watch and sinks of one bed. Raises nothing that a feed can cause."""

    def __init__(  # noqa: PLR0913 - the parts of a bed, each by its name
        self,
        *,
        name: str,
        session: Session,
        watch: Watch,
        sinks: list[AlarmSink],
        log: DecisionLog | None = None,
        desk: Desk | None = None,
        book: CaseBook | None = None,
        audit: AlarmLog | None = None,
        memory: AlarmMemory | None = None,
        patient: Patient | None = None,
        stale_s: float = 5.0,
        every_s: float = 30.0,
        wall: Callable[[], str] = str,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`patient` is who lies there as people wrote it; what the feed tells only fills its gaps."""
        self.name = name
        self.session = session
        self.watch = watch
        self.vitals = Vitals()
        self.decision: Decision | None = None
        self.signal = SignalStatus()
        """Why the arterial pressure cannot be used, where it cannot."""
        self.troubles: dict[str, str] = {}
        """Part (a sink, the log, the port, the recorder) -> what is wrong with it now."""
        self.parts: dict[str, Callable[[], str]] = {}
        """Part -> what is wrong with it, asked at every step."""
        self.engine_trouble: Callable[[], str] = str
        """What is wrong with the process that computes forecasts, asked at every step; empty for nothing."""
        self.losses: dict[str, Callable[[], int]] = {
            "stray times": lambda: self.watch.pipeline.strays,
        }
        """What is lost outside the decoder, in words that follow a number -> how much so far."""
        self.describe: Callable[[], Patient] | None = None
        """Who lies there as the feed tells it; None where the site asks for nothing of it."""
        self.meter: Meter = Unmetered()
        self.other_patient: Callable[[], None] = lambda: None
        """Called when people say that somebody else lies there, for what the session knows of the former."""
        self.sinks = sinks
        self.ways_out = WaysOut(sinks)
        self._desk, self._log = desk, log
        self._records = Records(log, book, audit, memory, self.report)
        self._stay = Stay(watch, book, wall, self._records.noted, patient or Patient())
        self._hearing = FeedHearing(stale_s, every_s)
        self._clock, self._told = FeedClock(), Parts()
        self._wall, self._say = wall, say
        self._lost = False
        """Whether the alarm machine was told that the feed is."""
        self._begun = False

    def step(self, data: bytes, now_s: float) -> bytes:
        """Take what came, let time pass, and give what to send. `now_s` is monotonic."""
        received, reply = self.receive(data, now_s)
        return reply + self.process(received, now_s)

    def receive(self, data: bytes, now_s: float) -> tuple[list[Event], bytes]:
        """Take what came; give its events, which `process` works on, and what to send before that."""
        return self.session.receive(data, now_s)

    def process(self, received: list[Event], now_s: float) -> bytes:
        """Work on events, let time pass, and give what to send."""
        if (memory := self._records.memory) is not None:
            memory.turn()
        self._begin(now_s)
        self._serve_desk(now_s)
        if self.describe is not None:
            self._carry_out([], self._changed(self._stay.told(self.describe(), now_s)), now_s)
        events = self.watch.pipeline.steady(received, now_s)
        judged = self.watch.pipeline.judge(events, now_s)
        self.vitals.take(judged)
        self.signal.hear(judged, self.watch.pipeline.device_s(now_s))
        outcomes = self.watch.take(judged, now_s)
        self._clock.hear(self.watch.pipeline.timeline.newest_s, now_s)
        effects = self._listen(events, now_s)
        outcomes += self._mind_silence(now_s)
        self._carry_out(outcomes, [*effects, *self.watch.tick(now_s)], now_s)
        self._mind_parts(now_s)
        return self.session.due(now_s)

    def tell(self, event: AlarmEvent, now_s: float) -> None:
        """Pass on an operator's act."""
        self._carry_out([], self.watch.tell(event, now_s), now_s)

    def report(self, part: str, trouble: str) -> None:
        """Note what is wrong with a part, empty when nothing is; every change is said once."""
        if trouble == self.troubles.get(part, ""):
            return
        self._say(f"{part}: {trouble or 'well again'}")
        self.troubles = {name: text for name, text in (self.troubles | {part: trouble}).items() if text}

    def close(self) -> None:
        """Let every sink fall silent and close the log."""
        for sink in self.sinks:
            sink.close()
        if self._log is not None:
            self._log.close()

    def silent_s(self, now_s: float) -> float:
        """Seconds since the last usable sample; 0 before anything was expected."""
        return self._hearing.silent_s(now_s)

    def device_s(self, now_s: float) -> float:
        """Give the device's time; our own while the feed has told none."""
        device_s = self.watch.pipeline.device_s(now_s)
        return now_s if device_s is None else device_s

    def _begin(self, now_s: float) -> None:
        """Go on with what was kept from before a restart."""
        memory = self._records.memory
        if not self._begun and memory is not None:
            kept, away_s = memory.recall()
            self.watch.restore(kept, now_s, away_s)
        self._begun = True

    # --- people ---------------------------------------------------------------------------------

    def _serve_desk(self, now_s: float) -> None:
        for asked in self._desk.take() if self._desk is not None else ():
            if asked.outcome.set_running_or_notify_cancel():
                asked.outcome.set_result(self._done(asked.act, now_s))

    def _done(self, act: Act, now_s: float) -> str:
        """Do what was asked; give why it was not, empty where it was."""
        if isinstance(act, Admit | Describe | Discharge):
            refused, effects = self._stay.do(act, now_s)
            if isinstance(act, Admit | Discharge):
                self.other_patient()
            self._carry_out([], self._changed(effects), now_s)
            return refused
        refused = self.watch.refused(act, now_s)
        if not refused:
            self.tell(act, now_s)
        return refused

    def _changed(self, effects: list[Effect]) -> list[Effect]:
        """Forget the former patient's numbers where effects say that another one has come."""
        if effects:
            self.vitals, self.decision, self.signal = Vitals(), None, SignalStatus()
        return effects

    # --- the feed -------------------------------------------------------------------------------

    def _listen(self, events: list[Event], now_s: float) -> list[Effect]:
        was_silent_s = self._hearing.hear(events, now_s)
        return [] if was_silent_s is None else self._feed_back(was_silent_s, now_s)

    def _feed_back(self, silent_s: float, now_s: float) -> list[Effect]:
        was_lost, self._lost = self._lost, False
        return self.watch.tell(FeedBack(self.name, silent_s), now_s) if was_lost else []

    def _mind_silence(self, now_s: float) -> list[Outcome]:
        if not self._hearing.silence_due(now_s):
            return []
        silent_s = self.silent_s(now_s)
        if self._hearing.stands(now_s):
            self._carry_out([], self._feed_back(silent_s, now_s), now_s)
        else:
            self._lost = True
            self.tell(FeedLost(self.name, silent_s, self.session.status), now_s)
        begun = self.watch.pipeline.timeline.newest_s is not None
        return [self.watch.abstain(self.device_s(now_s) if begun else silent_s, silent_s, now_s)]

    # --- what does not work ---------------------------------------------------------------------

    def _mind_parts(self, now_s: float) -> None:
        for part, trouble in self.parts.items():
            self.report(part, trouble())
        self._records.look()
        self.ways_out.try_when_due(now_s, quiet=self.watch.snapshot(now_s).sounding is None)
        effects: list[Effect] = []
        for event in self._told.news(self._failed(now_s)):
            effects += self.watch.tell(event, now_s)
        self._carry_out([], effects, now_s)

    def _failed(self, now_s: float) -> Iterator[PartFailed]:
        sinks = {failed.source: failed for failed in self.ways_out.failed()}
        for name, _ in self.ways_out.named():
            self.report(name, sinks[name].reason if name in sinks else "")
        yield from sinks.values()
        if self.signal.reason is not None:
            yield PartFailed(Part.SIGNAL, PRESSURE, words_of(self.signal.reason))
        clock = STANDS if self._hearing.stands(now_s) else self._clock.trouble(now_s)
        if clock:
            yield PartFailed(Part.CLOCK, self.name, clock)
        if engine := self.engine_trouble():
            yield PartFailed(Part.ENGINE, "engine", engine)
        for part in LOGS:
            if part in self.troubles:
                yield PartFailed(Part.LOG, part, self.troubles[part])

    # --- what comes of it -----------------------------------------------------------------------

    def _carry_out(self, outcomes: list[Outcome], effects: list[Effect], now_s: float) -> None:
        """Tell the sinks first: no alarm waits for a disk."""
        everything = [*(e for outcome in outcomes for e in outcome.effects), *effects]
        for effect in everything:
            if isinstance(effect, Apply):
                self.meter.told(self.ways_out.apply(effect.snapshot))
                self._records.kept(self.watch.stored(effect.snapshot.now_s))
        for outcome in outcomes:
            self.decision = outcome.decision
            if isinstance(outcome.decision, Risk):
                self._clock.forecast()
            self.meter.decided(outcome.decision, self.device_s(now_s) - outcome.decision.t_s)
            self._records.decided(outcome, now_s, self._wall())
        for effect in everything:
            if isinstance(effect, Log):
                self.meter.logged(effect.row)
                self._records.logged(effect.row, self._wall())
