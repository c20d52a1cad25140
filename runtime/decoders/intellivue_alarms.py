"""Alarm lists of an IntelliVue alert monitor.

    list    count u16 | length u16 | entries
    entry   source u16 | code u16 | type u16 | state u16 | object 6 B | kind u16 | length u16 | info
    info    instance u16 | text id u32 | priority u16 | flags u16 | length u16 | UTF-16

Readers raise struct.error or ValueError on bytes that are too short or disagree with their own lengths;
`intellivue` turns that into a Corrupt. No length needs a cap of its own: each is held against the
attribute that it stands in, and that against mib.MAX_PAYLOAD.

Source: Philips IntelliVue Data Export Interface Programming Guide, "Data Types".
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import Final

from barocast.runtime.decoders.intellivue_values import PAIR, U16

_ALARM: Final = Struct(">HHHH6sHH")
_INFO: Final = Struct(">HIHH")

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
    count, length = PAIR.unpack_from(data)
    if length != len(data) - PAIR.size:
        raise ValueError("alarm list of another length than it says")
    found, at = [], PAIR.size
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
    (length,) = U16.unpack_from(info, _INFO.size)
    raw = info[_INFO.size + 2 : _INFO.size + 2 + length]
    return raw.decode("utf-16-be", "replace").replace("\0", " ").strip()


def alarm_bytes(alarm: Alarm) -> bytes:
    """Write one alarm list entry."""
    kind = next(kind for kind, said in _PRIORITIES.items() if said == (alarm.priority, alarm.technical))
    raw = (alarm.text + "\0").encode("utf-16-be")
    info = _INFO.pack(0, 0, 0, 0) + U16.pack(len(raw)) + raw
    return _ALARM.pack(0, alarm.code, kind, alarm.state, bytes(6), _INFO_WITH_TEXT, len(info)) + info
