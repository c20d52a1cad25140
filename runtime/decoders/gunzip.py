"""A gzip stream in chunks to plain bytes in chunks, without trusting it (RFC 1952).

Never more than MAX_OUTPUT leaves at once, so a stream that swells a thousandfold costs time, not memory.
A damaged stream gives all that stands before the damage, whatever the chunking: the chunk that fails is
read again byte by byte. Members may follow one another; anything else after the end is `after the end`.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from barocast.runtime.domain import Corrupt

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC = b"\x1f\x8b"
MAX_OUTPUT = 1 << 16
"""Bytes given at once."""
_GZIP = 16 + zlib.MAX_WBITS


class Gunzip:
    """One stream. After damage the rest is counted and dropped."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)
        self._offset = 0
        self._begun = False
        self._lost: Corrupt | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take the next bytes; give the plain ones."""
        while data and self._lost is None:
            if self._member.eof and not self._next_member(data):
                break
            before = self._member.copy()
            self._begun = True
            try:
                plain = self._member.decompress(data, MAX_OUTPUT)
            except zlib.error:
                yield from self._up_to_damage(before, data)
                return
            rest = self._member.unconsumed_tail or self._member.unused_data
            self._offset += len(data) - len(rest)
            data = rest
            yield plain
        self._lose(len(data))

    def close(self) -> list[Corrupt]:
        """Report damage, or an end before the end."""
        if self._lost is not None:
            return [self._lost]
        if self._begun and not self._member.eof:
            return [Corrupt(self._offset, 0, "cut short")]
        return []

    def _next_member(self, data: bytes) -> bool:
        if data[0] != MAGIC[0]:
            self._lost = Corrupt(self._offset, 0, "after the end")
            return False
        self._member = zlib.decompressobj(_GZIP)
        return True

    def _up_to_damage(self, member: zlib._Decompress, data: bytes) -> Iterator[bytes]:
        at = 0
        try:
            while at < len(data):
                yield member.decompress(data[at : at + 1])
                at += 1
        except zlib.error:
            self._lost = Corrupt(self._offset + at, 0, "gzip")
            self._offset += at
            self._lose(len(data) - at)

    def _lose(self, length: int) -> None:
        if self._lost is not None:
            self._lost = Corrupt(self._lost.offset, self._lost.length + length, self._lost.reason)
            self._offset += length
