"""The Datex-Ohmeda record: a header and up to eight sub-records. Little-endian, packed.

    0  r_len i16   whole record       6  r_time u32   unix seconds, the monitor's clock
    2  r_nbr u8    counts by type    10  four bytes, zero
    3  dri_level u8                  14  r_maintype i16
    4  plug_id u16                   16  8 x {offset i16 from byte 40, type u8}; type FF ends
   40  sub-records
          physiology, types 1 to 3    278 bytes each (dri_physiology)
          wave, type = wave           count i16 | status u16 | label u16 | count x i16 (dri_waves)
          type 0                      a request (dri_request)

In: the payload of a frame whose 8-bit sum is right. Out: a Record, or Implausible with one of REASONS:
one damaged frame in 256 has the right sum, and this is the second check.

Source: GE Healthcare, S/5 System Interface, Datex-Ohmeda Record Specification, "Record header";
recordings.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from struct import Struct
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from barocast.runtime.decoders.dri_frame import MAX_RECORD
from barocast.runtime.stored import stored

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PHYSIOLOGY: Final = 0
WAVE: Final = 1
_MAIN_TYPES: Final = frozenset((PHYSIOLOGY, WAVE, 4, 5, 8))  # and alarm, network, anaesthesia record

REQUEST: Final = 0
"""Sub-record type of a request, whatever the main type."""
DISPLAYED, TREND_10_S, TREND_60_S = 1, 2, 3
"""Sub-record types of physiology that carry values."""
PHYSIOLOGY_BYTES: Final = 278
WAVE_HEAD: Final = Struct("<hHH")

LEVELS: Final = range(2, 13)
"""dri_level of monitors from 1995 ('95 is 2) to 2019 ('19 is 12); recordings have 10 and 11."""
REQUEST_LEVELS: Final = range(13)
"""A client leaves the level zero."""

REASONS: Final = ("header", "r_len", "level", "main type", "sub-records")

_HEAD: Final = Struct("<hBBHIBBHh")
_DESCRIPTOR: Final = Struct("<hB")
MAX_SUBRECORDS: Final = 8
HEADER_BYTES: Final = _HEAD.size + MAX_SUBRECORDS * _DESCRIPTOR.size
_END: Final = 0xFF


@stored
@dataclass(frozen=True, slots=True)
class SubRecord:
    """One sub-record."""

    kind: int
    """sr_type."""
    data: bytes


@stored
@dataclass(frozen=True, slots=True)
class Record:
    """One record."""

    main: int
    """r_maintype."""
    subrecords: tuple[SubRecord, ...]
    time_s: int = 0
    """r_time: whole seconds on the monitor's clock."""
    number: int = 0
    """r_nbr, 0 to 255, counted for each main type by itself."""
    level: int = 0
    """dri_level; 0 in a request."""
    plug: int = 0
    """plug_id."""


@dataclass(frozen=True, slots=True)
class Implausible:
    """A payload that is no record, in spite of its sum."""

    reason: str
    """One of REASONS."""


def parse(payload: bytes, levels: range = LEVELS) -> Record | Implausible:
    """Read a record. A monitor that reads requests allows REQUEST_LEVELS."""
    if not HEADER_BYTES <= len(payload) <= MAX_RECORD:
        return Implausible("header")
    length, number, level, plug, time_s, _, _, _, main = _HEAD.unpack_from(payload)
    if length != len(payload):
        return Implausible("r_len")
    if level not in levels:
        return Implausible("level")
    if main not in _MAIN_TYPES:
        return Implausible("main type")
    found = _subrecords(payload)
    if not found or not all(_SOUND.get(main, _any)(each) for each in found):
        return Implausible("sub-records")
    return Record(main, found, time_s, number, level, plug)


def build(record: Record) -> bytes:
    """Write a record.

    Raises ValueError when it has more than MAX_SUBRECORDS sub-records or MAX_RECORD bytes.
    """
    offset, described, data = 0, b"", b""
    for each in record.subrecords:
        described += _DESCRIPTOR.pack(offset, each.kind)
        data += each.data
        offset = len(data)
    length = HEADER_BYTES + len(data)
    if len(record.subrecords) > MAX_SUBRECORDS or length > MAX_RECORD:
        raise ValueError(f"{len(record.subrecords)} sub-records, {length} bytes: too much for one record")
    if len(record.subrecords) < MAX_SUBRECORDS:
        described += _DESCRIPTOR.pack(0, _END)
    head = (length, record.number, record.level, record.plug, record.time_s, 0, 0, 0, record.main)
    return _HEAD.pack(*head) + described.ljust(HEADER_BYTES - _HEAD.size, b"\0") + data


def _subrecords(payload: bytes) -> tuple[SubRecord, ...]:
    """Cut the data at the descriptors' offsets; nothing when these do not ascend inside it."""
    described = []
    for offset, kind in _DESCRIPTOR.iter_unpack(payload[_HEAD.size : HEADER_BYTES]):
        if kind == _END:
            break
        described.append((offset, kind))
    data = payload[HEADER_BYTES:]
    edges = [offset for offset, _ in described] + [len(data)]
    if edges[0] != 0 or any(start >= stop for start, stop in pairwise(edges)):
        return ()
    return tuple(
        SubRecord(kind, data[start:stop])
        for (_, kind), (start, stop) in zip(described, pairwise(edges), strict=True)
    )


def _sound_physiology(seen: SubRecord) -> bool:
    return seen.kind not in (DISPLAYED, TREND_10_S, TREND_60_S) or len(seen.data) == PHYSIOLOGY_BYTES


def _sound_wave(seen: SubRecord) -> bool:
    if seen.kind == REQUEST:
        return True
    if len(seen.data) < WAVE_HEAD.size:
        return False
    count = WAVE_HEAD.unpack_from(seen.data)[0]
    return bool(0 <= 2 * count <= len(seen.data) - WAVE_HEAD.size)


def _any(_: SubRecord) -> bool:
    return True


_SOUND: Final[Mapping[int, Callable[[SubRecord], bool]]] = MappingProxyType(
    {PHYSIOLOGY: _sound_physiology, WAVE: _sound_wave}
)
