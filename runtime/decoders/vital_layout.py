"""The packets of an unpacked .vital file (Vital Recorder, version 3), little-endian.

    file     "VITA" | version u32 | n u16 | n header bytes (time zone bias, program, ...: not used)
    packet   type u8 | length u32 | body
    0 track  id u16 | kind u8 | format u8 | name str | unit str | display f32 f32 u32 | rate f32
             | gain f64 | offset f64 | montype u8 | device u32 | later additions, ignored
    1 record n u16 (10) | time f64 | track u16 | kind 1: count u32, samples | kind 2: one value
                                               | kind 5: text, not used
    9 device id u32 | type str | name str | port str | ...
    6 command: display state, not used                     str: length u32 | UTF-8
kind: 1 wave, 2 numeric, 5 string. format: 1 f32, 2 f64, 3 i8, 4 u8, 5 i16, 6 u16, 7 i32, 8 u32; whole
numbers mean raw * gain + offset, and the extreme of a 16 or 32 bit format marks a gap. time: epoch s.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from barocast.runtime.domain import Floats

TRACK, RECORD, COMMAND, DEVICE = 0, 1, 6, 9
WAVE, NUMERIC = 1, 2

MAX_TEXT = 1024
"""Bytes in one name; real ones have under 40."""
MAX_RATE_HZ = 10_000
"""No monitor samples faster."""
MAX_MAGNITUDE = 1e12
"""Of a value, gain or offset, in any unit; what is larger is damage, and arithmetic on it overflows."""

FORMATS = MappingProxyType(
    {
        code: np.dtype(name)
        for code, name in enumerate(("<f4", "<f8", "i1", "u1", "<i2", "<u2", "<i4", "<u4"), 1)
    }
)
_GAPS = MappingProxyType({5: -(2**15), 6: 2**16 - 1, 7: -(2**31), 8: 2**32 - 1})
_FIRST_WHOLE = 3  # formats from here on are whole numbers


class Malformed(Exception):  # noqa: N818 - caught in vital.py and turned into a Corrupt; nobody else sees it
    """A packet that does not hold what its layout says."""


@dataclass(frozen=True, slots=True)
class Track:
    """One named series."""

    number: int
    kind: int
    format: int
    name: str
    unit: str
    rate_hz: float
    gain: float
    offset: float
    device: int

    def physical(self, raw: Floats) -> Floats:
        """Scale raw values to the track's unit; NaN where they mark a gap."""
        values = np.where(np.abs(raw) <= MAX_MAGNITUDE, raw, np.nan)
        if self.format < _FIRST_WHOLE:
            return values
        return np.where(raw == _GAPS.get(self.format), np.nan, values * self.gain + self.offset)


@dataclass(frozen=True, slots=True)
class Record:
    """One value or one stretch of samples."""

    track: int
    t_s: float
    """Epoch seconds of the first sample."""
    body: bytes


class Cursor:
    """Reads a packet's fields in order; Malformed where they do not fit."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def take(self, layout: str) -> tuple[float, ...]:
        """Read the fields of a struct layout."""
        fields = struct.Struct("<" + layout)
        if self._at + fields.size > len(self._body):
            raise Malformed
        self._at += fields.size
        return fields.unpack_from(self._body, self._at - fields.size)

    def text(self) -> str:
        """Read a string."""
        length = int(self.take("I")[0])
        if length > MAX_TEXT or self._at + length > len(self._body):
            raise Malformed
        self._at += length
        return self._body[self._at - length : self._at].decode("utf-8", errors="replace").strip("\0 ")

    def rest(self) -> bytes:
        """Give what is left."""
        return self._body[self._at :]


def track(body: bytes) -> Track:
    """Read a track packet."""
    cursor = Cursor(body)
    number, kind, form = (int(field) for field in cursor.take("HBB"))
    name, unit = cursor.text(), cursor.text()
    rate, gain, offset = cursor.take("12xfdd")
    device = int(cursor.take("xI")[0]) if cursor.rest() else 0
    sound = kind != WAVE or 0 < rate <= MAX_RATE_HZ
    if form not in FORMATS or not sound or not max(abs(gain), abs(offset)) <= MAX_MAGNITUDE:
        raise Malformed
    return Track(number, kind, form, name, unit, rate, gain, offset, device)


def device(body: bytes) -> tuple[int, str]:
    """Read a device packet: (id, the name that track names are prefixed with)."""
    cursor = Cursor(body)
    number = int(cursor.take("I")[0])
    kind, name = cursor.text(), cursor.text()
    return number, name or kind


def record(body: bytes) -> Record:
    """Read a record packet up to its values."""
    cursor = Cursor(body)
    length, t_s, number = cursor.take("HdH")
    skipped = body[2 + int(length) :]
    if length < struct.calcsize("<dH") or not np.isfinite(t_s):
        raise Malformed
    return Record(int(number), t_s, skipped)


def raw_values(described: Track, body: bytes) -> Floats:
    """Give a record's raw values, (n,): one for a numeric."""
    size = FORMATS[described.format].itemsize
    count, start = 1, 0
    if described.kind == WAVE:
        count, start = int(Cursor(body).take("I")[0]), 4
    if start + count * size > len(body):
        raise Malformed
    with np.errstate(invalid="ignore"):  # a signalling NaN is one more way to write a gap
        return np.frombuffer(body, FORMATS[described.format], count, start).astype(np.float64)
