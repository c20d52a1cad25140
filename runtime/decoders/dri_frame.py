"""Framing of the GE/Datex-Ohmeda DRI serial line: bytes to records and back.

    7E | record (16-bit words, little-endian) | sum of the record's bytes, low 8 bits | 7E

In: any bytes in any chunking. Out, in the order of the stream: `Frame` (its sum is right) or `Corrupt`
with one of REASONS. Between two 7E the bytes 7E and 7D travel as 7D, byte AND NOT 20; that includes the
sum, which is formed before escaping. One 7E may end a frame and begin the next; two in a row are normal.
Eight bits pass one damaged frame in 256: what comes out here is a record only after
`dri_record.parse` has looked at it.

Source: GE Healthcare, S/5 Computer Interface Specification, "Transmission protocol"; recordings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from barocast.runtime.domain import Corrupt
from barocast.runtime.stored import stored

if TYPE_CHECKING:
    from re import Match

FLAG: Final = 0x7E
ESCAPE: Final = 0x7D
_BIT: Final = 0x20

MAX_RECORD: Final = 40 + 1450
"""Bytes: the header, and the most data that the specification allows behind it."""
MAX_STRETCH: Final = 2 * (MAX_RECORD + 1)
"""Bytes between two flags if every one is escaped: more can be no frame."""

REASONS: Final = ("garbage", "cut short", "escape", "length", "sum", "oversize")
"""Outside any frame; the end before a flag; a flag just after 7D; no record between the flags, or too
long a one; wrong sum; no flag within MAX_STRETCH."""

_ESCAPED: Final = re.compile(b"\x7d(.)", re.DOTALL)
_SPECIAL: Final = re.compile(b"[\x7d\x7e]")


@stored
@dataclass(frozen=True, slots=True)
class Frame:
    """A frame whose sum is right."""

    offset: int
    """Bytes from the start of the stream to the first one after the flag."""
    length: int
    """Bytes on the wire between the two flags."""
    payload: bytes
    """The record: escapes and sum removed."""


Found: TypeAlias = "Frame | Corrupt"


def frame(payload: bytes) -> bytes:
    """Wrap a record for the wire.

    Raises ValueError when it is longer than MAX_RECORD.
    """
    if len(payload) > MAX_RECORD:
        raise ValueError(f"record of {len(payload)} bytes; a DRI frame carries at most {MAX_RECORD}")
    return b"\x7e" + _escaped(payload + bytes((checksum(payload),))) + b"\x7e"


def checksum(record: bytes) -> int:
    """Give the low 8 bits of the sum of a record's bytes, unescaped."""
    return sum(record) & 0xFF


def _escaped(body: bytes) -> bytes:
    return _SPECIAL.sub(lambda found: bytes((ESCAPE, found[0][0] & ~_BIT)), body)


def _unescaped(wire: bytes) -> bytes:
    return _ESCAPED.sub(_original, wire) if ESCAPE in wire else wire


def _original(escape: Match[bytes]) -> bytes:
    return bytes((escape[1][0] | _BIT,))


def _judged(wire: bytes, offset: int) -> Found:
    """Judge what stands between two flags."""
    if (len(wire) - len(wire.rstrip(b"\x7d"))) % 2:  # in pairs they escape each other
        return Corrupt(offset, len(wire), "escape")
    body = _unescaped(wire)
    if not 1 < len(body) <= MAX_RECORD + 1:
        return Corrupt(offset, len(wire), "length")
    if checksum(body[:-1]) != body[-1]:
        return Corrupt(offset, len(wire), "sum")
    return Frame(offset, len(wire), body[:-1])


class Deframer:
    """Cuts a serial stream at its flags; holds at most MAX_STRETCH bytes of an unfinished stretch."""

    def __init__(self) -> None:
        self._held = b""
        """What has come since the last flag."""
        self._at = 0
        """Offset in the stream of the first byte held, or of the next to come."""
        self._open = False
        """Whether what is held follows a flag; else it belongs to no frame."""

    def feed(self, data: bytes) -> list[Found]:
        """Take the next bytes; give what they complete."""
        data = self._held + data
        found: list[Found] = []
        start = 0
        while (flag := data.find(FLAG, start)) >= 0:
            start = self._given_up(start, flag, found)
            if start < flag:
                found.append(self._ended(data[start:flag], self._at + start))
            self._open = True
            start = flag + 1
        start = self._given_up(start, len(data), found)
        self._held = data[start:]
        self._at += start
        return found

    def close(self) -> list[Found]:
        """Tell what the end of the stream leaves unfinished."""
        reason = "cut short" if self._open else "garbage"
        found: list[Found] = [Corrupt(self._at, len(self._held), reason)] if self._held else []
        self._at += len(self._held)
        self._held, self._open = b"", False
        return found

    def _ended(self, wire: bytes, offset: int) -> Found:
        return _judged(wire, offset) if self._open else Corrupt(offset, len(wire), "garbage")

    def _given_up(self, start: int, stop: int, found: list[Found]) -> int:
        """Tell what is too long to be a frame, in pieces; give where the rest of the stretch starts."""
        while stop - start > MAX_STRETCH:
            reason = "oversize" if self._open else "garbage"
            found.append(Corrupt(self._at + start, MAX_STRETCH, reason))
            self._open = False
            start += MAX_STRETCH
        return start
