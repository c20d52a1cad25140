"""What the bed promised, from what went into it and what came out; it reads nothing of the alarm machine.

    before(now, act)      ahead of a turn: what a person asks
    after(now, packets)   behind it: every promise that is broken now
    began(now), killed()  a process begins; one has ended

What is shown is what the witness, a sink that never fails, was told last; every other sink that is well must
show the same.
"""

from __future__ import annotations

import copy
import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from barocast.plugin.desk import Admit, Discharge
from barocast.runtime.alarm.events import (
    Acknowledge,
    AudioOff,
    PauseAlarms,
    PauseAudio,
    ResumeAlarms,
    ResumeAudio,
)
from barocast.runtime.domain import Abstain, Fault, Risk
from benchmarks.breaker.expected import Expected
from benchmarks.breaker.monitor import Truth
from benchmarks.breaker.outlets import LATE_S
from benchmarks.breaker.plan import PERIODS, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from barocast.plugin.desk import Act
    from barocast.runtime.alarm.events import AlarmSnapshot, Condition
    from barocast.runtime.domain import Decision
    from benchmarks.breaker.box import Box
    from benchmarks.breaker.engine import Answer
    from benchmarks.breaker.monitor import Packet

SAID_S: Final = 5.0
"""Within which an unchanged state is told again, and a sink's failure on the others."""
LATE_SILENCE_S: Final = 2.0
"""Beyond the feed's own limit (P3)."""
AUDIO_CAP_S: Final = 120.0
ALARM_CAP_S: Final = 300.0
MEDIUM_S: Final = 300.0
BACKLOG_S: Final = 120.0
"""Device seconds after which a decision is no news."""
CONFIRMED_S: Final = 60.0
"""After a step of the monitor's clock until which nobody can know its time."""
MAP_CURRENT_S: Final = 30.0
LEAST_COLUMNS: Final = 63
"""Of 90: 70 %."""
LOW_MMHG, DEEP_MMHG = 66.0, 61.0
LOW_FOR_S: Final = 240.0
MEDIUM: Final = 2


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was broken."""

    seed: int
    at_s: float
    promise: str
    text: str

    def __str__(self) -> str:
        """Say all of it in a line."""
        return f"seed {self.seed}, {self.at_s:.0f} s: {self.promise}: {self.text}"


@dataclass(slots=True)
class Silenced:
    """What a person may have silenced. All times are simulated seconds."""

    audio_until_s: float = -math.inf
    """Infinite: audio off."""
    audio_floor: int = 0
    alarms_until_s: float = -math.inf
    alarms_floor: int = 0
    acknowledged: set[int] = field(default_factory=set)

    def broken_by(self, new: Condition) -> None:
        """Let a new occurrence end what must not cover it."""
        if new.technical or new.priority > self.audio_floor:
            self.audio_until_s = -math.inf
        if new.technical or new.priority > self.alarms_floor:
            self.alarms_until_s = -math.inf

    def allows(self, condition: Condition, now_s: float) -> bool:
        """Whether a condition may be without its sound."""
        words = {
            "enabled": True,
            "acknowledged": condition.occurrence in self.acknowledged,
            "audio-paused": now_s < self.audio_until_s < math.inf,
            "audio-off": self.audio_until_s == math.inf,
            "alarm-paused": not condition.technical and now_s < self.alarms_until_s,
        }
        return words[str(condition.inactivation)]


class Oracle:
    """Of one life."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self.counts: Counter[str] = Counter()
        self._begun(None)
        self._kept = (copy.deepcopy(self._expected), copy.deepcopy(self._silenced), set[int]())
        """Expected, silenced and the patient's occurrences, as the alarm memory holds them."""

    # --- a process ------------------------------------------------------------------------------

    def began(self) -> None:
        """Tell that a process has begun; what it can know is what the alarm memory gives it."""
        known = self._box.kept.recall()[1] < math.inf
        self._begun(copy.deepcopy(self._kept) if known else None)

    def _begun(self, kept: tuple[Expected, Silenced, set[int]] | None) -> None:
        self._fresh = kept is None
        """Whether nothing is known of before its first turn."""
        self._expected, self._silenced, self._restored = kept or (
            Expected(self._box.now_s),
            Silenced(),
            set[int](),
        )
        if self._silenced.audio_until_s == math.inf:
            self._silenced.audio_until_s = -math.inf
        self._seen = set(self._restored)
        self._faulty, self._why = False, ""
        self._shown: AlarmSnapshot | None = None
        self._process_s = self._box.now_s
        self._forget_feed()

    def _forget_feed(self) -> None:
        self._truth = Truth()
        self._moved_s, self._set_s = -math.inf, -math.inf
        self._times: dict[str, float | None] = {}
        self._bad_since_s: float | None = None
        self._bad_s = -math.inf

    # --- before and after a turn ----------------------------------------------------------------

    def before(self, act: Act) -> None:
        """Note what a person asks: it is done ahead of everything else in the turn."""
        now_s, silenced = self._box.now_s, self._silenced
        shown = self._shown.conditions if self._shown else ()
        stood = max((int(c.priority) for c in shown), default=0)
        match act:
            case Acknowledge(occurrence):
                silenced.acknowledged |= {c.occurrence for c in shown if occurrence in (None, c.occurrence)}
            case PauseAudio(seconds):
                silenced.audio_until_s, silenced.audio_floor = now_s + min(seconds, AUDIO_CAP_S), stood
            case AudioOff():
                silenced.audio_until_s, silenced.audio_floor = math.inf, stood
            case ResumeAudio():
                silenced.audio_until_s = -math.inf
            case PauseAlarms(seconds):
                patients = max((int(c.priority) for c in shown if not c.technical), default=0)
                silenced.alarms_until_s = now_s + min(seconds, ALARM_CAP_S)
                silenced.alarms_floor = max(patients, 1 + self._box.plan.medium)
            case ResumeAlarms():
                silenced.alarms_until_s = -math.inf

    def after(self, packets: list[Packet], act: Act | None, refused: str) -> Iterator[Violation]:
        """Give every promise that is broken now."""
        box = self._box
        self._shown = box.witness.shows
        if self._fresh:
            self._expected.risk_s, self._fresh = box.now_s, False
        if isinstance(act, Admit | Discharge) and not refused:
            self._another_patient()
        self._take_feed(packets)
        answers, decisions = box.engine.taken(), box.decisions.taken()
        broken = [*self._weigh_input(answers), *self._weigh_decisions(answers, decisions)]
        self._note_new()
        for promise, check in CHECKS:
            broken += [(promise, text) for text in check(self)]
        if box.kept.kept_s == box.now_s:
            occurrences = {c.occurrence for c in self._conditions() if not c.technical}
            self._kept = copy.deepcopy((self._expected, self._silenced, occurrences))
        return (Violation(box.plan.seed, box.now_s, promise, text) for promise, text in broken)

    def _another_patient(self) -> None:
        now_s = self._box.now_s
        self._expected = Expected(now_s)
        self._silenced.audio_until_s = self._silenced.alarms_until_s = -math.inf
        self._truth, self._bad_since_s = Truth(), None
        self._box.monitor.begin()

    def _take_feed(self, packets: list[Packet]) -> None:
        box = self._box
        if by_s := box.monitor.was_set():
            self._set_s = box.now_s
            self._truth.clock_set(by_s)
        for packet in packets:
            self._truth.take(packet)
            valid = {str(e.channel): e.t_s for e in packet.events if e.valid}
            moved = any(t_s is None or self._times.get(name) != t_s for name, t_s in valid.items())
            if moved and not packet.stray:
                self._moved_s = box.now_s
                self._times |= valid
            if packet.bad:
                if self._bad_since_s is None or box.now_s - self._bad_s > 2 * box.plan.period_s:
                    self._bad_since_s = box.now_s
                self._bad_s = box.now_s
            elif packet.good:
                self._bad_since_s = None

    # --- P4, P5: what a forecast rests on -------------------------------------------------------

    def _weigh_input(self, answers: list[Answer]) -> Iterator[tuple[str, str]]:
        for answer in answers:
            if wrong := self._truth.unexplained(answer.t_s, answer.series, answer.mask):
                yield "P4/P5 nothing but the patient's pressure is scored", wrong
            if not self._truth.is_current(answer.t_s, MAP_CURRENT_S):
                yield "P4 nothing stale is scored", f"no good pressure in {MAP_CURRENT_S:.0f} s"
            if answer.mask.sum() < LEAST_COLUMNS:
                yield "P4 enough is known", f"{answer.mask.sum()} of {answer.mask.size} columns"

    # --- P1, P7: what becomes of an answer ------------------------------------------------------

    def _weigh_decisions(self, answers: list[Answer], made: list[Decision]) -> Iterator[tuple[str, str]]:
        asked = defaultdict(list)
        for answer in answers:
            asked[answer.t_s].append(answer)
        for decision in made:
            self.counts[f"decisions: {type(decision).__name__.lower()}"] += 1
            self._why = "" if isinstance(decision, Risk) else decision.reason
            if isinstance(decision, Abstain):
                continue
            waiting = asked[decision.t_s]
            if waiting:
                yield from self._weigh(decision, waiting.pop())
            elif not self._box.refused or isinstance(decision, Risk):
                yield "P7 no answer is made up", f"{decision} without the model"
            self._faulty = isinstance(decision, Fault)
        for t_s in (t_s for t_s, left in asked.items() if left):
            if self._truth.newest_s - t_s <= BACKLOG_S:
                yield "P1 no answer is lost", f"the model's at {t_s} s"

    def _weigh(self, decision: Risk | Fault, answer: Answer) -> Iterator[tuple[str, str]]:
        now_s = self._box.now_s
        if isinstance(decision, Fault) or answer.p is None:
            if not (isinstance(decision, Fault) and answer.p is None):
                yield "P7 a broken answer is a fault, and no other", f"{decision} of {answer.p}"
            return
        if abs(decision.p[1] - answer.p) > 1e-9:  # noqa: PLR2004 - rounding
            yield "P7 a risk is the model's own", f"{decision.p[1]} of {answer.p}"
        yield from self._weigh_time(decision)
        self._expected.hear(answer.p, now_s, hypotensive=decision.hypotensive)
        low = self._truth.lowest(decision.t_s - LOW_FOR_S)
        high = self._truth.highest(decision.t_s - MAP_CURRENT_S - 10)
        deep = high < DEEP_MMHG and now_s - self._bad_s > CONFIRMED_S
        if (decision.hypotensive and low >= LOW_MMHG) or (deep and not decision.hypotensive):
            yield "P1 only who is hypotensive is called so", f"{decision.hypotensive}: {low} to {high} mmHg"

    def _weigh_time(self, decision: Risk) -> Iterator[tuple[str, str]]:
        box = self._box
        device_s = box.monitor.device_s(box.now_s) if box.plan.dated else box.process_s
        known = box.now_s - self._set_s > CONFIRMED_S
        if known and device_s - decision.t_s > BACKLOG_S + MAP_CURRENT_S + box.plan.period_s:
            yield "P4 nothing stale is scored", f"{device_s - decision.t_s:.0f} s old"

    # --- what is shown --------------------------------------------------------------------------

    def _conditions(self) -> tuple[Condition, ...]:
        return self._shown.conditions if self._shown else ()

    def _is_shown(self, name: str, source: str | None = None) -> bool:
        return any(c.name == name and c.active and source in (None, c.source) for c in self._conditions())

    def _note_new(self) -> None:
        for condition in self._conditions():
            if condition.occurrence not in self._seen:
                self._seen.add(condition.occurrence)
                self._silenced.broken_by(condition)
                self.counts["alarms: technical" if condition.technical else "alarms: forecast"] += 1

    def lost_alarm(self) -> Iterator[str]:
        """Check that a forecast stands exactly when the rules say so."""
        stands = self._expected.stands(self._box.now_s)
        shown = any(c.active and not c.technical for c in self._conditions())
        if stands != shown:
            yield f"{'no ' * (not shown)}forecast is shown; {self._expected}"

    def unavailable(self) -> Iterator[str]:
        """Check that a minute without a forecast is said, and five of them louder."""
        now_s = self._box.now_s
        said = self._is_shown("forecast fault") or self._is_shown("forecast not available")
        if self._expected.expired(now_s) and not said:
            yield f"no risk for {now_s - self._expected.risk_s:.0f} s, and nothing said"
        long = now_s - self._expected.risk_s >= MEDIUM_S and not self._why.startswith("short history")
        quiet = [c for c in self._conditions() if c.name == "forecast not available" and c.priority < MEDIUM]
        if long and quiet and self._why:
            yield f"no risk for {now_s - self._expected.risk_s:.0f} s, of low priority: {self._why}"

    def fault(self) -> Iterator[str]:
        """Check that a fault is alarmed until there is a risk again."""
        if self._faulty != self._is_shown("forecast fault"):
            yield f"forecast fault shown: {not self._faulty}"

    def silence(self) -> Iterator[str]:
        """Check that a feed that says nothing is told, though it never said anything."""
        silent_s = self._box.now_s - max(self._moved_s, self._process_s)
        due = silent_s >= PERIODS[self._box.plan.period_s] + LATE_SILENCE_S
        if due and not self._is_shown("feed lost") and not self._is_shown("clock not usable"):
            yield f"silent for {silent_s:.0f} s, and nothing said"

    def signal(self) -> Iterator[str]:
        """Check that an artefact is told."""
        box, period_s = self._box, self._box.plan.period_s
        if self._bad_since_s is None or box.now_s - self._set_s <= CONFIRMED_S:
            return
        lasting = box.now_s - self._bad_since_s >= 2 * period_s + 3 and box.now_s - self._bad_s <= period_s
        if lasting and not self._is_shown("signal not usable"):
            yield f"unusable for {box.now_s - self._bad_since_s:.0f} s, and nothing said"

    def sinks(self) -> Iterator[str]:
        """Check that every well sink shows what is, and that one that is not is told on the others."""
        box, now_s = self._box, self._box.now_s
        if now_s - box.witness.told_s >= SAID_S:
            yield f"nothing told for {now_s - box.witness.told_s:.0f} s"
        for outlet in box.outlets:
            fault = outlet.fault()
            if fault is None:
                well = now_s - max(outlet.well_since_s, self._process_s) >= SAID_S
                if well and (not outlet.shows or outlet.shows.conditions != self._conditions()):
                    yield f"{outlet.name} is well and shows something else"
                continue
            due_s = max(fault.from_s, self._process_s) + SAID_S
            late_s = LATE_S if fault.kind is Kind.SINK_LATE else 0.0
            shown = [c for c in self._conditions() if (c.name, c.source) == ("sink fault", outlet.name)]
            grave = outlet.guarantee != "primary" or any(c.priority >= MEDIUM for c in shown)
            if now_s >= due_s + late_s and not (shown and grave):
                yield f"{outlet.name} fails since {fault.from_s:.0f} s, and nothing said"

    def logs(self) -> Iterator[str]:
        """Check that what is not written down is told, and that what is shown was given to the log."""
        box = self._box
        for part, refused_s in (
            ("audit", box.log.refused_s),
            ("log", box.decisions.refused_s),
            ("alarm memory", box.kept.refused_s),
        ):
            if refused_s is not None and refused_s < box.now_s and not self._is_shown("log fault", part):
                yield f"{part} refuses since {refused_s:.0f} s, and nothing said"
        known = box.log.occurrences | self._restored
        yield from (f"{c.text!r} was never logged" for c in self._conditions() if c.occurrence not in known)

    def engine(self) -> Iterator[str]:
        """Check that a lost engine is told."""
        if self._box.bedside.engine_trouble() and not self._is_shown("engine fault"):
            yield "no engine, and nothing said"

    def quiet(self) -> Iterator[str]:
        """Check that nothing is silent but by a person's act, for no longer than that may last."""
        now_s, silenced = self._box.now_s, self._silenced
        for condition in self._conditions():
            if condition.active and not silenced.allows(condition, now_s):
                yield f"{condition.inactivation}: {condition.text!r}"
        if self._shown is None:
            return
        told_s = self._box.witness.told_s
        for name, left_s, until_s in (
            ("audio", self._shown.audio_pause_left_s, silenced.audio_until_s),
            ("alarms", self._shown.alarm_pause_left_s, silenced.alarms_until_s),
        ):
            if left_s > 0 and told_s + left_s > until_s + 1e-6:
                yield f"{name} paused for {left_s:.0f} s more, allowed until {until_s:.0f} s"


CHECKS: Final[tuple[tuple[str, Callable[[Oracle], Iterator[str]]], ...]] = (
    ("P1 no alarm is lost or invented", Oracle.lost_alarm),
    ("P1 no forecast is an alarm", Oracle.unavailable),
    ("P7 a fault is alarmed at once", Oracle.fault),
    ("P3 silence is alarmed in time", Oracle.silence),
    ("P5 an artefact is alarmed", Oracle.signal),
    ("P13 a failed sink falls back on another", Oracle.sinks),
    ("P8 a log that fails is alarmed", Oracle.logs),
    ("P2 a lost engine is alarmed", Oracle.engine),
    ("P14 nothing is silent without a person, or for too long", Oracle.quiet),
)
"""Checked behind every turn."""
