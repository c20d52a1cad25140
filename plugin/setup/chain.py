"""From the port to the first decision: a bed without sinks or logs listens until all of it was seen.

    steps = Chain(settings, model, clock).listen(seconds)
        port        opens
        bytes       come
        frames      are decoded, and nearly nothing is lost
        pressure    a usable arterial mean is among the values
        decision    the first one; an abstention tells its reason, as fifteen minutes must be heard first

It opens the port as the service does and speaks the monitor's protocol: the service must not run meanwhile.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from barocast.plugin.bedside import Bedside
from barocast.plugin.clock import PlayClock
from barocast.plugin.doctor.running import LOST_SHARE
from barocast.plugin.feeds import find_feed
from barocast.plugin.losses import loss_words
from barocast.plugin.serve import Line, serve
from barocast.plugin.setup.step import Step, Verdict, failed, proven
from barocast.plugin.transports.addresses import open_transport
from barocast.plugin.watch import Watch
from barocast.runtime.domain import HORIZONS_MIN, Abstain, Fault, Risk
from barocast.runtime.errors import SettingsError
from barocast.runtime.timeline import WINDOW_MIN

if TYPE_CHECKING:
    from barocast.plugin.clock import Clock
    from barocast.plugin.service.model import Model
    from barocast.plugin.settings import Settings
    from barocast.plugin.transports.transport import Transport
    from barocast.runtime.domain import Decision

PRESSURE: Final = "ABP_MEAN"


@dataclass(slots=True)
class Heard:
    """What was seen so far."""

    opened: bool = False
    pressure_mmhg: float = math.nan
    decision: Decision | None = None


class Chain:
    """One listening."""

    def __init__(self, settings: Settings, model: Model, clock: Clock | PlayClock) -> None:
        """`clock` is the bed's; a play's is a simulation's. Raises SettingsError."""
        feed = find_feed(settings.feed.kind)
        if feed.session is None:
            raise SettingsError(f"[feed] kind: {feed.name} has nothing to connect to")
        self._settings, self._clock = settings, clock
        self._simulated = isinstance(clock, PlayClock)
        watch = Watch(model.bundle, model.engine, every_s=settings.bed.every_s)
        self._bedside = Bedside(
            name=settings.bed.name,
            session=feed.session(),
            watch=watch,
            sinks=[],
            stale_s=clock.silence_s(feed.stale_s) if isinstance(clock, PlayClock) else feed.stale_s,
            every_s=settings.bed.every_s,
        )
        self._line = Line(self._open)
        self._heard = Heard()

    def listen(self, seconds: float) -> list[Step]:
        """Listen for so long of the bed's time, or until all was seen."""
        ends_s = self._clock() + seconds
        serve(
            self._bedside,
            self._line,
            clock=self._clock,
            until=lambda: self._done() or self._clock() > ends_s,
            sleep=self._clock.sleep,
            show=self._look,
        )
        return self._steps(seconds)

    def _open(self) -> Transport:
        port = open_transport(self._settings.feed.address, self._settings.feed.tls)
        self._heard.opened = True
        return port

    def _look(self, now_s: float) -> None:
        bed, heard = self._bedside, self._heard
        shown = bed.vitals.numerics(bed.device_s(now_s), math.inf).get(PRESSURE)
        if shown is not None and shown.reason is None and math.isfinite(shown.value):
            heard.pressure_mmhg = shown.value
            heard.decision = bed.decision if bed.decision is not None else heard.decision

    def _done(self) -> bool:
        """Whether all was seen: of a simulated patient a forecast, of a real one any decision."""
        wanted = (Risk, Fault) if self._simulated else (Risk, Abstain, Fault)
        return isinstance(self._heard.decision, wanted)

    def _steps(self, seconds: float) -> list[Step]:
        """Say what was seen; after the first failure the rest follows from it."""
        steps = []
        for step in (self._port(), self._bytes(seconds), self._frames(), self._pressure(), self._decision()):
            steps.append(step)
            if step.verdict is Verdict.BAD:
                break
        return steps

    def _port(self) -> Step:
        address = self._settings.feed.address
        if not self._heard.opened:
            why = self._line.trouble or "does not open"
            return failed(
                "port", f"{why}; `barocast doctor --config` says who has it, `discover` what there is"
            )
        return proven("port", f"{address} opens")

    def _bytes(self, seconds: float) -> Step:
        counts = self._bedside.session.counts
        if not counts.bytes:
            trouble = f" ({self._line.trouble})" if self._line.trouble else ""
            text = (
                f"nothing came within {seconds:.0f} s{trouble}; look at cable, port and the monitor's setting"
            )
            return failed("bytes", text)
        return proven("bytes", f"{counts.bytes:,} came")

    def _frames(self) -> Step:
        counts = self._bedside.session.counts
        lost = loss_words(counts)
        if not counts.frames:
            return failed(
                "frames", f"none is sound{f': {lost}' if lost else ''}; is it this kind, rate, parity?"
            )
        text = f"{counts.frames:,} decoded, {lost or 'nothing lost'}"
        if counts.corrupt > LOST_SHARE * counts.frames + 1:  # the first may be cut by our coming late
            return failed("frames", f"{text}; look at rate, parity and wiring")
        return proven("frames", text)

    def _pressure(self) -> Step:
        value = self._heard.pressure_mmhg
        if math.isnan(value):
            text = "no usable arterial mean; is the line connected, zeroed, and sent by this port?"
            return failed("pressure", text)
        return proven("pressure", f"arterial mean {value:.0f} mmHg")

    def _decision(self) -> Step:
        decision = self._heard.decision
        if isinstance(decision, Risk):
            risks = ", ".join(f"{p:.0%} in {m} min" for p, m in zip(decision.p, HORIZONS_MIN, strict=True))
            return proven("decision", f"forecast: hypotension {risks}{' (simulated)' * self._simulated}")
        if isinstance(decision, Abstain):
            wait = f"a forecast needs {WINDOW_MIN} min of pressure"
            return proven("decision", f"abstains: {decision.reason}; {wait}")
        if isinstance(decision, Fault):
            return failed("decision", f"fault: {decision.reason}; `barocast doctor` tries the engine")
        return failed(
            "decision", f"none came; they are {self._settings.bed.every_s:g} s apart: listen longer"
        )
