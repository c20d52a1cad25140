"""MIB/RS-232 framing of the IntelliVue Data Export interface: serial bytes to payloads and back.

    C0 | protocol 11 | type 01 | length u16 | payload (length bytes) | FCS low, high | C1

In: any bytes in any chunking. Out, in the order of the stream: `Frame` (sound) or `Corrupt` with
one of REASONS. Between C0 and C1 the bytes C0, C1 and 7D travel as 7D, byte XOR 20; that includes
the FCS. `7D C1` aborts a frame; a C0 inside a frame starts over. The FCS is CRC-16/X-25 over header
and payload before escaping. The line guarantees nothing else: no flow control, no retransmission.

Source: Philips IntelliVue Data Export Interface Programming Guide, "Transport Protocols".
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import pack, unpack_from
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from barocast.runtime.domain import Corrupt

if TYPE_CHECKING:
    from numpy.typing import NDArray

BOF: Final = 0xC0
EOF: Final = 0xC1
ESCAPE: Final = 0x7D
HEADER: Final = bytes((0x11, 0x01))
"""Protocol id and message type: the only pair of the Data Export interface."""

MAX_PAYLOAD: Final = 4096
"""Bytes. Twice the largest MTU that a client may ask for, and more than any frame ever recorded."""
_OVERHEAD: Final = 6  # protocol, type, length, FCS
MAX_BODY: Final = MAX_PAYLOAD + _OVERHEAD
MAX_WIRE: Final = 2 * MAX_BODY + 2
"""Bytes between and with C0 and C1 if every one is escaped: more can be no frame."""
MAX_GARBAGE: Final = 4096
"""Bytes. A longer stretch outside frames is told in pieces, so that a wrong baud rate shows at once."""

REASONS: Final = ("garbage", "cut short", "abort", "length", "fcs", "header", "oversize")
"""Outside any frame; C0 or the end before C1; 7D C1; wrong length field; wrong checksum; sound but
another protocol; no end within MAX_WIRE."""

_RESIDUE: Final = 0xF0B8  # what the register holds after data and its own FCS


@dataclass(frozen=True, slots=True)
class Frame:
    """A sound frame."""

    offset: int
    """Bytes from the start of the stream to its C0."""
    length: int
    """Bytes on the wire, C0 and C1 included."""
    payload: bytes
    """Header, escapes and FCS removed."""


Found: TypeAlias = "Frame | Corrupt"


def _effects() -> NDArray[np.uint16]:
    """Tabulate what a byte does to the register from each distance to the end: (distance, byte).

    A CRC is linear: the register is the exclusive or of what each byte does alone, so that one gather
    replaces a loop over the frame.
    """
    table = np.empty((MAX_BODY, 256), np.uint16)
    table[0] = np.arange(256)
    for _ in range(8):
        table[0] = table[0] >> 1 ^ (table[0] & 1) * 0x8408
    for distance in range(1, MAX_BODY):
        table[distance] = table[distance - 1] >> 8 ^ table[0][table[distance - 1] & 0xFF]
    return table


_EFFECTS: Final = _effects().ravel()
_ROWS: Final = np.arange(MAX_BODY)[::-1] * 256
"""Where the row of each byte starts in _EFFECTS, for the longest body; shorter ones use its end."""


def _register(data: bytes) -> int:
    """Run the CRC register over at most MAX_BODY bytes from 0xFFFF, without the final complement."""
    octets = np.frombuffer(data, np.uint8).astype(np.intp)
    octets[:2] ^= 0xFF  # presetting the register is complementing the first 16 bits
    left = 0xFFFF >> 8 * min(len(data), 2)
    return left ^ int(np.bitwise_xor.reduce(_EFFECTS[octets + _ROWS[MAX_BODY - len(data) :]]))


def fcs(data: bytes) -> int:
    """Give CRC-16/X-25 of at most MAX_BODY bytes: reflected 0x8408, preset 0xFFFF, complemented."""
    return _register(data) ^ 0xFFFF


def frame(payload: bytes) -> bytes:
    """Wrap `payload` for the wire.

    Raises ValueError when it is longer than MAX_PAYLOAD.
    """
    if len(payload) > MAX_PAYLOAD:
        raise ValueError(f"payload of {len(payload)} bytes; a MIB frame carries at most {MAX_PAYLOAD}")
    body = HEADER + pack(">H", len(payload)) + payload
    return b"\xc0" + _escaped(body + pack("<H", fcs(body))) + b"\xc1"


def _escaped(body: bytes) -> bytes:
    body = body.replace(b"\x7d", b"\x7d\x5d")
    return body.replace(b"\xc0", b"\x7d\xe0").replace(b"\xc1", b"\x7d\xe1")


def _unescaped(wire: bytes) -> bytes:
    if ESCAPE not in wire:
        return wire
    wire = wire.replace(b"\x7d\xe0", b"\xc0").replace(b"\x7d\xe1", b"\xc1")
    return wire.replace(b"\x7d\x5d", b"\x7d")


def _judged(offset: int, wire: bytes) -> Found:
    """Judge one stretch from its C0 to its C1."""
    if wire[-2] == ESCAPE:
        return Corrupt(offset, len(wire), "abort")
    body = _unescaped(wire[1:-1])
    fits = _OVERHEAD <= len(body) <= MAX_BODY
    if not fits or unpack_from(">H", body, 2)[0] != len(body) - _OVERHEAD:
        return Corrupt(offset, len(wire), "length")
    if _register(body) != _RESIDUE:
        return Corrupt(offset, len(wire), "fcs")
    if body[:2] != HEADER:
        return Corrupt(offset, len(wire), "header")
    return Frame(offset, len(wire), body[4:-2])


def _extent(data: bytes, at: int) -> tuple[int, str]:
    """Measure the stretch from the C0 at `at`: (length, what ended it); length 0 while it is open."""
    limit = at + MAX_WIRE
    stop = data.find(EOF, at + 1, limit)
    restart = data.find(BOF, at + 1, limit if stop < 0 else stop)
    if restart >= 0:
        return restart - at, "cut short"
    if stop >= 0:
        return stop + 1 - at, "end"
    return (MAX_WIRE, "oversize") if len(data) >= limit else (0, "open")


class Deframer:
    """Cuts a serial stream into frames; holds at most MAX_WIRE bytes of an unfinished one."""

    def __init__(self) -> None:
        self._held = b""
        """Empty outside a frame; else from its C0 on."""
        self._at = 0
        """Offset in the stream of the first byte held, or of the next to come."""
        self._garbage = 0
        """Bytes just before `_at` that belong to no frame and are not yet told."""

    def feed(self, data: bytes) -> list[Found]:
        """Take the next bytes; give what they complete."""
        data = self._held + data
        found: list[Found] = []
        at = 0
        while at < len(data):
            if data[at] != BOF:
                at = self._skip(data, at, found)
                continue
            if self._garbage:
                found.append(self._told(self._at + at, self._garbage))
            length, ending = _extent(data, at)
            if ending == "open":
                break
            found.append(self._ended(data[at : at + length], self._at + at, ending))
            at += length
        self._held = data[at:]
        self._at += at
        return found

    def close(self) -> list[Found]:
        """Tell what the end of the stream leaves unfinished."""
        found: list[Found] = []
        if self._garbage:
            found.append(self._told(self._at, self._garbage))
        if self._held:
            found.append(Corrupt(self._at, len(self._held), "cut short"))
        self._at += len(self._held)
        self._held = b""
        return found

    @staticmethod
    def _ended(wire: bytes, offset: int, ending: str) -> Found:
        return _judged(offset, wire) if ending == "end" else Corrupt(offset, len(wire), ending)

    def _skip(self, data: bytes, at: int, found: list[Found]) -> int:
        """Pass over bytes outside frames; give the index of the next C0, or the end."""
        start = data.find(BOF, at)
        stop = start if start >= 0 else len(data)
        self._garbage += stop - at
        while self._garbage >= MAX_GARBAGE:
            found.append(self._told(self._at + stop, MAX_GARBAGE))
        return stop

    def _told(self, end: int, length: int) -> Corrupt:
        """Report the first `length` bytes of the garbage that reaches up to offset `end`."""
        start = end - self._garbage
        self._garbage -= length
        return Corrupt(start, length, "garbage")
