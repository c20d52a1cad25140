"""One state of an SDC metric to its values in their channel's unit, and why they must not be used.

    metrics  {"handle", "t", "value", "validity", "mode", "activation"}
    waves    the same with "values" for "value", and "marks": [{"at": sample, "code": annotation}]

`t`, seconds since 1970 on the device's clock, is when the value was determined, of a wave its first sample. A
metric that is off, a generated value and a validity other than valid say why by WHY_NOT. No value is NaN, and
so is a sample that is marked NO_SAMPLE; other annotations change nothing. Raises ValueError for fields that
are not laid out so.

Source: IEEE 11073-10207, participant model: MeasurementValidity, GenerationMode, ComponentActivation.
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.runtime.decoders import units
from barocast.runtime.decoders.sdc_record import MAX_MAGNITUDE, entries, number, text
from barocast.runtime.domain import Reason
from barocast.runtime.tracks import CHANNELS

if TYPE_CHECKING:
    from barocast.runtime.decoders.sdc_mdib import Metric
    from barocast.runtime.decoders.sdc_record import Fields
    from barocast.runtime.domain import Floats

MAX_SAMPLES: Final = 10_000
"""Samples of one array: a second at the highest rate."""
NO_SAMPLE: Final = "196660"
"""MDC_EVT_INOP, as the annotation of a sample that is none."""
ON: Final = "On"
"""The activation of what works."""

WHY_NOT: Final = MappingProxyType(
    {
        "mode": {"Real": None, "Demo": Reason.DEMO, "Test": Reason.TEST},
        "activation": {
            ON: None,
            "NotRdy": Reason.UNAVAILABLE,
            "StndBy": Reason.UNAVAILABLE,
            "Off": Reason.UNAVAILABLE,
            "Shtdn": Reason.UNAVAILABLE,
            "Fail": Reason.INVALID,
        },
        "validity": {
            "Vld": None,
            "Vldated": None,
            "Ong": Reason.MISSING,
            "Qst": Reason.INVALID,
            "Calib": Reason.CALIBRATING,
            "Inv": Reason.INVALID,
            "Oflw": Reason.RANGE,
            "Uflw": Reason.RANGE,
            "NA": Reason.UNAVAILABLE,
        },
    }
)
"""Field of a state -> word -> why the value must not be used; a word that is not here vouches for nothing."""


def why_not(state: Fields) -> Reason | None:
    """Give what the device itself holds against a value."""
    said = (words.get(text(state, name), Reason.INVALID) for name, words in WHY_NOT.items())
    return next(filter(None, said), None)


def time(state: Fields) -> float | None:
    """Give the seconds on the device's clock, None when it told none."""
    t_s = number(state, "t")
    return t_s if t_s > 0 else None


def values(state: Fields, *, wave: bool) -> Floats:
    """Give a wave's samples, or a numeric's one value, as the device wrote them."""
    return _samples(state) if wave else np.array([number(state, "value")])


def canonical(raw: Floats, metric: Metric, reason: Reason | None) -> tuple[Floats, str, Reason | None]:
    """Give values in their channel's unit, that unit, and why they must not be used: `reason` before ours."""
    own = metric.unit or metric.unit_text
    if reason is None and bool(np.isnan(raw).all()):
        reason = Reason.MISSING
    if metric.channel is None:
        return raw, own, reason
    track = CHANNELS[metric.channel]
    scale = units.to_canonical(track.name, metric.unit)
    if scale is None:
        return raw, own, reason or Reason.UNIT
    scaled = raw * scale[0] + scale[1]
    outside = bool(((scaled < track.low) | (scaled > track.high)).any())
    return scaled, track.unit, reason or (Reason.RANGE if outside else None)


def _samples(state: Fields) -> Floats:
    told = state.get("values", [])
    if not isinstance(told, list) or len(told) > MAX_SAMPLES or not all(isinstance(v, float) for v in told):
        raise ValueError(f"values: not a list of at most {MAX_SAMPLES} numbers")
    samples = np.array(told, dtype=np.float64)
    samples[np.abs(samples) > MAX_MAGNITUDE] = math.nan
    for mark in entries(state, "marks"):
        at = number(mark, "at")
        if text(mark, "code") == NO_SAMPLE and 0 <= at < len(samples):
            samples[int(at)] = math.nan
    return samples
