"""One bundle on one engine -> Measured: every figure of the table, taken one after the other."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

from barocast.plugin.bench.beds import NUMBERS, WITH_WAVE, cpu_s_per_bed_s
from barocast.plugin.bench.beds import SECONDS as BED_SECONDS
from barocast.plugin.bench.engines import ENGINES, precision
from barocast.plugin.bench.fresh import STARTS, fresh_start, typical
from barocast.plugin.bench.power import sensors
from barocast.plugin.bench.report import Measured, Power
from barocast.plugin.bench.spread import spread
from barocast.plugin.bench.ticks import WARM, new_patients, timed, timed_for, windows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from barocast.plugin.bench.power import Sensor
    from barocast.runtime.bundle import Bundle
    from barocast.runtime.engines import Engine

CADENCES_S: Final = (1.0, 30.0)
REPEATS: Final = 3
"""Of the beds, whose median counts."""
SAMPLED_EVERY_S: Final = 0.05
"""Between two looks at a sensor; a Jetson's averages over more."""
IDLE_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What is measured, and how long."""

    bundle: Path
    trust: Path | None
    threads: int
    seconds: float
    """Of ticks."""


def measure(bundle: Bundle, engine_name: str, asked: Asked) -> Measured:
    """Take every figure. Raises EngineUnavailable, BundleError."""
    engine = ENGINES[engine_name](bundle, asked.threads)
    asked_of = windows(bundle)
    timed(engine, asked_of[:1] * WARM)
    return Measured(
        bundle=bundle.manifest.id,
        engine=engine.name,
        precision=precision(bundle.model),
        file_bytes=sum(map(len, bundle.graphs.values())),
        tick=spread(timed_for(engine, asked_of, asked.seconds)),
        new_patient=spread(timed(engine, new_patients(bundle))),
        start=typical(
            [fresh_start(engine_name, asked.bundle, asked.trust, asked.threads) for _ in range(STARTS)]
        ),
        cpu_s_per_bed_s=_beds(bundle, engine),
        power=tuple(_power(engine, bundle, sensor, asked.seconds) for sensor in sensors()),
    )


def _beds(bundle: Bundle, engine: Engine) -> Mapping[str, Mapping[str, float]]:
    return {
        told.name: {
            f"{every_s:g} s": median(
                cpu_s_per_bed_s(bundle, engine, every_s, told, seconds=BED_SECONDS) for _ in range(REPEATS)
            )
            for every_s in CADENCES_S
        }
        for told in (NUMBERS, WITH_WAVE)
    }


def _power(engine: Engine, bundle: Bundle, sensor: Sensor, seconds: float) -> Power:
    with _sampled(sensor) as idle:
        time.sleep(IDLE_S)
    with _sampled(sensor) as busy:
        decisions = len(timed_for(engine, windows(bundle), seconds))
    return Power(sensor.name, sensor.watts(idle), sensor.watts(busy), decisions / seconds)


@contextmanager
def _sampled(sensor: Sensor) -> Iterator[list[tuple[float, float]]]:
    """Look at the sensor again and again, beside what is done meanwhile."""
    readings: list[tuple[float, float]] = []
    ended = threading.Event()

    def look() -> None:
        while True:
            value = sensor.read()
            readings.extend([(time.perf_counter(), value)] if value is not None else [])
            if ended.wait(SAMPLED_EVERY_S):
                return

    thread = threading.Thread(target=look, name="power", daemon=True)
    thread.start()
    try:
        yield readings
    finally:
        ended.set()
        thread.join()
