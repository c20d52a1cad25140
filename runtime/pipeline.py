"""Events -> decisions: every stage between the decoder and the alarm machine, composed.

    steady:  steady_time, device_time                                    (no stray or stepped clock, no gap)
    judge:   waves, quality, arterial_agreement
    decide:  timeline -> window -> tokens -> engine -> calibrator, band

In: a decoder's events in time order, in any chunking. Out: one decision (Risk, Abstain or Fault) for
every multiple of `every_s` of the device's clock, made as soon as something later than it is seen, so
the answer never depends on how the bytes were cut. Replay and bedside run this very object.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from barocast.runtime.arterial_agreement import ArterialAgreement
from barocast.runtime.device_time import DeviceTime
from barocast.runtime.domain import Abstain, Fault, Patient, Risk, Sample, WaveChunk
from barocast.runtime.prompt import describe
from barocast.runtime.quality import NumericsGate
from barocast.runtime.steady_time import SteadyTime, keeps_time
from barocast.runtime.timeline import Timeline
from barocast.runtime.tokens import pattern, text_ids, to_model_input
from barocast.runtime.waves.lines import LineNumerics

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from barocast.runtime.bundle import Bundle
    from barocast.runtime.domain import Decision, Event, Forecast, Window
    from barocast.runtime.engines import Engine

EVERY_S: Final = 30.0
"""Seconds between two decisions (evaluation: landmarks)."""
LONGEST_EVERY_S: Final = 300.0
"""Less often than this, two decisions in a row no longer speak of the same fall."""
NO_DATA: Final = "no data"
"""The reason of an abstention that silence made due: its time is ours, carried over to the device's clock."""
SETTLE_S: Final = 2.0
"""A monitor tells what it measured at one instant within a burst; after this the instant is complete."""


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
        self._device_time = DeviceTime()
        self._gate = NumericsGate()
        self._waves = LineNumerics()
        self._agreement = ArterialAgreement()
        self._told_s = -math.inf
        """Arrival of the last events."""
        self._due_s: float | None = None
        self.window: Window | None = None
        """What the latest forecast was made of; None where the latest decision was none."""
        self.admit(patient or Patient())

    def admit(self, patient: Patient) -> None:
        """Take a patient's static description: its text is encoded once, here."""
        self.text = text_ids(describe(patient), self._bundle.tokenizer, self._bundle.text_tokens)

    def feed(self, events: Iterable[Event]) -> list[Decision]:
        """Take a decoder's events; give the decisions that they made due."""
        return self.take(self.judge(self.steady(events)))

    def steady(self, events: Iterable[Event], arrival_s: float | None = None) -> list[Event]:
        """Hold back events whose time is in doubt.

        Those without a time are dated by `arrival_s`, monotonic seconds; None, of files: they stay without.
        """
        set_backs = self._time.set_backs
        believed = self._time.feed(events)
        if self._time.set_backs != set_backs:
            self._device_time.set_back()
        return believed if arrival_s is None else self._device_time.dated(believed, arrival_s)

    def judge(self, events: Iterable[Event], arrival_s: float | None = None) -> list[Event]:
        """Add what the wave tells, and mark what cannot be believed: the values as a screen may show them.

        After SETTLE_S without events what waits for its fellows is given first; where `arrival_s` is None it
        waits for them until `settle`.
        """
        came = list(events)
        late = arrival_s is not None and arrival_s - self._told_s >= SETTLE_S
        settled = self.settle() if late else []
        if came and arrival_s is not None:
            self._told_s = arrival_s
        return settled + self._agreement.feed(self._gate.feed(self._with_derived(came)))

    def device_s(self, arrival_s: float) -> float | None:
        """Give the device's time at an instant of ours, None while its events have told none."""
        return self._device_time.at(arrival_s)

    @property
    def strays(self) -> int:
        """Events that were dropped for a time that nothing confirmed."""
        return self._time.strays

    def take(self, judged: Iterable[Event]) -> list[Decision]:
        """Take judged events; give the decisions that they made due."""
        return list(self.due(judged))

    def due(self, judged: Iterable[Event]) -> Iterator[Decision]:
        """Take judged events one by one; at each decision the timeline is still what it was decided on."""
        for event in judged:
            if isinstance(event, Sample) and event.t_s is not None and keeps_time(event):
                yield from self._reach(event, event.t_s)
            self.timeline.take((event,))

    def finish(self) -> list[Decision]:
        """Give the decisions that the end of a recording makes due, up to its very last sample."""
        return list(self.due_at_end())

    def due_at_end(self) -> Iterator[Decision]:
        """Give the decisions of `finish` one by one, as `due` does."""
        yield from self.due(self.judge(self._time.flush()) + self.settle())
        newest = self.timeline.newest_s
        if newest is not None and self._due_s is not None and self._due_s <= newest:
            yield self.decide(self._due_s)

    def settle(self) -> list[Event]:
        """Give the judged events that were still waiting for their fellows of the same instant."""
        return self._agreement.feed(self._gate.flush()) + self._agreement.flush()

    def decide(self, t_s: float) -> Decision:
        """Decide on the window that ends at `t_s`, seconds on the device's clock."""
        window = self.timeline.window(t_s)
        self.window = None if isinstance(window, Abstain) else window
        if isinstance(window, Abstain):
            return window
        forecast = self._engine.run(to_model_input(window, self.text), t_s)
        if isinstance(forecast, Fault):
            return forecast
        return self._risk(forecast, window)

    @property
    def case_s(self) -> float:
        """Seconds of the case seen so far."""
        return self.timeline.seen_s

    def silent(self, t_s: float, seconds: float) -> Abstain:
        """Say at `t_s`, seconds on the device's clock, that the feed has given nothing for `seconds`."""
        return Abstain(t_s, f"{NO_DATA}: nothing for {seconds:.0f} s")

    def _risk(self, forecast: Forecast, window: Window) -> Risk | Fault:
        p5, p10, p15 = (float(p) for p in self._bundle.calibrators.of(pattern(self.text))(forecast.logits))
        if not 0 <= p5 <= p10 <= p15 <= 1:
            return Fault(window.t_end_s, f"calibrator: risks {p5}, {p10}, {p15} out of order")
        return Risk(window.t_end_s, (p5, p10, p15), self._banded(forecast), window.hypotensive)

    def _banded(self, forecast: Forecast) -> Forecast:
        """Widen the band to what it was found to hold."""
        if self._bundle.band is None:
            return forecast
        q10, q90 = self._bundle.band(forecast.q10, forecast.q50, forecast.q90)
        return replace(forecast, q10=q10, q90=q90)

    def _reach(self, sample: Sample, t_s: float) -> Iterator[Decision]:
        if self._due_s is None or self.timeline.begins_case(sample):
            self._due_s = math.ceil(t_s / self._every_s) * self._every_s
        while self._due_s < t_s:
            yield self.decide(self._due_s)
            self._due_s += self._every_s

    def _with_derived(self, events: Iterable[Event]) -> list[Event]:
        everything: list[Event] = []
        for event in events:
            everything.append(event)
            if isinstance(event, WaveChunk):
                everything += self._waves.feed(event)
        return everything
