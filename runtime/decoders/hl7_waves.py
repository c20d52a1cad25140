"""Waveforms in HL7: an OBX of type NA and the facet rows that explain it -> WaveChunk.

    OBX|1|NA|131329^MDC_ECG_ELEC_POTL_I^MDC |1.7.6.131329  |80^88^92
    OBX|2|NM|0^MDC_ATTR_SAMP_RATE^MDC       |1.7.6.131329.1|500|264608^MDC_DIM_PER_SEC^MDC
    OBX|3|NM|2327^MDC_ATTR_NU_MSMT_RES^MDC  |1.7.6.131329.2|0.001221|266418^MDC_DIM_MILLI_VOLT^MDC
    OBX|4|NM|262196^MDC_EVT_INOP^MDC        |1.7.6.131329.3|32767          a sample of this value is none
    OBX|.|NR|0^MDC_ATTR_DATA_RANGE^MDC      |...           |-50^300        samples are physical already
Senders number the facets differently (2327 or 67917, 262196 or 196660), so their mnemonic counts as well.
Without a rate row the rate is the sample count over OBR-7..OBR-8; without that the wave is Corrupt.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from barocast.runtime.decoders import units
from barocast.runtime.decoders.hl7_rows import MAX_MAGNITUDE, NO_RESULT, Row, number
from barocast.runtime.domain import Reason, WaveChunk
from barocast.runtime.tracks import CHANNELS

if TYPE_CHECKING:
    from barocast.runtime.decoders.hl7_message import Separators
    from barocast.runtime.decoders.target import Target
    from barocast.runtime.domain import Floats

MAX_RATE_HZ = 10_000
"""No bedside wave is sampled faster; a larger rate is a damaged row."""

_FACETS = MappingProxyType(
    {
        "MDC_ATTR_SAMP_RATE": "rate",
        "MDC_ATTR_NU_MSMT_RES": "resolution",
        "MDC_EVT_INOP": "marker",
        "MDC_ATTR_DATA_RANGE": "range",
        "2327": "resolution",
        "67917": "resolution",
        "262196": "marker",
        "196660": "marker",
    }
)


@dataclass(frozen=True, slots=True)
class Wave:
    """An NA row with its facets."""

    row: Row
    facets: dict[str, Row] = field(default_factory=dict)

    def facet(self, name: str) -> float:
        """Give a facet's number, NaN without one."""
        return number(self.facets[name].value)[0] if name in self.facets else math.nan


def gather(rows: list[Row]) -> tuple[list[Wave], list[Row]]:
    """Sort a message's rows into waves with their facets, and the others."""
    waves: list[Wave] = []
    by_path: dict[str, Wave] = {}
    others: list[Row] = []
    for row in rows:
        if row.kind == "NA":
            waves.append(Wave(row))
            by_path[row.path] = waves[-1]
            continue
        name = _FACETS.get(row.coded.mnemonic) or _FACETS.get(row.coded.code)
        owner = by_path.get(row.path.rpartition(".")[0]) or (waves[-1] if waves and name else None)
        if owner is None:
            others.append(row)
        elif name:
            owner.facets[name] = row
    return waves, others


def chunk(wave: Wave, target: Target | None, separators: Separators, *, training: bool) -> WaveChunk | None:
    """Give the samples in the channel's unit, None when no rate can be had."""
    raw = _samples(wave.row.value, separators)
    rate_hz = _rate(wave, len(raw))
    if rate_hz is None:
        return None
    values, unit, unit_text = _physical(wave, raw)
    reason = _refusal(wave, values)
    channel = target.channel if target is not None else None
    if channel is not None:
        scale = units.to_canonical(channel, unit)
        values = values * scale[0] + scale[1] if scale else values
        unit_text = CHANNELS[channel].unit if scale else unit_text
        reason = reason or (_range(channel, values) if scale else Reason.UNIT)
    reason = reason or (Reason.TEST if training else None)
    return WaveChunk(
        channel, wave.row.coded.code, wave.row.t_s, rate_hz, values, unit_text, reason is None, reason
    )


def _samples(text: str, separators: Separators) -> Floats:
    tokens = text.replace(separators.repetition, separators.component).split(separators.component)
    try:
        values = np.array(tokens, dtype=np.float64)
    except ValueError:  # an empty or foreign sample among numbers
        values = np.array([number(token)[0] for token in tokens], dtype=np.float64)
    return np.where(np.abs(values) <= MAX_MAGNITUDE, values, np.nan)


def _rate(wave: Wave, n: int) -> float | None:
    rate = wave.facet("rate")
    if math.isnan(rate) and wave.row.end_s is not None and wave.row.t_s is not None:
        lasted = wave.row.end_s - wave.row.t_s
        rate = n / lasted if lasted > 0 else math.nan
    return rate if 0 < rate <= MAX_RATE_HZ else None


def _physical(wave: Wave, raw: Floats) -> tuple[Floats, str | None, str]:
    """Scale the samples; give them with their unit's name and the feed's own word for it."""
    values = np.where(raw == wave.facet("marker"), np.nan, raw)
    owner = wave.row
    resolution = wave.facet("resolution")
    if "range" not in wave.facets and not math.isnan(resolution):
        values = values * resolution
        scale = wave.facets["resolution"]
        owner = scale if scale.unit_text else owner
    return values, owner.unit, owner.unit or owner.unit_text


def _refusal(wave: Wave, values: Floats) -> Reason | None:
    absent = wave.row.status in NO_RESULT or bool(np.isnan(values).all())
    return Reason.MISSING if absent else None


def _range(channel: str, values: Floats) -> Reason | None:
    track = CHANNELS[channel]
    beyond = np.nanmin(values) < track.low or np.nanmax(values) > track.high
    return Reason.RANGE if beyond else None
