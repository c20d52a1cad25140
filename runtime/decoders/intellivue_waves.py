"""Sample arrays of an IntelliVue wave object, and the description that makes them measurements.

    SaObsVal   code u16 | state u16 | length u16 | samples
    compound   count u16 | length u16 | SaObsVal ...      ECG: three leads
    format     array size u16 | sample bits u8 | significant bits u8 | flags u16
    scale      lower FLOAT | upper FLOAT | lower raw u16 | upper raw u16
    marks      list of (mark u16, bits u16)
    period     u32, 1/8000 s

Readers raise struct.error or ValueError on bytes that are too short or disagree with their own lengths;
`intellivue` turns that into a Corrupt. No length needs a cap of its own: each is held against the
attribute that it stands in, and that against mib.MAX_PAYLOAD.

Source: Philips IntelliVue Data Export Interface Programming Guide, "Data Types".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.runtime.decoders import intellivue_codes as codes
from barocast.runtime.decoders.intellivue_values import PAIR, U16, U32, float_value, float_word, listed
from barocast.runtime.stored import stored

if TYPE_CHECKING:
    from collections.abc import Mapping

    from barocast.runtime.domain import Floats

_HEAD: Final = Struct(">HHH")
_FORMAT: Final = Struct(">HBBH")
_SCALE: Final = Struct(">IIHH")


@stored
@dataclass(frozen=True, slots=True)
class Samples:
    """One sample array, raw (SaObsVal)."""

    code: int
    state: int
    raw: bytes


def sample_arrays(attributes: Mapping[int, bytes]) -> list[Samples]:
    """Read the single and the compound sample arrays among an object's attributes."""
    found = []
    if single := attributes.get(codes.WAVE_SAMPLES):
        found.append(_samples(single, 0))
    if compound := attributes.get(codes.COMPOUND_WAVE):
        count, _ = PAIR.unpack_from(compound)
        at = PAIR.size
        for _ in range(count):
            found.append(_samples(compound, at))
            at += _HEAD.size + len(found[-1].raw)
    return found


def _samples(data: bytes, at: int) -> Samples:
    code, state, length = _HEAD.unpack_from(data, at)
    raw = data[at + _HEAD.size : at + _HEAD.size + length]
    if len(raw) != length:
        raise ValueError("sample array cut off")
    return Samples(code, state, raw)


def samples_bytes(code: int, state: int, raw: bytes) -> bytes:
    """Write a SaObsVal."""
    return _HEAD.pack(code, state, len(raw)) + raw


@dataclass(frozen=True, slots=True)
class WaveSpec:
    """How to read a wave object's samples. It comes once; the samples come for ever after."""

    rate_hz: float
    dtype: np.dtype[Any]
    """Numpy type of one raw sample."""
    mask: int | None
    """Bits of a raw sample that are value; None: all of them."""
    invalid: int
    """Bits of a raw sample that mark it invalid; 0 where the wave has no such mark."""
    gain: float
    offset: float
    """value = raw * gain + offset, in `unit`."""
    unit: int | None
    """None where the wave has no absolute scale: values are then its fraction of full scale."""

    def decode(self, raw: bytes) -> Floats:
        """Turn raw samples into values (n,); NaN where one is marked invalid."""
        counts = np.frombuffer(raw, self.dtype)
        highest = counts.item(counts.argmax()) if len(counts) else 0
        masked = self.mask is not None and highest > self.mask
        values = (counts & self.mask if masked else counts).astype(np.float64)
        values *= self.gain
        values += self.offset
        if self.invalid and highest >= self.invalid:  # else none is marked
            values[(counts & self.invalid) == self.invalid] = math.nan
        return values


SPEC_ATTRIBUTES: Final = (
    codes.WAVE_FORMAT,
    codes.SCALE,
    codes.SAMPLE_PERIOD,
    codes.FIXED_VALUES,
    codes.UNIT,
)
_EXTENDED_RANGE: Final = 0x1000  # format flag: bits above the significant ones are marks
_FIXED_SCALE: Final = 0x2000  # format flag
_MARK_INVALID: Final = 1
_INVALID_BIT: Final = 0x8000
_DTYPES: Final[Mapping[int, np.dtype[Any]]] = {8: np.dtype("u1"), 16: np.dtype(">u2")}


def wave_spec(attributes: Mapping[int, bytes]) -> WaveSpec | None:
    """Read a wave's format, scale and period; None while one is missing or makes no sense."""
    if not all(key in attributes for key in (codes.WAVE_FORMAT, codes.SCALE, codes.SAMPLE_PERIOD)):
        return None
    _, bits, significant, flags = _FORMAT.unpack_from(attributes[codes.WAVE_FORMAT])
    low_word, high_word, low_raw, high_raw = _SCALE.unpack_from(attributes[codes.SCALE])
    (period,) = U32.unpack_from(attributes[codes.SAMPLE_PERIOD])
    if bits not in _DTYPES or low_raw == high_raw or period == 0:
        return None
    low, high = float_value(low_word), float_value(high_word)
    absolute = math.isfinite(low) and math.isfinite(high) and codes.UNIT in attributes
    if not absolute:
        low, high = 0.0, 1.0
    gain = (high - low) / (high_raw - low_raw)
    word = (1 << bits) - 1
    return WaveSpec(
        rate_hz=codes.TICKS_PER_S / period,
        dtype=_DTYPES[bits],
        mask=(1 << min(significant, bits)) - 1 if flags & _EXTENDED_RANGE else None,
        invalid=_marks(attributes.get(codes.FIXED_VALUES, b"")).get(_MARK_INVALID, 0) & word,
        gain=gain,
        offset=low - low_raw * gain,
        unit=U16.unpack_from(attributes[codes.UNIT])[0] if absolute else None,
    )


def _marks(data: bytes) -> dict[int, int]:
    """Read the fixed values: mark -> bits."""
    return dict(PAIR.iter_unpack(data[4 : 4 + (len(data) - 4) // 4 * 4])) if len(data) >= 4 else {}  # noqa: PLR2004 - count and length


@dataclass(frozen=True, slots=True)
class WaveLayout:
    """What a monitor says of a wave it sends: 16-bit samples, bit 15 marks one invalid."""

    n: int
    """Samples in one array."""
    period_ticks: int
    bits: int
    low: float
    high: float
    """Ends of the scale, in `unit`; NaN where it has no absolute one."""
    low_raw: int
    high_raw: int
    unit: int

    def attributes(self) -> dict[int, bytes]:
        """Write the attributes that describe the wave."""
        scale = (float_word(self.low), float_word(self.high), self.low_raw, self.high_raw)
        return {
            codes.WAVE_FORMAT: _FORMAT.pack(self.n, 16, self.bits, _FIXED_SCALE),
            codes.FIXED_VALUES: listed([PAIR.pack(_MARK_INVALID, _INVALID_BIT)]),
            codes.SAMPLE_PERIOD: U32.pack(self.period_ticks),
            codes.UNIT: U16.pack(self.unit),
            codes.SCALE: _SCALE.pack(*scale),
        }

    def encode(self, values: Floats) -> bytes:
        """Write samples; NaN becomes the invalid mark, and what is off the scale its end."""
        low, high = (0.0, 1.0) if math.isnan(self.low) else (self.low, self.high)
        per_unit = (self.high_raw - self.low_raw) / (high - low)
        counts = np.clip(np.nan_to_num(values) - low, 0.0, high - low) * per_unit + self.low_raw
        return np.where(np.isnan(values), _INVALID_BIT, np.rint(counts)).astype(">u2").tobytes()
