"""The service's health as Prometheus' text: of its beds, its model, and the machine.

    health = Health(storage, clock)
    model = health.measured(model)         the same, its engine timed
    meter = health.bed(slug)               the recorders of a bed
    health.metrics() -> str                from any thread; reads files of /proc, /sys and the storage folder

Names carry a unit as Prometheus asks for; a bed is named by its slug. Nothing of a patient is told, and no
word that a monitor sent. docs/health.md lists every name.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from barocast.plugin.clock import synced
from barocast.plugin.health import machine
from barocast.plugin.health.exposition import COUNTER, GAUGE, HISTOGRAM, Family, Sample, render
from barocast.plugin.health.histogram import Histogram
from barocast.plugin.health.meter import BedMeter, MeteredEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from barocast.plugin.health.exposition import Labels
    from barocast.plugin.health.meter import Look
    from barocast.plugin.service.model import Model
    from barocast.plugin.settings import StorageSettings

MEGABYTE: Final = 1_000_000
"""As [storage] quota_mb counts them."""


class Loop(Protocol):
    """What is asked of a bed's loop (service.bed_loop.BedLoop)."""

    slug: str
    trouble: str
    """Why the bed is not served; empty while it is."""
    restarts: int


class Health:
    """Of one service."""

    def __init__(self, storage: StorageSettings, clock: Callable[[], float]) -> None:
        """`clock` gives real seconds."""
        self.loops: Callable[[], Iterable[Loop]] = tuple
        """The beds' loops."""
        self.watchdog_s: float | None = None
        """Within which systemd wants a sign of life; None where nobody does."""
        self._storage, self._clock, self._started_s = storage, clock, clock()
        self._meters: dict[str, BedMeter] = {}
        self._inference = Histogram()
        self._model: Model | None = None

    def measured(self, model: Model) -> Model:
        """Give the model with an engine whose answers are timed."""
        self._model = model
        return replace(model, engine=MeteredEngine(model.engine, self._inference, self._clock))

    def bed(self, slug: str) -> BedMeter:
        """Give the recorders of a bed."""
        return self._meters.setdefault(slug, BedMeter())

    def metrics(self) -> str:
        """Give everything."""
        return render([*self._service(), *self._loops(), *self._words(), *_machine()])

    def _service(self) -> Iterator[Family]:
        yield _gauge("uptime_seconds", "Since the service was started.", self._clock() - self._started_s)
        yield _gauge("clock_synced", "Whether the wall clock follows a reference.", float(synced()))
        if self.watchdog_s is not None:
            yield _gauge("watchdog_seconds", "Within which systemd wants a sign of life.", self.watchdog_s)
        if self._model is not None:
            yield from self._engine(self._model)
        yield from self._kept()

    def _engine(self, model: Model) -> Iterator[Family]:
        manifest = model.bundle.manifest
        who = {"bundle": manifest.id, "sequence": str(manifest.sequence), "engine": model.engine.name}
        yield _gauge("model_info", "What forecasts, and on what.", 1.0, who)
        yield _gauge("engine_up", "Whether the engine's process is there.", float(not model.trouble()))
        yield Family(
            "barocast_inference_seconds",
            HISTOGRAM,
            "From the window to the engine's answer.",
            self._inference.samples({}),
        )

    def _kept(self) -> Iterator[Family]:
        found = machine.storage(Path(self._storage.folder)) if self._storage.folder else None
        if found is not None:
            quota = float(self._storage.quota_mb * MEGABYTE)
            yield _gauge("storage_used_bytes", "By the storage folder.", float(found.used_bytes))
            yield _gauge("storage_quota_bytes", "That it may take.", quota)
            yield _gauge("storage_free_bytes", "Of the disk that it lies on.", float(found.free_bytes))

    def _loops(self) -> Iterator[Family]:
        loops = tuple(self.loops())
        for name, kind, about, of_loop in _OF_A_LOOP:
            yield Family(
                f"barocast_{name}", kind, about, tuple(Sample(of_loop(x), {"bed": x.slug}) for x in loops)
            )
        for name, about, asked in _HISTOGRAMS:
            parts = (asked(meter).samples({"bed": slug}) for slug, meter in self._beds())
            yield Family(f"barocast_{name}", HISTOGRAM, about, tuple(chain.from_iterable(parts)))
        for name, kind, about, of_look in _OF_A_BED:
            samples = (Sample(of_look(meter.look), {"bed": slug}) for slug, meter in self._beds())
            yield Family(f"barocast_{name}", kind, about, tuple(samples))

    def _words(self) -> Iterator[Family]:
        for name, kind, about, labels, counted in _BY_WORDS:
            samples = (
                Sample(value, {"bed": slug, **dict(zip(labels, words, strict=True))})
                for slug, meter in self._beds()
                for words, value in counted(meter).items()
            )
            yield Family(f"barocast_{name}", kind, about, tuple(samples))

    def _beds(self) -> list[tuple[str, BedMeter]]:
        return list(self._meters.items())


def _machine() -> Iterator[Family]:
    own = machine.process()
    yield _gauge("resident_bytes", "Memory that the service takes.", float(own.resident_bytes))
    yield _gauge("descriptors", "Files and sockets that it has open.", float(own.descriptors))
    yield _each("temperature_celsius", GAUGE, "Of a zone.", "zone", machine.temperatures())
    yield _each("throttling", GAUGE, "What slows the processor, 0: never.", "by", machine.throttling())
    if mode := machine.power_mode():
        yield _gauge("power_mode_info", "A Jetson's nvpmodel.", 1.0, {"mode": mode})


def _gauge(name: str, about: str, value: float, labels: Labels | None = None) -> Family:
    return Family(f"barocast_{name}", GAUGE, about, (Sample(value, labels or {}),))


def _each(name: str, kind: str, about: str, label: str, values: Mapping[str, float]) -> Family:
    samples: Iterable[Sample] = (Sample(value, {label: word}) for word, value in values.items())
    return Family(f"barocast_{name}", kind, about, tuple(samples))


def _by(words: Mapping[str, float]) -> dict[tuple[str, ...], float]:
    return {(word,): float(value) for word, value in words.items()}


_OF_A_LOOP: Final[tuple[tuple[str, str, str, Callable[[Loop], float]], ...]] = (
    ("bed_served", GAUGE, "Whether the bed is served.", lambda loop: float(not loop.trouble)),
    ("bed_restarts_total", COUNTER, "How often it had to be built again.", lambda loop: loop.restarts),
)
_HISTOGRAMS: Final[tuple[tuple[str, str, Callable[[BedMeter], Histogram]], ...]] = (
    ("turn_seconds", "From one turn of the bed's loop to the next.", lambda meter: meter.turns),
    ("work_seconds", "Of a turn without its wait for bytes.", lambda meter: meter.work),
    ("decision_late_seconds", "From a window's end to its forecast.", lambda meter: meter.late),
)
_OF_A_BED: Final[tuple[tuple[str, str, str, Callable[[Look], float]], ...]] = (
    ("feed_bytes_total", COUNTER, "That the feed brought.", lambda look: look.counts.bytes),
    ("feed_frames_total", COUNTER, "Sound frames.", lambda look: look.counts.frames),
    ("feed_silent_seconds", GAUGE, "Since a usable value came.", lambda look: look.silent_s),
    ("alarm_activations", GAUGE, "Of the last hour, within the budget.", lambda look: look.activations),
    ("log_pending", GAUGE, "Rows that are not on the disk yet.", lambda look: look.pending),
)
_BY_WORDS: Final[
    tuple[tuple[str, str, str, tuple[str, ...], Callable[[BedMeter], Mapping[tuple[str, ...], float]]], ...]
] = (
    (
        "feed_corrupt_total",
        COUNTER,
        "Pieces that the decoder gave up.",
        ("reason",),
        lambda meter: _by(meter.look.counts.corrupt_by_reason),
    ),
    (
        "feed_lost_total",
        COUNTER,
        "What was lost elsewhere.",
        ("what",),
        lambda meter: _by(meter.look.losses),
    ),
    (
        "data_age_seconds",
        GAUGE,
        "Of a channel's newest value.",
        ("channel",),
        lambda meter: _by(meter.look.ages_s),
    ),
    (
        "trouble",
        GAUGE,
        "A part that does not work.",
        ("part",),
        lambda meter: _by(dict.fromkeys(meter.look.troubled, 1.0)),
    ),
    (
        "decisions_total",
        COUNTER,
        "By state and reason.",
        ("state", "reason"),
        lambda meter: dict(meter.decisions),
    ),
    (
        "alarm_transitions_total",
        COUNTER,
        "Rows of the alarm log.",
        ("condition", "priority", "transition"),
        lambda meter: dict(meter.alarms),
    ),
    (
        "sink_receipts_total",
        COUNTER,
        "What the sinks answered.",
        ("sink", "answer"),
        lambda meter: dict(meter.receipts),
    ),
)
"""Name, kind, sentence, labels, and words of those labels -> value."""
