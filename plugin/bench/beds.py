"""What a bed costs besides its model: simulated beds on one engine -> processor seconds per bed and second.

Each bed is a whole Watch (steady time, signal quality, timeline, model, calibrator, alarm machine), told
what a simulated patient's monitor would tell. The events are made beforehand, and every bed has heard 15
minutes of them before the clock runs. Not counted: decoding a monitor's bytes, sinks, log and screen.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from barocast.plugin.virtual.physiology import SimulatedPatient
from barocast.plugin.virtual.scenario import SCENARIOS
from barocast.plugin.watch import Watch
from barocast.runtime.domain import Sample, WaveChunk
from barocast.runtime.timeline import STEP_S, WINDOW_MIN
from barocast.runtime.tracks import CHANNELS

if TYPE_CHECKING:
    from barocast.runtime.bundle import Bundle
    from barocast.runtime.domain import Event
    from barocast.runtime.engines import Engine

BEDS: Final = 8
"""Enough that one bed's caches are not warm from its own last second."""
SECONDS: Final = 60
"""Of each bed that are timed: two forecasts at the slower cadence."""
HISTORY_S: Final = 60.0 * WINDOW_MIN + STEP_S
SCENARIO: Final = SCENARIOS["stable"]
WAVE: Final = "ABP_WAVE"


@dataclass(frozen=True, slots=True)
class Told:
    """What a monitor tells."""

    name: str
    numbers_every_s: int
    wave_hz: float = 0.0
    """Samples a second of the arterial wave; 0 for none."""


NUMBERS: Final = Told("numbers every second", 1)
WITH_WAVE: Final = Told("numbers every second, arterial wave at 125 Hz", 1, 125.0)


def cpu_s_per_bed_s(
    bundle: Bundle, engine: Engine, every_s: float, told: Told, *, beds: int = BEDS, seconds: int = SECONDS
) -> float:
    """Give processor time (of all threads) that a bed takes a second, with a forecast every `every_s`."""
    seconds_of_events = _events(told, seconds)
    watches = [Watch(bundle, engine, SCENARIO.patient, every_s) for _ in range(beds)]
    for watch in watches:
        watch.feed(_history())
    begun_s = time.process_time()
    for events in seconds_of_events:
        for watch in watches:
            watch.feed(events)
    return (time.process_time() - begun_s) / (beds * seconds)


def _history() -> list[Event]:
    steps = range(round(HISTORY_S / STEP_S))
    return [_sample("ABP_MEAN", step * STEP_S, 85.0 + step % 7) for step in steps]


def _events(told: Told, seconds: int) -> list[list[Event]]:
    patient = SimulatedPatient(SCENARIO, seed=1)
    return [_second(patient, told, second) for second in range(seconds)]


def _second(patient: SimulatedPatient, told: Told, second: int) -> list[Event]:
    t_s = HISTORY_S + second
    events: list[Event] = []
    if second % told.numbers_every_s == 0:
        numbers = patient.numerics(float(second))
        events += [_sample(channel, t_s, value) for channel, value in numbers.items()]
    if told.wave_hz:
        samples = patient.wave(WAVE, float(second), round(told.wave_hz), told.wave_hz)
        events.append(WaveChunk(WAVE, WAVE, t_s, told.wave_hz, samples, CHANNELS[WAVE].unit))
    return events


def _sample(channel: str, t_s: float, value: float) -> Sample:
    return Sample(channel, channel, t_s, value, CHANNELS[channel].unit, valid=not math.isnan(value))
