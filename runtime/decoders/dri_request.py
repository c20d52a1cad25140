"""What a client asks of a DRI monitor: sub-record type 0 of a physiology or a wave record.

    physiology   rcrd type u8 | interval i16, s (0 stop, -1 once) | class bits u32 | res i16
    wave         0 start, 1 stop i16 | res i16 | 8 x wave type u8, FF ends | 20 bytes, zero

The basic class comes unless it is denied; at most 600 samples/s may be asked for. `request_of` gives None
for a record that asks for nothing or is too short for it.

Source: GE Healthcare, S/5 Computer Interface Specification, "Transmission requests".
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import Final

from barocast.runtime.decoders.dri_record import PHYSIOLOGY, REQUEST, WAVE, Record, SubRecord

DENY_BASIC: Final = 0x0001
EXT1: Final = 0x0002
EXT2: Final = 0x0004
EXT3: Final = 0x0008
ONCE: Final = -1
STOP: Final = 0
MAX_RATE_HZ: Final = 600
"""Samples per second of all waves together."""

_PHYSIOLOGY: Final = Struct("<BhIh")
_WAVE: Final = Struct("<hh8s20x")
_MAX_WAVES: Final = 8
_END: Final = b"\xff"


@dataclass(frozen=True, slots=True)
class PhysiologyRequest:
    """A request for values."""

    kind: int
    """Sub-record type wanted: displayed, 10 s trend or 60 s trend."""
    interval_s: int
    """Seconds, at least 5 by the specification; ONCE or STOP."""
    classes: int = 0
    """Class bits besides the basic class."""


@dataclass(frozen=True, slots=True)
class WaveRequest:
    """A request for waves; one without waves stops those that run."""

    waves: tuple[int, ...]
    """Wave types, at most eight."""


def record_of(asked: PhysiologyRequest | WaveRequest) -> Record:
    """Write a request as a record."""
    if isinstance(asked, PhysiologyRequest):
        data = _PHYSIOLOGY.pack(asked.kind, asked.interval_s, asked.classes, 0)
        return Record(PHYSIOLOGY, (SubRecord(REQUEST, data),))
    types = bytes(asked.waves[:_MAX_WAVES]).ljust(_MAX_WAVES, _END)
    return Record(WAVE, (SubRecord(REQUEST, _WAVE.pack(not asked.waves, 0, types)),))


def request_of(record: Record) -> PhysiologyRequest | WaveRequest | None:
    """Read a request."""
    first = record.subrecords[0]
    if first.kind == REQUEST and record.main == PHYSIOLOGY and len(first.data) == _PHYSIOLOGY.size:
        return PhysiologyRequest(*_PHYSIOLOGY.unpack(first.data)[:3])
    if first.kind == REQUEST and record.main == WAVE and len(first.data) == _WAVE.size:
        stop, _, types = _WAVE.unpack(first.data)
        return WaveRequest(() if stop else tuple(types.split(_END)[0]))
    return None
