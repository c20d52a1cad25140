"""Small makers of what the tests speak of: samples, series, patients."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from barocast.runtime.domain import Patient, Reason, Sample

if TYPE_CHECKING:
    from collections.abc import Iterable


def sample(t_s: float, value: float, channel: str = "ABP_MEAN", code: str = "column") -> Sample:
    """One numeric; NaN is a value that the feed said is missing."""
    missing = math.isnan(value)
    return Sample(channel, code, t_s, value, "mmHg", not missing, Reason.MISSING if missing else None)


def series(values: Iterable[float], every_s: float = 10.0, start_s: float = 0.0, **more: str) -> list[Sample]:
    """Samples on an even cadence."""
    return [sample(start_s + i * every_s, value, **more) for i, value in enumerate(values)]


def elderly_patient() -> Patient:
    """A patient with something in every section."""
    return Patient(
        age_years=68,
        sex="M",
        height_cm=170,
        weight_kg=54.7,
        asa=3,
        emergency=False,
        department="Thoracic surgery",
        procedure="Lung lobectomy",
        diagnosis="Lung cancer",
        approach="Open",
        position="Right lateral decubitus",
        anaesthesia="General",
        history=("hypertension",),
        labs=(("hb_g_dl", 10.6), ("na_mmol_l", 138.0)),
        notes=(("assessment", "Frail, poor oral intake for two weeks."),),
    )
