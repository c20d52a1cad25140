"""Data types inside IntelliVue attributes: bytes to numbers and back.

    FLOAT      exponent s8 | mantissa s24            mantissa * 10^exponent; five mantissas are codes
    NuObsVal   code u16 | state u16 | unit u16 | FLOAT
    compound   count u16 | length u16 | items        of numbers or of sample arrays
    SaObsVal   code u16 | state u16 | length u16 | samples
    format     array size u16 | sample bits u8 | significant bits u8 | flags u16
    scale      lower FLOAT | upper FLOAT | lower raw u16 | upper raw u16
    alarm      source u16 | code u16 | type u16 | state u16 | object 6 B | kind u16 | length u16 | info
    info       instance u16 | text id u32 | priority u16 | flags u16 | length u16 | UTF-16

Everything is big-endian. Readers raise struct.error or ValueError on bytes that are too short or
disagree with their own lengths; `intellivue` turns that into a Corrupt. No length needs a cap of its
own here: each is held against the attribute it stands in, and that against mib.MAX_PAYLOAD.

Source: Philips IntelliVue Data Export Interface Programming Guide, "Data Types".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from struct import Struct
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.runtime.decoders import intellivue_codes as codes
from barocast.runtime.domain import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from barocast.runtime.domain import Floats

_CODE_MANTISSAS: Final = frozenset((0x7FFFFF, 0x800000, 0x7FFFFE, 0x800002, 0x800001))
"""Not a number, not at this resolution, +infinity, -infinity, reserved."""
_NAN: Final = 0x007FFFFF

_NUMBER: Final = Struct(">HHHI")
_HEAD: Final = Struct(">HHH")
_PAIR: Final = Struct(">HH")
_FORMAT: Final = Struct(">HBBH")
_SCALE: Final = Struct(">IIHH")
_ALARM: Final = Struct(">HHHH6sHH")
_INFO: Final = Struct(">HIHH")
_U16: Final = Struct(">H")
_U32: Final = Struct(">I")


def float_value(word: int) -> float:
    """Give the number that a FLOAT stands for; NaN for its five codes."""
    mantissa = word & 0xFFFFFF
    if mantissa in _CODE_MANTISSAS:
        return math.nan
    exponent = word >> 24
    mantissa -= (mantissa & 0x800000) << 1
    # Dividing by a power of ten keeps 0.1 as 0.1, where multiplying by 10.0**-1 does not.
    return mantissa / 10.0 ** (256 - exponent) if exponent > 127 else mantissa * 10.0**exponent  # noqa: PLR2004 - sign of s8


def float_word(value: float, decimals: int = 0) -> int:
    """Give the FLOAT of `value` rounded to `decimals` digits; NaN has its code.

    Raises ValueError when the mantissa does not hold it.
    """
    if math.isnan(value):
        return _NAN
    mantissa = round(value * 10.0**decimals)
    if abs(mantissa) >= 0x7FFFFE:  # noqa: PLR2004 - the first mantissa that is a code
        raise ValueError(f"{value} with {decimals} decimals does not fit a FLOAT")
    return (-decimals & 0xFF) << 24 | mantissa & 0xFFFFFF


_REASONS: Final = (
    (codes.STATE_UNAVAILABLE, Reason.UNAVAILABLE),
    (codes.STATE_INVALID, Reason.INVALID),
    (codes.STATE_CALIBRATION, Reason.CALIBRATING),
    (codes.STATE_TEST, Reason.TEST),
    (codes.STATE_DEMO, Reason.DEMO),
    (codes.STATE_UNUSABLE, Reason.INVALID),
)


def state_reason(state: int) -> Reason | None:
    """Say why a measurement state forbids use; None when it does not."""
    if not state & codes.STATE_UNUSABLE:
        return None
    return next(reason for bit, reason in _REASONS if state & bit)


@dataclass(frozen=True, slots=True)
class Number:
    """One numeric observation (NuObsVal)."""

    code: int
    state: int
    unit: int
    value: float
    """In `unit`; NaN where the monitor sent a code."""


def numbers(attributes: Mapping[int, bytes]) -> list[Number]:
    """Read the single and the compound numeric among an object's attributes."""
    found = []
    if single := attributes.get(codes.NUMERIC_VALUE):
        found.append(_number(single, 0))
    if compound := attributes.get(codes.COMPOUND_NUMERIC):
        count, length = _PAIR.unpack_from(compound)
        if length != count * _NUMBER.size or length != len(compound) - 4:
            raise ValueError("compound numeric of uneven length")
        found += [_number(compound, 4 + i * _NUMBER.size) for i in range(count)]
    return found


def _number(data: bytes, at: int) -> Number:
    code, state, unit, word = _NUMBER.unpack_from(data, at)
    return Number(code, state, unit, float_value(word))


def number_bytes(code: int, state: int, unit: int, word: int) -> bytes:
    """Write a NuObsVal; `word` is a FLOAT."""
    return _NUMBER.pack(code, state, unit, word)


def listed(items: Sequence[bytes]) -> bytes:
    """Write `items` as a list with count and length."""
    body = b"".join(items)
    return _PAIR.pack(len(items), len(body)) + body


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
        count, _ = _PAIR.unpack_from(compound)
        at = _PAIR.size
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
    dtype: str
    """Numpy type of one raw sample."""
    mask: int
    """Bits of a raw sample that are value."""
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
        values = (counts & self.mask).astype(np.float64) * self.gain + self.offset
        if self.invalid:
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
_DTYPES: Final = {8: "u1", 16: ">u2"}


def wave_spec(attributes: Mapping[int, bytes]) -> WaveSpec | None:
    """Read a wave's format, scale and period; None while one is missing or makes no sense."""
    if not all(key in attributes for key in (codes.WAVE_FORMAT, codes.SCALE, codes.SAMPLE_PERIOD)):
        return None
    _, bits, significant, flags = _FORMAT.unpack_from(attributes[codes.WAVE_FORMAT])
    low_word, high_word, low_raw, high_raw = _SCALE.unpack_from(attributes[codes.SCALE])
    (period,) = _U32.unpack_from(attributes[codes.SAMPLE_PERIOD])
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
        mask=(1 << min(significant, bits)) - 1 if flags & _EXTENDED_RANGE else word,
        invalid=_marks(attributes.get(codes.FIXED_VALUES, b"")).get(_MARK_INVALID, 0) & word,
        gain=gain,
        offset=low - low_raw * gain,
        unit=_U16.unpack_from(attributes[codes.UNIT])[0] if absolute else None,
    )


def _marks(data: bytes) -> dict[int, int]:
    """Read the fixed values: mark -> bits."""
    return dict(_PAIR.iter_unpack(data[4 : 4 + (len(data) - 4) // 4 * 4])) if len(data) >= 4 else {}  # noqa: PLR2004 - count and length


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
            codes.FIXED_VALUES: listed([_PAIR.pack(_MARK_INVALID, _INVALID_BIT)]),
            codes.SAMPLE_PERIOD: _U32.pack(self.period_ticks),
            codes.UNIT: _U16.pack(self.unit),
            codes.SCALE: _SCALE.pack(*scale),
        }

    def encode(self, values: Floats) -> bytes:
        """Write samples; NaN becomes the invalid mark, and what is off the scale its end."""
        low, high = (0.0, 1.0) if math.isnan(self.low) else (self.low, self.high)
        per_unit = (self.high_raw - self.low_raw) / (high - low)
        counts = np.clip(np.nan_to_num(values) - low, 0.0, high - low) * per_unit + self.low_raw
        return np.where(np.isnan(values), _INVALID_BIT, np.rint(counts)).astype(">u2").tobytes()


def label_list(labels: Sequence[int]) -> bytes:
    """Write a priority list (TextIdList) of physiological codes."""
    return listed([_U32.pack(codes.label_id(code)) for code in labels])


def labels(data: bytes) -> tuple[int, ...]:
    """Read a priority list as physiological codes; ids of no standard label are left out."""
    found = (word for (word,) in _U32.iter_unpack(data[4:]))
    return tuple(word & 0xFFFF for word in found if word >> 16 == codes.PARTITION_OF_LABELS)


def date_time(bcd: bytes) -> datetime | None:
    """Read an absolute time of 8 BCD bytes, in the monitor's local time; None where it is none."""
    digits = bcd.hex()
    try:
        return datetime.strptime(digits[:14], "%Y%m%d%H%M%S")  # noqa: DTZ007 - the monitor states no zone
    except ValueError:
        return None


def date_time_bytes(when: datetime) -> bytes:
    """Write an absolute time as 8 BCD bytes."""
    return bytes.fromhex(when.strftime("%Y%m%d%H%M%S") + f"{when.microsecond // 10000:02d}")


_PRIORITIES: Final = {
    1: ("low", True),
    2: ("medium", True),
    4: ("high", True),
    256: ("low", False),
    512: ("medium", False),
    1024: ("high", False),
}
ALARM_INHIBITED: Final = 0x8000
ALARM_DEMO: Final = 0x0100
_INFO_WITH_TEXT: Final = 0x0204


@dataclass(frozen=True, slots=True)
class Alarm:
    """One entry of an alert monitor's list."""

    code: int
    state: int
    text: str
    priority: str
    technical: bool


def alarms(data: bytes) -> list[Alarm]:
    """Read an alarm list. An entry of a type we do not know counts as low."""
    count, length = _PAIR.unpack_from(data)
    if length != len(data) - _PAIR.size:
        raise ValueError("alarm list of another length than it says")
    found, at = [], _PAIR.size
    for _ in range(count):
        _, code, kind, state, _, form, size = _ALARM.unpack_from(data, at)
        at += _ALARM.size
        text = _text(data[at : at + size]) if form == _INFO_WITH_TEXT else ""
        at += size
        found.append(Alarm(code, state, text, *_PRIORITIES.get(kind, ("low", kind < 256))))  # noqa: PLR2004 - first patient type
    if at != len(data):
        raise ValueError("alarm list runs over its end")
    return found


def _text(info: bytes) -> str:
    (length,) = _U16.unpack_from(info, _INFO.size)
    raw = info[_INFO.size + 2 : _INFO.size + 2 + length]
    return raw.decode("utf-16-be", "replace").replace("\0", " ").strip()


def alarm_bytes(alarm: Alarm) -> bytes:
    """Write one alarm list entry."""
    kind = next(kind for kind, said in _PRIORITIES.items() if said == (alarm.priority, alarm.technical))
    raw = (alarm.text + "\0").encode("utf-16-be")
    info = _INFO.pack(0, 0, 0, 0) + _U16.pack(len(raw)) + raw
    return _ALARM.pack(0, alarm.code, kind, alarm.state, bytes(6), _INFO_WITH_TEXT, len(info)) + info
