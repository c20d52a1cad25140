"""A validation in small: a dozen made-up cases, of whom a toy bundle learned from one half."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from toy_bundle import toy_bundle

from barocast.calibration.learned_from import LearnedFrom
from barocast.export.validation.gather import Source
from barocast.export.validation.study_case import Series, StudyCase
from barocast.runtime.domain import Patient
from barocast.runtime.trust import write_keys

if TYPE_CHECKING:
    from pathlib import Path

HALF = LearnedFrom(
    "VitalDB",
    "salt",
    (("train", 0.5), ("test", 1.0)),
    MappingProxyType({"weights": ("train",)}),
)


def toy_source(folder: Path, learned_from: LearnedFrom = HALF) -> Source:
    """Write the toy bundle with its key, and say where they lie."""
    toy = toy_bundle(folder / "toy", learned_from=learned_from)
    write_keys(folder / "trust.json", {"toy": toy.public_key})
    return Source(toy.directory, folder / "trust.json")


def toy_map(number: int, minutes: int = 50) -> np.ndarray:
    """Give a MAP that falls now and again, on the 10 s grid."""
    random = np.random.default_rng(number)
    steps = minutes * 6
    slow = 12 * np.sin(np.arange(steps) / random.uniform(20, 50) + random.uniform(0, 6))
    series = random.uniform(70, 78) + slow + random.normal(0, 1.5, steps)
    series[random.random(steps) < 0.03] = np.nan
    return series


def toy_case(number: int, source: str = "VitalDB") -> StudyCase:
    """Give one operation of its own patient."""
    patient = Patient(age_years=60 + number)
    return StudyCase(f"c{number}", f"s{number}", source, patient, Series.of_grid(toy_map(number)))
