"""What a bed's loop tells of itself as it goes: cheap recorders, written by that loop alone.

    moved(loop, now_s)            each time a loop went around (serve's `moved`)
    looked(bedside, now_s)        after each turn; looks every LOOK_S
    decided(decision, late_s)     every decision, and how long after its own time it came
    logged(row)                   every row of the alarm log
    told(receipts)                what every sink said to a snapshot

Nothing of a patient is kept: counts, ages and durations, under fixed words. Whatever word comes from
elsewhere (a reason, a sink's name) is one of at most MOST_WORDS; further ones are counted as `other`.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from barocast.plugin.health.histogram import Histogram
from barocast.runtime.domain import Abstain, FeedCounts, Risk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from barocast.plugin.bedside import Bedside
    from barocast.plugin.sinks.sink import Receipt
    from barocast.runtime.alarm.events import LogRow
    from barocast.runtime.domain import Decision, Fault, Forecast, ModelInput
    from barocast.runtime.engines import Engine

LOOK_S: Final = 5.0
"""Between two looks at what a bed knows: Prometheus comes every 15 s."""
ACQUISITION: Final = "acquisition"
ALARM: Final = "alarm"
"""The loops as serve names them: one turn of ALARM follows each of ACQUISITION."""
MOST_WORDS: Final = 64
OTHER: Final = "other"
HOUR_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Look:
    """What a bed knew of itself when it was looked at."""

    counts: FeedCounts = field(default_factory=FeedCounts)
    losses: Mapping[str, int] = field(default_factory=dict)
    """What is lost outside the decoder -> how much."""
    ages_s: Mapping[str, float] = field(default_factory=dict)
    """Channel -> seconds since its newest value was measured, on the device's clock."""
    silent_s: float = 0.0
    """Seconds since the last usable sample came."""
    troubled: frozenset[str] = frozenset()
    """Parts that do not work; which, not why."""
    activations: int = 0
    """Forecast alarms of the last hour that count against the budget."""
    pending: int = 0
    """Rows of the log that are not on the disk yet."""


class BedMeter:
    """One bed's recorders. They outlive the bed's own failures."""

    def __init__(self) -> None:
        self.turns = Histogram()
        """From one turn's end to the next one's, seconds; a quiet turn waits 0.05 s for bytes."""
        self.work = Histogram()
        """Of a turn without its wait for bytes, seconds."""
        self.late = Histogram()
        """From the end of a forecast's window to the forecast, seconds."""
        self.decisions: Counter[tuple[str, ...]] = Counter()
        """(state, reason)"""
        self.alarms: Counter[tuple[str, ...]] = Counter()
        """(condition, priority, transition)"""
        self.receipts: Counter[tuple[str, ...]] = Counter()
        """(sink, `ok` or `failed`)"""
        self.pending: Callable[[], int] = int
        """Rows of the log that are not on the disk yet."""
        self.look = Look()
        self._moved_s: dict[str, float] = {}
        self._looked_s = -math.inf

    def moved(self, loop: str, now_s: float) -> None:
        """Take the time of a loop that went around."""
        if loop == ALARM:
            if ACQUISITION in self._moved_s:
                self.work.observe(now_s - self._moved_s[ACQUISITION])
            if ALARM in self._moved_s:
                self.turns.observe(now_s - self._moved_s[ALARM])
        self._moved_s[loop] = now_s

    def begin(self) -> None:
        """Forget when the loops last moved: the bed was put together anew."""
        self._moved_s, self._looked_s = {}, -math.inf

    def looked(self, bedside: Bedside, now_s: float) -> None:
        """Look at the bed, when it is time, from its own loop."""
        if now_s - self._looked_s < LOOK_S:
            return
        self._looked_s = now_s
        shown = bedside.vitals.numerics(bedside.device_s(now_s), math.inf)
        self.look = Look(
            counts=bedside.session.counts,
            losses={words: lost() for words, lost in bedside.losses.items()},
            ages_s={channel: numeric.age_s for channel, numeric in shown.items()},
            silent_s=bedside.silent_s(now_s),
            troubled=frozenset(bedside.troubles),
            activations=sum(age < HOUR_S for age in bedside.watch.stored(now_s)["activations"]),
            pending=self.pending(),
        )

    def decided(self, decision: Decision, late_s: float) -> None:
        """Count a decision; `late_s` is from its own time on, seconds of the device's clock."""
        if isinstance(decision, Risk):
            self.late.observe(late_s)
            self.decisions["forecast", ""] += 1
            return
        state = "abstain" if isinstance(decision, Abstain) else "fault"
        _count(self.decisions, (state, decision.reason.partition(":")[0]))

    def logged(self, row: LogRow) -> None:
        """Count a transition of an alarm, or an operator's act."""
        _count(self.alarms, (row.condition, row.priority, row.transition))

    def told(self, receipts: Mapping[str, Receipt]) -> None:
        """Count what the sinks said."""
        for name, receipt in receipts.items():
            _count(self.receipts, (name, "ok" if receipt.ok else "failed"))


class MeteredEngine:
    """An engine (runtime.engines.Engine) whose answers are timed."""

    def __init__(self, engine: Engine, took: Histogram, clock: Callable[[], float]) -> None:
        """`clock` gives real seconds."""
        self._engine, self._took, self._clock = engine, took, clock

    @property
    def name(self) -> str:
        """What answers."""
        return self._engine.name

    def run(self, model_input: ModelInput, t_s: float) -> Forecast | Fault:
        """Answer one window."""
        began_s = self._clock()
        answer = self._engine.run(model_input, t_s)
        self._took.observe(self._clock() - began_s)
        return answer


def _count(counter: Counter[tuple[str, ...]], words: tuple[str, ...]) -> None:
    known = words in counter or len(counter) < MOST_WORDS
    counter[words if known else (OTHER,) * len(words)] += 1
