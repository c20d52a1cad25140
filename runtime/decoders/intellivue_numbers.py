"""Numeric observations of an IntelliVue object, and what their state allows.

    NuObsVal   code u16 | state u16 | unit u16 | FLOAT
    compound   count u16 | length u16 | NuObsVal ...      ABP: systolic, diastolic, mean

Readers raise struct.error or ValueError on bytes that are too short or disagree with their own lengths;
`intellivue` turns that into a Corrupt. No length needs a cap of its own: each is held against the
attribute that it stands in, and that against mib.MAX_PAYLOAD.

Source: Philips IntelliVue Data Export Interface Programming Guide, "Data Types".
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING, Final

from barocast.runtime.decoders import intellivue_codes as codes
from barocast.runtime.decoders.intellivue_values import PAIR, float_value
from barocast.runtime.domain import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

_NUMBER: Final = Struct(">HHHI")

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
        count, length = PAIR.unpack_from(compound)
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
