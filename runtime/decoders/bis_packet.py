"""Packets of BIS monitors (A-2000, VISTA) in binary mode: serial bytes to packets and messages, and back.

    BA AB | seq u16 | length u16 | kind u16 | payload (length bytes) | sum u16        little-endian
    payload  routing u32 | message id u32 | seq u16 | length u16 | body               of kind 1, data

In: any bytes in any chunking. Out, in the order of the stream: `Packet` (sound) or `Corrupt` with one of
REASONS. `sum` adds the bytes after BA AB up to the end of the payload: a weak check, which bytes that have
changed places pass.

Source: Aspect Medical, A-2000 / BIS VISTA serial port technical specification, binary protocol.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import pack, unpack_from
from typing import Final, TypeAlias

from barocast.runtime.domain import Corrupt

SYNC: Final = b"\xba\xab"
DATA: Final = 1
ACK: Final = 2
NAK: Final = 3

MAX_PAYLOAD: Final = 2048
"""Bytes. The longest message, a page of history, has 1036; a longer one is a damaged length."""
MAX_GARBAGE: Final = 4096
"""Bytes. A longer stretch outside packets is told in pieces, so that a wrong baud rate shows at once."""

REASONS: Final = ("garbage", "cut short", "header", "sum")
"""Outside any packet; the end before the sum; an impossible length or kind; wrong sum."""

_HEADER: Final = 8
_MESSAGE_HEADER: Final = 12


@dataclass(frozen=True, slots=True)
class Packet:
    """A sound packet."""

    offset: int
    """Bytes from the start of the stream to its BA."""
    kind: int
    """DATA, ACK or NAK."""
    seq: int
    """An acknowledgement repeats that of the packet it answers."""
    payload: bytes


Found: TypeAlias = "Packet | Corrupt"


def packet(kind: int, seq: int, payload: bytes = b"") -> bytes:
    """Wrap `payload` for the wire. Raises ValueError when it is longer than MAX_PAYLOAD."""
    if len(payload) > MAX_PAYLOAD:
        raise ValueError(f"payload of {len(payload)} bytes; a BIS packet carries at most {MAX_PAYLOAD}")
    body = pack("<HHH", seq, len(payload), kind) + payload
    return SYNC + body + pack("<H", sum(body) & 0xFFFF)


def message(routing: int, message_id: int, body: bytes = b"", seq: int = 0) -> bytes:
    """Give the payload of a data packet."""
    return pack("<IIHH", routing, message_id, seq, len(body)) + body


def split(payload: bytes) -> tuple[int, bytes] | None:
    """Give the message that fills `payload` as its id and body, None when it does not fill it."""
    if len(payload) < _MESSAGE_HEADER:
        return None
    _, message_id, _, length = unpack_from("<IIHH", payload)
    body = payload[_MESSAGE_HEADER:]
    return (message_id, body) if length == len(body) else None


def _judged(data: bytes, at: int, offset: int) -> Packet | str:
    """Judge what starts with SYNC at `at`: a packet, `open` while more must come, or a reason."""
    if len(data) < at + _HEADER:
        return "open"
    seq, length, kind = unpack_from("<HHH", data, at + 2)
    if length > MAX_PAYLOAD or not DATA <= kind <= NAK:
        return "header"
    end = at + _HEADER + length
    if len(data) < end + 2:
        return "open"
    if sum(data[at + 2 : end]) & 0xFFFF != unpack_from("<H", data, end)[0]:
        return "sum"
    return Packet(offset, kind, seq, data[at + _HEADER : end])


class Deframer:
    """Cuts a serial stream into packets; holds at most one unfinished packet.

    After a packet that is no good the search goes on right behind its SYNC, for its length may be what is
    damaged and sound packets may lie inside.
    """

    def __init__(self) -> None:
        self._held = b""
        self._at = 0
        """Offset in the stream of the first byte held, or of the next to come."""
        self._lost = 0
        """Bytes just before the place reached that belong to no packet and are not yet told."""
        self._why = "garbage"

    def feed(self, data: bytes) -> list[Found]:
        """Take the next bytes; give what they complete."""
        return self._scan(self._held + data, final=False)

    def close(self) -> list[Found]:
        """Tell what the end of the stream leaves unfinished."""
        found = self._scan(self._held, final=True)
        self._tell(self._at, found)
        return found

    def _scan(self, data: bytes, *, final: bool) -> list[Found]:
        found: list[Found] = []
        at = 0
        while (at := self._skip(data, at, found, final=final)) < len(data):
            judged = _judged(data, at, self._at + at) if data.startswith(SYNC, at) else "open"
            if judged == "open" and not final:
                break
            self._tell(self._at + at, found)
            if isinstance(judged, Packet):
                found.append(judged)
                at += _HEADER + len(judged.payload) + 2
            else:
                self._why = "cut short" if judged == "open" else judged
                self._lost = len(SYNC)
                at += len(SYNC)
        self._held = data[at:]
        self._at += at
        return found

    def _skip(self, data: bytes, at: int, found: list[Found], *, final: bool) -> int:
        """Pass over bytes outside packets; give the index of the next SYNC, or of what may become one."""
        start = data.find(SYNC, at)
        stop = len(data) if start < 0 else start
        if start < 0 and not final and data.endswith(SYNC[:1], at):
            stop -= 1
        self._lost += stop - at
        while self._lost >= MAX_GARBAGE:
            self._tell(self._at + stop, found, MAX_GARBAGE)
        return stop

    def _tell(self, end: int, found: list[Found], most: int = MAX_GARBAGE) -> None:
        """Report the first bytes of the lost stretch that reaches up to offset `end`."""
        length = min(self._lost, most)
        if length:
            found.append(Corrupt(end - self._lost, length, self._why))
            self._why = "garbage"
        self._lost -= length
