"""A segment of a recording on disk (`.brec`): the bytes from a port, chunk by chunk, with their times.

    header  "BREC" | version u8 | segment u32 | name length u8 | feed name | head sum u32      little-endian
    chunk   B4 C5 D6 E7 | length u32 | arrival f64 s | wall f64 s | data sum u32 | head sum u32 | data
Sums are CRC-32: the data's, and that of everything before it in its own head. `arrival` is monotonic, the
clock that the session was given; `wall` is seconds since 1970 UTC, for people. Segments of one recording
are numbered from 1 and differ in that number alone, also in their names: `STEM.0001.brec`.

Reading is sans-IO. Out of any bytes in any chunking come Chunks, and Corrupts with one of REASONS; a damaged
length costs the chunk it is in, for the next head is found by its mark and its own sum. A recording that
was cut off by a crash ends in a `torn tail`, which is discarded.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import Final, TypeAlias
from zlib import crc32

from barocast.runtime.domain import Corrupt

SUFFIX: Final = ".brec"
MAGIC: Final = b"BREC"
VERSION: Final = 1
MARK: Final = b"\xb4\xc5\xd6\xe7"

MAX_DATA: Final = 1 << 16
"""Bytes of a chunk: what a transport gives at once. A longer one is a damaged length."""
MAX_NAME: Final = 64
"""Bytes of a feed's name; entry points are shorter."""
MAX_HEADER: Final = 10 + MAX_NAME + 4

REASONS: Final = ("chunk head", "chunk data", "torn tail")
"""Bytes where a chunk should begin that are none; data that do not fit their sum; an unfinished chunk at
the end."""

_START: Final = Struct("<4sBIB")
_HEAD: Final = Struct("<4sIddI")
_SUM: Final = Struct("<I")
HEAD_SIZE: Final = _HEAD.size + _SUM.size


@dataclass(frozen=True, slots=True)
class Header:
    """What a segment says of itself."""

    feed: str
    segment: int
    """From 1."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """What came from the port at once."""

    arrival_s: float
    """Monotonic seconds, the session's clock."""
    wall_s: float
    """Seconds since 1970 UTC."""
    data: bytes


Found: TypeAlias = "Chunk | Corrupt"


def _summed(head: bytes) -> bytes:
    return head + _SUM.pack(crc32(head))


def pack_header(header: Header) -> bytes:
    """Give the bytes that a segment begins with. Raises ValueError for a name that is empty or too long."""
    name = header.feed.encode("ascii")
    if not 0 < len(name) <= MAX_NAME:
        raise ValueError(f"feed name of {len(name)} bytes; a segment holds 1 to {MAX_NAME}")
    return _summed(_START.pack(MAGIC, VERSION, header.segment, len(name)) + name)


def pack_chunk(chunk: Chunk) -> bytes:
    """Give a chunk's bytes. Raises ValueError when it is longer than MAX_DATA."""
    if len(chunk.data) > MAX_DATA:
        raise ValueError(f"chunk of {len(chunk.data)} bytes; a segment's chunks hold at most {MAX_DATA}")
    head = _HEAD.pack(MARK, len(chunk.data), chunk.arrival_s, chunk.wall_s, crc32(chunk.data))
    return _summed(head) + chunk.data


def read_header(data: bytes) -> tuple[Header, int]:
    """Read the header and how long it is. Raises ValueError with what is wrong, for a person."""
    if len(data) < _START.size or not data.startswith(MAGIC):
        raise ValueError("it does not begin as a Barocast recording")
    _, version, segment, length = _START.unpack_from(data)
    if version != VERSION:
        raise ValueError(f"it is of version {version}, and this program reads {VERSION}")
    end = _START.size + length
    if data[end : end + _SUM.size] != _SUM.pack(crc32(data[:end])) or not 0 < length <= MAX_NAME:
        raise ValueError("its header is damaged")
    name = data[_START.size : end].decode("ascii", errors="replace")
    return Header(name, segment), end + _SUM.size


Head: TypeAlias = "tuple[int, float, float, int]"
"""(length, arrival, wall, data sum)."""


def _head(data: bytes, at: int) -> Head | None:
    """Read a chunk's head, None when there is none or it is damaged."""
    mark, length, arrival_s, wall_s, data_sum = _HEAD.unpack_from(data, at)
    if mark != MARK or length > MAX_DATA:
        return None
    end = at + _HEAD.size
    sound = _SUM.unpack_from(data, end)[0] == crc32(data[at:end])
    return (length, arrival_s, wall_s, data_sum) if sound else None


def _judged(head: Head, data: bytes, offset: int) -> Found:
    length, arrival_s, wall_s, data_sum = head
    if crc32(data) != data_sum:
        return Corrupt(offset, HEAD_SIZE + length, "chunk data")
    return Chunk(arrival_s, wall_s, data)


class SegmentReader:
    """Cuts what follows the header into chunks; holds at most one unfinished chunk."""

    def __init__(self, offset: int) -> None:
        self._held = b""
        self._at = offset
        """Offset in the file of the first byte held."""
        self._lost = 0
        """Bytes just before the place reached that are no chunk and are not yet told."""

    def feed(self, data: bytes) -> list[Found]:
        """Take the next bytes; give what they complete."""
        data = self._held + data
        found: list[Found] = []
        at = 0
        while len(data) - (at := self._skip(data, at)) >= HEAD_SIZE:
            head = _head(data, at)
            if head is None:
                self._lost += 1
                at += 1
                continue
            self._tell(self._at + at, found)
            end = at + HEAD_SIZE + head[0]
            if len(data) < end:
                break
            found.append(_judged(head, data[at + HEAD_SIZE : end], self._at + at))
            at = end
        self._held = data[at:]
        self._at += at
        return found

    def _skip(self, data: bytes, at: int) -> int:
        """Pass over what is no chunk; give the index of the next mark, or of what may become one."""
        stop = data.find(MARK, at)
        if stop < 0:
            begun = next((n for n in range(len(MARK) - 1, 0, -1) if data.endswith(MARK[:n], at)), 0)
            stop = len(data) - begun
        self._lost += stop - at
        return stop

    def close(self) -> list[Found]:
        """Tell what the end of the file leaves unfinished."""
        found: list[Found] = []
        self._tell(self._at, found)
        if self._held:
            found.append(Corrupt(self._at, len(self._held), "torn tail"))
        self._held = b""
        return found

    def _tell(self, end: int, found: list[Found]) -> None:
        if self._lost:
            found.append(Corrupt(end - self._lost, self._lost, "chunk head"))
        self._lost = 0
