"""Waveforms in HL7: an OBX of type NA and the facet rows that explain it -> WaveChunk.

    OBX|1|NA|131329^MDC_ECG_ELEC_POTL_I^MDC |1.7.6.131329  |80^88^92
    OBX|2|NM|0^MDC_ATTR_SAMP_RATE^MDC       |1.7.6.131329.1|500|264608^MDC_DIM_PER_SEC^MDC
    OBX|3|NM|2327^MDC_ATTR_NU_MSMT_RES^MDC  |1.7.6.131329.2|0.001221|266418^MDC_DIM_MILLI_VOLT^MDC
    OBX|4|NM|262196^MDC_EVT_INOP^MDC        |1.7.6.131329.3|32767          a sample of this value is none
    OBX|.|NR|0^MDC_ATTR_DATA_RANGE^MDC      |...           |-50^300        samples are physical already
Senders number the facets differently (2327 or 67917, 262196 or 196660), so their mnemonic counts as well.
A facet belongs to the wave whose path it goes on, whichever comes first; one without a dotted path to the
last wave before it. One of a wave that the message does not hold is Corrupt `wave facet`.
Without a rate row the rate is the sample count over OBR-7..OBR-8; without that the wave is Corrupt
`wave rate`. One of more than MAX_SAMPLES is Corrupt `wave length`.
"""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING

import numpy as np

from barocast.runtime.decoders import units
from barocast.runtime.decoders.extremes import extremes
from barocast.runtime.decoders.hl7_rows import MAX_MAGNITUDE, number
from barocast.runtime.domain import Reason, WaveChunk

if TYPE_CHECKING:
    from barocast.runtime.decoders.hl7_message import Separators
    from barocast.runtime.decoders.hl7_rows import Wave
    from barocast.runtime.decoders.hl7_term import Term
    from barocast.runtime.domain import Floats

MAX_RATE_HZ = 10_000
"""No bedside wave is sampled faster; a larger rate is a damaged row."""
MAX_SAMPLES = 1 << 16
"""Of one row: half a minute at 2 kHz. More is damage, and costs more than a message may."""


def chunk(wave: Wave, separators: Separators, *, training: bool) -> WaveChunk | str:
    """Give the samples in the channel's unit, or the word for what makes them unusable."""
    term = wave.row.term
    raw = _samples(wave.row.value, separators, wave.facet("marker"))
    if raw is None:
        return "wave length"
    rate_hz = _rate(wave, len(raw))
    if rate_hz is None:
        return "wave rate"
    values, told = _physical(wave, raw)
    scale = units.to_canonical(term.channel, told.known_unit) if term.channel is not None else None
    unit = told.told_unit
    if scale is not None:
        values = values if scale == (1.0, 0.0) else values * scale[0] + scale[1]
        unit = term.unit
    reason = _refusal(term, values, scaled=scale is not None) or (Reason.TEST if training else None)
    return WaveChunk(term.channel, term.code, wave.row.t_s, rate_hz, values, unit, reason is None, reason)


def _samples(text: str, separators: Separators, marker: float) -> Floats | None:
    """Read the samples as they were sent, NaN for what is none; None when there are too many."""
    plain = text.replace(separators.repetition, separators.component)
    tokens = plain.split(separators.component, MAX_SAMPLES)
    if len(tokens) > MAX_SAMPLES:
        return None
    values = _numbers(plain, tokens)
    low, high = extremes(values)
    if low < -MAX_MAGNITUDE or high > MAX_MAGNITUDE:
        values = np.where(np.abs(values) <= MAX_MAGNITUDE, values, np.nan)
    return np.where(values == marker, np.nan, values) if low <= marker <= high else values


def _numbers(text: str, tokens: list[str]) -> Floats:
    if text.isascii() and "_" not in text:  # else numpy takes for numbers what is none
        with contextlib.suppress(ValueError):  # an empty or foreign sample among numbers
            return np.array(tokens, dtype=np.float64)
    return np.array([number(token)[0] for token in tokens], dtype=np.float64)


def _rate(wave: Wave, n: int) -> float | None:
    rate = wave.facet("rate")
    if math.isnan(rate) and wave.row.end_s is not None and wave.row.t_s is not None:
        lasted = wave.row.end_s - wave.row.t_s
        rate = n / lasted if lasted > 0 else math.nan
    return rate if 0 < rate <= MAX_RATE_HZ else None


def _physical(wave: Wave, raw: Floats) -> tuple[Floats, Term]:
    """Scale the samples; give them with the term whose unit they are in."""
    own = wave.row.term
    resolution = wave.facet("resolution")
    if "range" in wave.facets or math.isnan(resolution):
        return raw, own
    scale = wave.facets["resolution"].term
    return raw * resolution, scale if scale.told_unit else own


def _refusal(term: Term, values: Floats, *, scaled: bool) -> Reason | None:
    low, high = extremes(values)
    if term.no_result or math.isnan(low):
        return Reason.MISSING
    if term.channel is None:
        return None
    if not scaled:
        return Reason.UNIT
    return None if term.low <= low and high <= term.high else Reason.RANGE
