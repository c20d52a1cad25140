"""The same cases told worse than they were: what a forecast loses when its input does.

In: a case's events and its patient. Out: the same, damaged in one named way. The truth stays that of the
undamaged case (played.judge), so a variant shows what the damage costs and nothing else. Damage that is
random is seeded by the case's id: it is the same wherever the case is played.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeGuard

import numpy as np

from barocast.runtime.domain import Patient, Sample, WaveChunk
from barocast.runtime.timeline import STEP_S
from barocast.runtime.waves.lines import LineNumerics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from barocast.runtime.domain import Event

    Damage = Callable[[Sample], Sample | None]
    Events = Callable[[Iterable[list[Event]], str], Iterator[list[Event]]]

SECTION_FIELDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "demographics": ("age_years", "sex", "height_cm", "weight_kg"),
        "physical status": ("asa", "emergency"),
        "history": ("history",),
        "labs": ("labs",),
        "surgery": ("department", "procedure", "diagnosis", "approach", "position"),
        "anaesthesia": ("anaesthesia",),
        "assessment": ("notes",),
    }
)
"""Section of the text -> the fields of a patient that it is written from."""
NOBODY: Final = Patient()
ARTEFACT_EVERY_S: Final = 900.0
"""One flush, zeroing or disconnection in this time, on average: a busy arterial line."""
ARTEFACT_S: Final = 40.0
ARTEFACT_MMHG: Final = (250.0, 0.0, 8.0)
"""What a transducer reads while the line is flushed, open to air, or off the patient."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One way in which the input is worse."""

    name: str
    patient: Callable[[Patient], Patient] = lambda patient: patient
    events: Events | None = None
    """None leaves the events as they are."""


def without_section(section: str) -> Callable[[Patient], Patient]:
    """Give a function that leaves a section of the description unknown."""
    unknown: dict[str, Any] = {name: getattr(NOBODY, name) for name in SECTION_FIELDS[section]}
    return lambda patient: replace(patient, **unknown)


def numerics_only(damage: Callable[[np.random.Generator], Damage]) -> Events:
    """Give a function of a case's events that damages each arterial numeric, and each that its wave tells."""

    def damaged(events: Iterable[list[Event]], case_id: str) -> Iterator[list[Event]]:
        one, waves = damage(_seeded(case_id)), LineNumerics()
        for batch in events:
            numerics = chain.from_iterable(
                waves.feed(event) if isinstance(event, WaveChunk) else (event,) for event in batch
            )
            told = (one(event) if _arterial(event) else event for event in numerics)
            yield [event for event in told if event is not None]

    return damaged


def seen_every(period_s: float) -> Events:
    """Lose every sample but the first of a column's length in `period_s`, channel by channel."""
    return numerics_only(lambda _: _Sparse(period_s))


def lost(share: float) -> Events:
    """Lose this share of the samples, at random."""
    return numerics_only(lambda random: lambda sample: None if random.random() < share else sample)


def raised(mmhg: float) -> Events:
    """Add a constant: above 0 as a transducer that hangs too low does."""
    return numerics_only(lambda _: lambda sample: replace(sample, value=sample.value + mmhg))


def noisy(sd_mmhg: float) -> Events:
    """Add white noise."""
    return numerics_only(
        lambda random: lambda sample: replace(sample, value=sample.value + random.normal(0, sd_mmhg))
    )


class _Sparse:
    """What a gateway that tells a value every `period_s` lets through."""

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._told: dict[str | None, float] = {}

    def __call__(self, sample: Sample) -> Sample | None:
        """Give the sample, or None where it is lost."""
        period, late_s = divmod(_t(sample), self._period_s)
        if late_s >= STEP_S or self._told.get(sample.channel) == period:
            return None
        self._told[sample.channel] = period
        return sample


def disturbed(random: np.random.Generator) -> Damage:
    """Flush, zero or disconnect the line now and again."""
    until_s, next_s, level = -math.inf, random.exponential(ARTEFACT_EVERY_S), 0.0

    def damage(sample: Sample) -> Sample:
        nonlocal until_s, next_s, level
        if _t(sample) >= next_s:
            until_s, level = _t(sample) + ARTEFACT_S, float(random.choice(ARTEFACT_MMHG))
            next_s = until_s + random.exponential(ARTEFACT_EVERY_S)
        return replace(sample, value=level) if _t(sample) < until_s else sample

    return damage


def _seeded(case_id: str) -> np.random.Generator:
    return np.random.default_rng(list(hashlib.sha256(case_id.encode()).digest()[:8]))


def _arterial(event: Event) -> TypeGuard[Sample]:
    return isinstance(event, Sample) and event.valid and (event.channel or "").startswith("ABP_")


def _t(sample: Sample) -> float:
    return 0.0 if sample.t_s is None else sample.t_s


VARIANTS: Final = (
    Variant("no text", patient=lambda _: Patient()),
    *(Variant(f"text without {section}", patient=without_section(section)) for section in SECTION_FIELDS),
    Variant("MAP every 60 s", events=seen_every(60.0)),
    Variant("MAP every 5 min", events=seen_every(300.0)),
    Variant("20 % of samples lost", events=lost(0.2)),
    Variant("noise of 3 mmHg", events=noisy(3.0)),
    Variant("MAP reads 5 mmHg too high", events=raised(5.0)),
    Variant("MAP reads 5 mmHg too low", events=raised(-5.0)),
    Variant("flush, zeroing, disconnection", events=numerics_only(disturbed)),
)
"""What a validation tries on the shipped graph."""
