"""What an SDC device told, one record a line: the bytes in which our consumer hands it on.

    record   CRC-32 of the JSON, 8 hex digits | space | JSON object, UTF-8 | LF

    {"is": "mdib", "devices": [...], "metrics": [...], "conditions": [...], "signals": [...]}    sdc_mdib
    {"is": "report", "devices": [...], "metrics": [...], "waves": [...], "alerts": [...]}        sdc
    {"is": "lost", "why": "overrun" | "unreadable", "count": 3}      notifications that no record holds
Any list may be absent. The device's own XML goes no further than the library that received it: JSON has no
entities to expand and nothing to fetch, and no record holds what names a patient.

In: any bytes in any chunking. Out: Records, and Corrupts `sum` (the checksum differs), `record` (no JSON
object of this kind), `too long`, `cut short`. Readers of a record's fields raise ValueError.
"""

from __future__ import annotations

import json
import math
from binascii import crc32
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias

from barocast.runtime.domain import Corrupt

if TYPE_CHECKING:
    from collections.abc import Iterator

Fields: TypeAlias = "dict[str, Any]"
"""A JSON object."""

MAX_RECORD: Final = 1 << 20
"""Bytes of a line without its end. A device of 1,000 metrics is described in about 200 kB."""
MAX_ENTRIES: Final = 4096
"""Entries of one list: four times what the largest anaesthesia workstations describe."""
MAX_TEXT: Final = 256
"""Characters of a handle, a code or a word."""
MAX_MAGNITUDE: Final = 1e12
"""Of a number; what is larger is damage, and arithmetic on it overflows."""

_SUM: Final = 8
_HEAD: Final = _SUM + 1


@dataclass(frozen=True, slots=True)
class Record:
    """One sound line."""

    offset: int
    """Bytes from the start of the stream."""
    length: int
    """Bytes, with the line end."""
    fields: Fields


Found: TypeAlias = "Record | Corrupt"


def record(fields: Fields) -> bytes:
    """Write a record. Raises ValueError for NaN, an infinity, or more than MAX_RECORD."""
    text = json.dumps(fields, allow_nan=False, separators=(",", ":")).encode()
    if _HEAD + len(text) > MAX_RECORD:
        raise ValueError(f"a record of {len(text)} bytes: at most {MAX_RECORD}")
    return b"%08x %b\n" % (crc32(text), text)


class Deframer:
    """Bytes to records."""

    def __init__(self) -> None:
        self._open = bytearray()
        self._at = 0
        """Offset in the stream of the first byte of `_open`."""

    def feed(self, data: bytes) -> list[Found]:
        """Take the next bytes; give the records they complete."""
        seen = len(self._open)
        self._open += data
        found: list[Found] = []
        begin = 0
        while (end := self._open.find(b"\n", max(begin, seen))) >= 0:
            found += _line(bytes(self._open[begin:end]), self._at + begin)
            begin = end + 1
        self._drop(begin)
        while len(self._open) > MAX_RECORD:
            found.append(Corrupt(self._at, MAX_RECORD, "too long"))
            self._drop(MAX_RECORD)
        return found

    def close(self) -> list[Found]:
        """Report an unfinished line."""
        left = len(self._open)
        found: list[Found] = [Corrupt(self._at, left, "cut short")] if left else []
        self._drop(left)
        return found

    def _drop(self, length: int) -> None:
        del self._open[:length]
        self._at += length


def _line(line: bytes, offset: int) -> Iterator[Found]:
    while len(line) > MAX_RECORD:
        yield Corrupt(offset, MAX_RECORD, "too long")
        offset, line = offset + MAX_RECORD, line[MAX_RECORD:]
    yield _read(line, offset)


def _read(line: bytes, offset: int) -> Found:
    length = len(line) + 1
    text = line[_HEAD:]
    if line[:_HEAD] != b"%08x " % crc32(text):
        return Corrupt(offset, length, "sum")
    try:
        # Every number a float: a thousand digits cost nothing then.
        fields = json.loads(text, parse_int=float, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return Corrupt(offset, length, "record")
    return Record(offset, length, fields) if isinstance(fields, dict) else Corrupt(offset, length, "record")


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


def text(fields: Fields, name: str) -> str:
    """Give a field's text, empty when it is absent."""
    value = fields.get(name, "")
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise ValueError(f"{name}: not a text of at most {MAX_TEXT} characters")
    return value


def number(fields: Fields, name: str) -> float:
    """Give a field's number, NaN when it is absent or beyond MAX_MAGNITUDE."""
    value = fields.get(name)
    if value is None:
        return math.nan
    if not isinstance(value, float):
        raise ValueError(f"{name}: not a number")  # noqa: TRY004 - what a file holds, not what a caller did
    return value if abs(value) <= MAX_MAGNITUDE else math.nan


def entries(fields: Fields, name: str) -> list[Fields]:
    """Give a field's list of objects, empty when it is absent."""
    value = fields.get(name, [])
    if not isinstance(value, list) or len(value) > MAX_ENTRIES:
        raise ValueError(f"{name}: not a list of at most {MAX_ENTRIES}")
    if not all(isinstance(entry, dict) for entry in value):
        raise ValueError(f"{name}: not a list of objects")
    return value
