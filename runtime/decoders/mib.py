"""MIB/RS-232 framing of the IntelliVue Data Export interface: serial bytes to payloads and back.

    C0 | protocol 11 | type 01 | length u16 | payload (length bytes) | FCS low, high | C1

In: any bytes in any chunking. Out, in the order of the stream: `Frame` (sound) or `Corrupt` with
one of REASONS. Between C0 and C1 the bytes C0, C1 and 7D travel as 7D, byte XOR 20; that includes
the FCS. `7D C1` aborts a frame; a C0 inside a frame starts over. The FCS is CRC-16/X-25 over header
and payload before escaping. The line guarantees nothing else: no flow control, no retransmission.

Source: Philips IntelliVue Data Export Interface Programming Guide, "Transport Protocols".
"""

from __future__ import annotations

from binascii import crc_hqx
from dataclasses import dataclass
from struct import Struct, pack
from typing import Final, TypeAlias

from barocast.runtime.domain import Corrupt
from barocast.runtime.stored import stored

BOF: Final = 0xC0
EOF: Final = 0xC1
ESCAPE: Final = 0x7D
HEADER: Final = bytes((0x11, 0x01))
"""Protocol id and message type: the only pair of the Data Export interface."""

MAX_PAYLOAD: Final = 4096
"""Bytes. Twice the largest MTU that a client may ask for, and more than any frame ever recorded."""
_LENGTH: Final = Struct(">H")
_OVERHEAD: Final = 6  # protocol, type, length, FCS
MAX_BODY: Final = MAX_PAYLOAD + _OVERHEAD
MAX_WIRE: Final = 2 * MAX_BODY + 2
"""Bytes between and with C0 and C1 if every one is escaped: more can be no frame."""
MAX_GARBAGE: Final = 4096
"""Bytes. A longer stretch outside frames is told in pieces, so that a wrong baud rate shows at once."""

REASONS: Final = ("garbage", "cut short", "abort", "length", "fcs", "header", "oversize")
"""Outside any frame; C0 or the end before C1; 7D C1; wrong length field; wrong checksum; sound but
another protocol; no end within MAX_WIRE."""

_TURNED: Final = bytes(int(f"{octet:08b}"[::-1], 2) for octet in range(256))
"""Octet -> the same with its bits in the other order."""
_RESIDUE: Final = 0x1D0F
"""What the register holds after data and its own FCS: 0xF0B8, turned round."""


@stored
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


def fcs(data: bytes) -> int:
    """Give CRC-16/X-25 of `data`: reflected 0x8408, preset 0xFFFF, complemented."""
    return _reflected(_register(data)) ^ 0xFFFF


def _register(data: bytes) -> int:
    """Run the CRC register over `data` from 0xFFFF, highest bit first.

    The line sends the lowest bit first. Turned round, its CRC is the CCITT one of the standard library.
    """
    return crc_hqx(data.translate(_TURNED), 0xFFFF)


def _reflected(register: int) -> int:
    return int.from_bytes(register.to_bytes(2, "little").translate(_TURNED), "big")


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
    size = len(body) - _OVERHEAD
    if not 0 <= size <= MAX_PAYLOAD or _LENGTH.unpack_from(body, 2) != (size,):
        return Corrupt(offset, len(wire), "length")
    if _register(body) != _RESIDUE:
        return Corrupt(offset, len(wire), "fcs")
    if not body.startswith(HEADER):
        return Corrupt(offset, len(wire), "header")
    return Frame(offset, len(wire), body[4:-2])


def _piece(data: bytes, at: int, offset: int) -> Found | None:
    """Give what begins with the C0 at `at`, None while it is open."""
    limit = at + MAX_WIRE
    stop = data.find(EOF, at + 1, limit)
    restart = data.find(BOF, at + 1, limit if stop < 0 else stop)
    if restart >= 0:
        return Corrupt(offset, restart - at, "cut short")
    if stop >= 0:
        return _judged(offset, data[at : stop + 1])
    return Corrupt(offset, MAX_WIRE, "oversize") if len(data) >= limit else None


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
            piece = _piece(data, at, self._at + at)
            if piece is None:
                break
            found.append(piece)
            at += piece.length
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
