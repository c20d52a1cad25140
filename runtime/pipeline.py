"""Events -> decisions: every stage between the decoder and the alarm machine, composed.

    steady:  steady_time                                                 (no stray or stepped clock)
    judge:   waves, quality, arterial_agreement
    decide:  timeline -> window -> tokens -> engine -> calibrator

In: a decoder's events in time order, in any chunking. Out: one decision (Risk, Abstain or Fault) for
every multiple of `every_s` of the device's clock, made as soon as something later than it is seen, so
the answer never depends on how the bytes were cut. Replay and bedside run this very object.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from barocast.runtime.arterial_agreement import ArterialAgreement
from barocast.runtime.domain import Abstain, Fault, Patient, Risk, Sample, WaveChunk
from barocast.runtime.prompt import describe
from barocast.runtime.quality import NumericsGate
from barocast.runtime.steady_time import SteadyTime
from barocast.runtime.timeline import Timeline
from barocast.runtime.tokens import text_ids, to_model_input
from barocast.runtime.waves.numerics import WaveNumerics

if TYPE_CHECKING:
    from collections.abc import Iterable

    from barocast.runtime.bundle import Bundle
    from barocast.runtime.domain import Decision, Event, Forecast, Window
    from barocast.runtime.engines import Engine

EVERY_S: Final = 30.0
"""Seconds between two decisions (evaluation: landmarks)."""
LONGEST_EVERY_S: Final = 300.0
"""Less often than this, two decisions in a row no longer speak of the same fall."""
ARTERIAL_WAVE: Final = "ABP_WAVE"


class Pipeline:
    """One patient's path from events to decisions."""

    def __init__(
        self, bundle: Bundle, engine: Engine, patient: Patient | None = None, every_s: float = EVERY_S
    ) -> None:
        self.timeline = Timeline(bundle.manifest.channels)
        self._bundle = bundle
        self._engine = engine
        self._every_s = every_s
        self._time = SteadyTime()
        self._gate = NumericsGate()
        self._waves = WaveNumerics()
        self._agreement = ArterialAgreement()
        self._due_s: float | None = None
        self.admit(patient or Patient())

    def admit(self, patient: Patient) -> None:
        """Take a patient's static description: its text is encoded once, here."""
        self._text = text_ids(describe(patient), self._bundle.tokenizer)

    def feed(self, events: Iterable[Event]) -> list[Decision]:
        """Take a decoder's events; give the decisions that they made due."""
        return self.take(self.judge(self.steady(events)))

    def steady(self, events: Iterable[Event]) -> list[Event]:
        """Hold back events whose time is in doubt."""
        return self._time.feed(events)

    def judge(self, events: Iterable[Event]) -> list[Event]:
        """Add what the wave tells, and mark what cannot be believed: the values as a screen may show them."""
        return self._agreement.feed(self._gate.feed(self._with_derived(events)))

    def take(self, judged: Iterable[Event]) -> list[Decision]:
        """Take judged events; give the decisions that they made due."""
        decisions: list[Decision] = []
        for event in judged:
            if isinstance(event, Sample) and event.t_s is not None:
                decisions += self._reach(event, event.t_s)
            self.timeline.take((event,))
        return decisions

    def finish(self) -> list[Decision]:
        """Give the decisions that the end of a recording makes due, up to its very last sample."""
        decisions = self.take(self.judge(self._time.flush()) + self.settle())
        newest = self.timeline.newest_s
        if newest is not None and self._due_s is not None and self._due_s <= newest:
            decisions.append(self.decide(self._due_s))
        return decisions

    def settle(self) -> list[Event]:
        """Give the judged events that were still waiting for their fellows of the same instant."""
        return self._agreement.feed(self._gate.flush()) + self._agreement.flush()

    def decide(self, t_s: float) -> Decision:
        """Decide on the window that ends at `t_s`, seconds on the device's clock."""
        window = self.timeline.window(t_s)
        if isinstance(window, Abstain):
            return window
        forecast = self._engine.run(to_model_input(window, self._text), t_s)
        if isinstance(forecast, Fault):
            return forecast
        return self._risk(forecast, window)

    @property
    def case_s(self) -> float:
        """Seconds of the case seen so far."""
        return self.timeline.seen_s

    def silent(self, t_s: float, seconds: float) -> Abstain:
        """Say at `t_s`, seconds on the device's clock, that the feed has given nothing for `seconds`."""
        return Abstain(t_s, f"no data: nothing for {seconds:.0f} s")

    def _risk(self, forecast: Forecast, window: Window) -> Risk | Fault:
        p5, p10, p15 = (float(p) for p in self._bundle.calibrator(forecast.logits))
        if not 0 <= p5 <= p10 <= p15 <= 1:
            return Fault(window.t_end_s, f"calibrator: risks {p5}, {p10}, {p15} out of order")
        return Risk(window.t_end_s, (p5, p10, p15), forecast, window.hypotensive)

    def _reach(self, sample: Sample, t_s: float) -> list[Decision]:
        if self._due_s is None or self.timeline.begins_case(sample):
            self._due_s = math.ceil(t_s / self._every_s) * self._every_s
        decisions: list[Decision] = []
        while self._due_s < t_s:
            decisions.append(self.decide(self._due_s))
            self._due_s += self._every_s
        return decisions

    def _with_derived(self, events: Iterable[Event]) -> list[Event]:
        everything: list[Event] = []
        for event in events:
            everything.append(event)
            if isinstance(event, WaveChunk) and event.channel == ARTERIAL_WAVE:
                everything += self._waves.feed(event)
        return everything
