"""The physiological database of a DRI monitor: a 278-byte sub-record to groups of numbers, and back.

    time u32 | body, 270 bytes | marker u8 | res u8 | class u16 (bits 8 to 11: 0 basic, 1 to 3 extended)
    a group in the body: status u32 (bit 0 exists, bit 1 active) | label u16 | numbers i16 each

Numbers count in fractions of their unit (GROUPS); every one <= CODES is a code, not a number: NaN. A group
that does not exist is not given, whatever its bytes say. CO2 is a fraction of the ambient pressure that
its own group carries, dry gas: it becomes mmHg here. Extended class 3 carries no channel of ours.

A cuff pressure and a thermodilution keep standing after they were made; a bit of their label says when
that was more than 60 s ago. (Of the label, not of the status: in recordings it rises there 60 s after each
cuff.) What the other labels mean and which channel a number feeds is dri_channels' matter.

Source: GE Healthcare, Datex-Ohmeda Record Specification, "Physiological data"; recordings.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from struct import Struct
from typing import Final

from barocast.runtime.stored import stored

BASIC, EXTENDED_1, EXTENDED_2 = 0, 1, 2
EXISTS: Final = 1
ACTIVE: Final = 2
CODES: Final = -32001
INVALID: Final = -32767
UNDER_RANGE: Final = -32764
OVER_RANGE: Final = -32763
_MOST: Final = 32767

_SUBRECORD: Final = Struct("<I270sBBH")
_BODY: Final = Struct("<135h")
_GROUP_HEAD: Final = Struct("<IH")
_NUMBERS_AT: Final = _GROUP_HEAD.size


@dataclass(frozen=True, slots=True)
class Number:
    """One number of a group."""

    name: str
    place: int
    """Which i16 after the group's label."""
    unit: str
    per_unit: int
    """Counts that make one `unit`."""


@dataclass(frozen=True, slots=True)
class Group:
    """One group of a class's body."""

    name: str
    data_class: int
    offset: int
    """Bytes from the start of the body."""
    numbers: tuple[Number, ...]
    old_bit: int = 0
    """Bit of the label that says: measured more than 60 s ago. 0 where the group has none."""


def _numbers(*names: str, unit: str, per_unit: int = 1) -> tuple[Number, ...]:
    return tuple(Number(name, place, unit, per_unit) for place, name in enumerate(names))


_PRESSURES: Final = (*_numbers("sys", "dia", "mean", unit="mmHg", per_unit=100), Number("hr", 3, "1/min", 1))
_TEMPERATURE: Final = _numbers("temp", unit="°C", per_unit=100)
_GAS: Final = _numbers("et", "fi", unit="%", per_unit=100)
_SATURATION: Final = (Number("spo2", 0, "%", 100), Number("pr", 1, "1/min", 1))

GROUPS: Final = (
    Group("ECG", BASIC, 0, (Number("hr", 0, "1/min", 1), Number("imp_rr", 4, "1/min", 1))),
    Group("P1", BASIC, 16, _PRESSURES),
    Group("P2", BASIC, 30, _PRESSURES),
    Group("P3", BASIC, 44, _PRESSURES),
    Group("P4", BASIC, 58, _PRESSURES),
    Group("NIBP", BASIC, 72, _PRESSURES, old_bit=0x0100),
    Group("T1", BASIC, 86, _TEMPERATURE),
    Group("T2", BASIC, 94, _TEMPERATURE),
    Group("T3", BASIC, 102, _TEMPERATURE),
    Group("T4", BASIC, 110, _TEMPERATURE),
    Group("SPO2", BASIC, 118, _SATURATION),
    Group("CO2", BASIC, 132, (*_GAS, Number("rr", 2, "1/min", 1), Number("ambient", 3, "mmHg", 10))),
    Group("O2", BASIC, 146, _GAS),
    Group("N2O", BASIC, 156, _GAS),
    Group("AA", BASIC, 166, _GAS),
    Group("FLOW", BASIC, 178, _numbers("rr", unit="1/min")),
    Group("CO", BASIC, 200, _numbers("co", unit="mL/min"), old_bit=0x0001),
    Group("P5", BASIC, 240, _PRESSURES),
    Group("P6", BASIC, 254, _PRESSURES),
    Group("P7", EXTENDED_1, 78, _PRESSURES),
    Group("P8", EXTENDED_1, 92, _PRESSURES),
    Group("SPO2_2", EXTENDED_1, 106, _SATURATION),
    Group("T5", EXTENDED_1, 120, _TEMPERATURE),
    Group("T6", EXTENDED_1, 128, _TEMPERATURE),
    Group("BIS", EXTENDED_2, 96, _numbers("bis", unit="1")),
    Group("ENTROPY", EXTENDED_2, 112, _numbers("eeg", "emg", "bsr", unit="1")),
)


@stored
@dataclass(frozen=True, slots=True)
class Reading:
    """One group as it was sent."""

    group: Group
    status: int
    label: int
    values: dict[str, float]
    """Number's name -> value in its unit; NaN for a code."""

    @property
    def active(self) -> bool:
        """Whether the measurement is on."""
        return bool(self.status & ACTIVE)

    @property
    def old(self) -> bool:
        """Whether it was measured more than 60 s ago."""
        return bool(self.label & self.group.old_bit)


def partial_pressure(percent: float, ambient: float) -> float:
    """Give a dry gas's pressure, mmHg, from its share in per cent and the ambient pressure, mmHg."""
    return percent / 100 * ambient


def readings(data: bytes) -> tuple[int, list[Reading]]:
    """Read a sub-record of 278 bytes: (its time, the groups of its class that exist)."""
    time_s, body, _, _, flags = _SUBRECORD.unpack(data)
    words = _BODY.unpack(body)
    found = []
    for group in _BY_CLASS.get(flags >> 8 & 0xF, ()):
        status, label = _GROUP_HEAD.unpack_from(body, group.offset)
        if status & EXISTS:
            first = (group.offset + _NUMBERS_AT) // 2
            values = {each.name: _value(words[first + each.place], each) for each in group.numbers}
            found.append(Reading(group, status, label, values))
    return time_s, found


def subrecord(kind: int, data_class: int, level: int, time_s: int, read: list[Reading]) -> bytes:
    """Write the sub-record of one class; a group of it that is not in `read` does not exist."""
    body = bytearray(_BODY.size)
    known = {each.group.name: each for each in read}
    for group in _BY_CLASS.get(data_class, ()):
        _put(body, known.get(group.name, Reading(group, 0, 0, {})))
    return _SUBRECORD.pack(time_s, bytes(body), 0, 0, data_class << 8 | level << 4 | kind)


def _put(body: bytearray, read: Reading) -> None:
    _GROUP_HEAD.pack_into(body, read.group.offset, read.status, read.label)
    for number in read.group.numbers:
        at = read.group.offset + _NUMBERS_AT + 2 * number.place
        body[at : at + 2] = _count(read.values.get(number.name, math.nan), number)


def _value(count: int, number: Number) -> float:
    return math.nan if count <= CODES else count / number.per_unit


def _count(value: float, number: Number) -> bytes:
    count = INVALID if math.isnan(value) else round(value * number.per_unit)
    if count > _MOST:
        count = OVER_RANGE
    elif count <= CODES and count != INVALID:
        count = UNDER_RANGE
    return count.to_bytes(2, "little", signed=True)


_BY_CLASS: Final = {
    data_class: tuple(group for group in GROUPS if group.data_class == data_class)
    for data_class in (BASIC, EXTENDED_1, EXTENDED_2)
}
