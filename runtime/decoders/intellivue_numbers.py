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
from functools import lru_cache
from struct import Struct
from typing import TYPE_CHECKING, Final

from barocast.runtime.decoders import intellivue_codes as codes
from barocast.runtime.decoders.intellivue_values import PAIR, float_value
from barocast.runtime.domain import Reason
from barocast.runtime.stored import stored

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_STATES: Final = 256
"""States whose reason is remembered: a monitor uses a dozen of the 65,536, the others are noise."""
_NUMBER: Final = Struct(">HHHI")

_REASONS: Final = (
    (codes.STATE_UNAVAILABLE, Reason.UNAVAILABLE),
    (codes.STATE_INVALID, Reason.INVALID),
    (codes.STATE_CALIBRATION, Reason.CALIBRATING),
    (codes.STATE_TEST, Reason.TEST),
    (codes.STATE_DEMO, Reason.DEMO),
    (codes.STATE_UNUSABLE, Reason.INVALID),
)


@lru_cache(maxsize=MAX_STATES)
def state_reason(state: int) -> Reason | None:
    """Say why a measurement state forbids use; None when it does not."""
    if not state & codes.STATE_UNUSABLE:
        return None
    return next(reason for bit, reason in _REASONS if state & bit)


@stored
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
    raw = attributes.get(codes.NUMERIC_VALUE, b"")[: _NUMBER.size]
    if compound := attributes.get(codes.COMPOUND_NUMERIC):
        count, length = PAIR.unpack_from(compound)
        if length != count * _NUMBER.size or length != len(compound) - PAIR.size:
            raise ValueError("compound numeric of uneven length")
        raw += compound[PAIR.size :]
    return [
        Number(code, state, unit, float_value(word)) for code, state, unit, word in _NUMBER.iter_unpack(raw)
    ]


def number_bytes(code: int, state: int, unit: int, word: int) -> bytes:
    """Write a NuObsVal; `word` is a FLOAT."""
    return _NUMBER.pack(code, state, unit, word)
