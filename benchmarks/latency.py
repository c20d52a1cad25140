"""How late an alarm is: from the bytes that complete a window to the decision, the sinks, and the sound.

    virtual IntelliVue =pty= serve( Bedside( session, watch, sinks, book, log ), page )

The demo's whole wiring at real time, in one process as there: screen on a terminal, page with a browser's
connection open, JSON log, case book, sounds through `aplay` (ALSA's `null` device) or as files. The model
computes every forecast; then its risk is replaced by a high and a low one in turn, once a second, so that
alarms come and go often enough to be counted. History is heard beforehand.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import shutil
import sys
import tempfile
import threading
import time
import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from rich.console import Console

from barocast.calibration.trigger import TriggerRules
from barocast.plugin.bedside import Bedside
from barocast.plugin.cases.book import CaseBook
from barocast.plugin.cases.facts import About
from barocast.plugin.clock import Clock, wall_time
from barocast.plugin.demo_page import FREE, demo_page
from barocast.plugin.desk import Desk
from barocast.plugin.screen import FRAME_S, Screen, view_of
from barocast.plugin.serve import Line, serve
from barocast.plugin.service.bed import together
from barocast.plugin.sinks.jsonl import JsonLinesSink
from barocast.plugin.sinks.sound import SoundSink
from barocast.plugin.sinks.terminal import TerminalSink
from barocast.plugin.virtual.intellivue import VirtualIntelliVue
from barocast.plugin.virtual.lines import over_pty
from barocast.plugin.virtual.physiology import SimulatedPatient
from barocast.plugin.virtual.scenario import SCENARIOS
from barocast.plugin.watch import Watch
from barocast.runtime.alarm.facts import FORECAST
from barocast.runtime.bundle import default_bundle, read_bundle
from barocast.runtime.decoders.intellivue_codes import TICKS_PER_S
from barocast.runtime.domain import Forecast, Sample
from barocast.runtime.engines import OrtEngine
from barocast.runtime.manifest import AlarmPoint
from barocast.runtime.sessions.intellivue import IntelliVueSession
from barocast.runtime.timeline import STEP_S
from barocast.runtime.trust import trusted_keys
from benchmarks import machine
from benchmarks.soak_beds import TimedPort

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from http.client import HTTPResponse

    from barocast.plugin.sinks.sink import AlarmSink, Guarantee, Receipt, SelfTest
    from barocast.runtime.alarm.events import AlarmSnapshot
    from barocast.runtime.bundle import Bundle
    from barocast.runtime.domain import Fault, ModelInput
    from barocast.runtime.engines import Engine

SECONDS: Final = 480.0
"""Of each run: above 200 alarms, one every 2 s."""
WARM_S: Final = 15.0
"""Until the bed is associated; not measured."""
HISTORY_S: Final = 930.0
TITLE: Final = "latency"
SCENARIO: Final = SCENARIOS["stable"]
OFTEN: Final = AlarmPoint(10, TriggerRules(p_on=0.5, p_off=0.4, k=1, n=1, refractory_s=1e-3))
HIGH, LOW = np.array([6.0, 7.0, 8.0]), np.array([-12.0, -11.0, -10.0])
"""Logits whose calibrated risks are well above and below OFTEN's thresholds."""
LIMITS_MS: Final = (1000.0, 200.0, 500.0)
"""p99 of each kind of delay (requirement ALM-06)."""

TEXT: Final = """# Delays of an alarm (simulated)

`make bench ARGS=latency` on {machine}. A simulated patient at real time behind a virtual IntelliVue, over a
pty, into the whole of the demo: screen, page with a browser's connection open, log, case book, sound by
{sound}. Both ends of the line are threads of one process, as in the demo. Decisions fall due every second;
the model computes each, and its risk is then set high and low in turn, so that an alarm is raised every 2
s. {seconds:.0f} s each, idle and with another process that keeps one of the cores busy.

{table}

- *window to decision*: from the read that gave the last byte of what completes the window to the decision.
  That a monitor tells its numbers once a second (IntelliVue: 1.024 s) is not in it.
- *condition to sink*: from the model's answer, which makes the condition true or false, until the last of
  the sinks is told (`apply` is called).
- *condition to sound*: the same of raised alarms, until the burst is with the player: `aplay` runs with all
  of it on its input. A loudspeaker's own delay is not in it.
- {verdict}
"""
HEAD: Final = "| load | delay | n | p50, ms | p99, ms | max, ms | limit of p99, ms |"
KINDS: Final = ("window to decision", "condition to sink", "condition to sound")


class Toggling:
    """The engine; what it answers is high and low in turn."""

    def __init__(self, engine: Engine, port: TimedPort) -> None:
        self.name = engine.name
        self.decided_s = 0.0
        """When the latest answer was given, monotonic."""
        self.window_s: list[tuple[float, float]] = []
        """(when, seconds from the last byte)."""
        self.real = engine
        self._port, self._high = port, False

    def run(self, model_input: ModelInput, t_s: float) -> Forecast | Fault:
        """Compute, then change sides."""
        answer = self.real.run(model_input, t_s)
        self.decided_s = time.monotonic()
        self.window_s.append((self.decided_s, self.decided_s - self._port.read_s))
        self._high = not self._high
        return replace(answer, logits=HIGH if self._high else LOW) if isinstance(answer, Forecast) else answer


@dataclass
class Timed:
    """A sink that remembers how long after the decision it was told of a change, and was done."""

    sink: AlarmSink
    engine: Toggling
    told_s: list[tuple[float, float]] = field(default_factory=list)
    """(when, seconds from the decision) of changes."""
    done_s: list[tuple[float, float]] = field(default_factory=list)
    """The same until `apply` was over, of alarms that were raised."""
    _stood: bool = False

    @property
    def guarantee(self) -> Guarantee:
        """The sink's own."""
        return self.sink.guarantee

    def self_test(self) -> SelfTest:
        """Pass on."""
        return self.sink.self_test()

    def apply(self, snapshot: AlarmSnapshot) -> Receipt:
        """Pass on; note when."""
        told_s, decided_s = time.monotonic(), self.engine.decided_s
        receipt = self.sink.apply(snapshot)
        done_s = time.monotonic()
        stands = any(condition.name == FORECAST for condition in snapshot.conditions)
        if stands != self._stood:
            self.told_s.append((told_s, told_s - decided_s))
            if stands:
                self.done_s.append((done_s, done_s - decided_s))
        self._stood = stands
        return receipt

    def close(self) -> None:
        """Pass on."""
        self.sink.close()


def measure(seconds: float = SECONDS) -> str:
    """Run idle and under load; give the page."""
    runs = {"idle": run(seconds)}
    with _busy_core():
        runs["one core busy"] = run(seconds)
    rows = [_row(load, kind, delays, limit) for load, kinds in runs.items() for kind, delays, limit in kinds]
    return TEXT.format(
        machine=machine.described(),
        sound="`aplay` on ALSA's null device" if shutil.which("aplay") else "files (no `aplay` here)",
        seconds=seconds,
        table="\n".join([HEAD, "|---|---|---|---|---|---|---|", *rows]),
        verdict=_verdict(runs),
    )


Kinds = list[tuple[str, list[float], float]]
"""(name of the delay, milliseconds of each, limit of p99)."""


def run(seconds: float) -> Kinds:
    """Serve one bed for so long; give its delays."""
    with tempfile.TemporaryDirectory() as folder:
        return _run(seconds, Path(folder))


def _run(seconds: float, folder: Path) -> Kinds:
    clock, bundle = Clock(), _bundle()
    monitor = VirtualIntelliVue(
        SimulatedPatient(SCENARIO, 1), start_ticks=round((HISTORY_S + 1) * TICKS_PER_S)
    )
    with over_pty(monitor, clock) as address:
        port = TimedPort(address)
        rig = _rig(bundle, Toggling(OrtEngine(bundle), port), folder)
        rig.hear_history()
        with rig.page() as (url, publish), _browsing(f"{url}api/demo/events"):
            serve(
                rig.bedside,
                Line(lambda: port),
                clock=clock,
                until=lambda: clock() > WARM_S + seconds,
                sleep=clock.sleep,
                show=together([rig.screen, publish]),
            )
        rig.bedside.close()
    return rig.delays()


@dataclass(frozen=True)
class Rig:
    """The demo's parts, two of them timed."""

    bundle: Bundle
    engine: Toggling
    bedside: Bedside
    sound: Timed
    book: CaseBook
    desk: Desk
    screen: Screen
    begun_s: float = field(default_factory=time.monotonic)

    def hear_history(self) -> None:
        """Let the bed hear what came before, its clock running up to 0."""
        for t_s in np.arange(0.0, HISTORY_S, STEP_S):
            heard = Sample("ABP_MEAN", "history", float(t_s), 85.0 + t_s % 7, "mmHg")
            self.bedside.process([heard], float(t_s) - HISTORY_S)

    def page(self) -> AbstractContextManager[tuple[str, Callable[[float], None]]]:
        """Serve the page at a free port."""
        return demo_page(
            FREE,
            TITLE,
            self.bedside,
            book=self.book,
            desk=self.desk,
            bundle=self.bundle,
            engine=self.engine.real,
            speed=1.0,
        )

    def delays(self) -> Kinds:
        """Give what was measured once the bed ran."""
        noted = (self.engine.window_s, self.sound.told_s, self.sound.done_s)
        return [
            (kind, [1000 * delay_s for at_s, delay_s in pairs if at_s > self.begun_s + WARM_S], limit)
            for kind, pairs, limit in zip(KINDS, noted, LIMITS_MS, strict=True)
        ]


def _rig(bundle: Bundle, engine: Toggling, folder: Path) -> Rig:
    watch, desk = Watch(bundle, engine, SCENARIO.patient, every_s=1.0), Desk()
    # The budget would soon put every alarm into one.
    watch._rules = replace(watch._rules, budget_per_h=10**6)  # noqa: SLF001 - no site may set it so
    point = bundle.manifest.alarm
    about = About(TITLE, bundle.manifest.id, point.horizon_min, point.trigger.p_on, simulated=True)
    book = CaseBook(about, wall_time(), usual=SCENARIO.patient)
    terminal = TerminalSink(Console(file=io.StringIO(), force_terminal=True))
    sound = Timed(SoundSink("null" if shutil.which("aplay") else f"wav:{folder}/sounds"), engine)
    bedside = Bedside(
        name="latency",
        session=IntelliVueSession(),
        watch=watch,
        sinks=[terminal, sound],  # the sound last: it waits for the others
        log=JsonLinesSink(folder / "log.jsonl", bundle_id=bundle.manifest.id),
        desk=desk,
        book=book,
        wall=wall_time,
    )
    screen = Screen(terminal, lambda now_s: view_of(bedside, TITLE, now_s, simulated=True), FRAME_S)
    return Rig(bundle, engine, bedside, sound, book, desk, screen)


def _bundle() -> Bundle:
    """Give the shipped one, with a trigger that follows every risk."""
    bundle = read_bundle(default_bundle(), trusted_keys().values())
    return replace(bundle, manifest=replace(bundle.manifest, alarm=OFTEN))


@contextmanager
def _browsing(url: str) -> Iterator[None]:
    """Hold a browser's connection to the page open."""
    with urllib.request.urlopen(url, timeout=10) as events:  # noqa: S310 - our own page on this machine
        reader = threading.Thread(target=_read_on, args=(events,), daemon=True)
        reader.start()
        yield


def _read_on(events: HTTPResponse) -> None:
    with suppress(OSError, ValueError, AttributeError):  # the page ends, or the connection is closed under it
        while events.readline():
            pass


@contextmanager
def _busy_core() -> Iterator[None]:
    """Keep one core busy from another process."""
    busy = multiprocessing.get_context("spawn").Process(target=_spin, daemon=True)
    busy.start()
    try:
        yield
    finally:
        busy.terminate()
        busy.join()


def _spin() -> None:
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    while True:
        pass


def _row(load: str, kind: str, delays_ms: list[float], limit_ms: float) -> str:
    p50, p99 = np.percentile(delays_ms, (50, 99))
    cells = (
        load,
        kind,
        len(delays_ms),
        f"{p50:.1f}",
        f"{p99:.1f}",
        f"{max(delays_ms):.1f}",
        f"{limit_ms:.0f}",
    )
    return "| " + " | ".join(map(str, cells)) + " |"


def _verdict(runs: Mapping[str, Kinds]) -> str:
    late = [
        f"{kind}, {load}"
        for load, kinds in runs.items()
        for kind, delays_ms, limit_ms in kinds
        if np.percentile(delays_ms, 99) > limit_ms
    ]
    return f"**Above its limit: {'; '.join(late)}.**" if late else "Every p99 is within its limit."


if __name__ == "__main__":
    print(measure(*(float(text) for text in sys.argv[1:2])))
