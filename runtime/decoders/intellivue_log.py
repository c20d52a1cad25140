"""A host's log of an IntelliVue on a LAN: a file of datagrams, each behind the time at which it came.

    2014/05/19T19:44:21,751 | payload      23 ASCII bytes, then the datagram as it was; no separator, no end

A record ends where the next stamp begins or the file ends. The stamp is the host's clock and is not used:
time is the monitor's own. Bytes before the first stamp are Corrupt `garbage`, a stamp without a datagram
`cut short`, a record longer than any datagram `oversize`, and what follows in it `garbage`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from barocast.runtime.decoders.intellivue_framing import payload
from barocast.runtime.decoders.mib import MAX_PAYLOAD
from barocast.runtime.domain import Corrupt

if TYPE_CHECKING:
    from barocast.runtime.decoders.mib import Found

STAMP: Final = re.compile(rb"\d{4}/\d\d/\d\dT\d\d:\d\d:\d\d,\d{3}")
STAMP_BYTES: Final = 23
MAX_PIECE: Final = STAMP_BYTES + MAX_PAYLOAD + 1
"""Bytes. One more than the longest sound record: what reaches it is no datagram, and is given up."""


class StampedLog:
    """Cuts a log into its datagrams; holds less than MAX_PIECE bytes and one stamp."""

    def __init__(self) -> None:
        self._held = b""
        self._at = 0
        """Offset in the file of the first byte held."""

    def feed(self, data: bytes) -> list[Found]:
        """Take the next bytes; give the datagrams that they complete."""
        self._held += data
        found = []
        while length := self._ended():
            found.append(self._taken(length))
        return found

    def close(self) -> list[Found]:
        """Give the last record, which only the end of the file ends."""
        return [self._taken(len(self._held))] if self._held else []

    def _ended(self) -> int:
        """Measure the first piece; 0 while it may go on."""
        stop = STAMP.search(self._held, STAMP_BYTES if STAMP.match(self._held) else 1)
        if stop is not None:
            return min(stop.start(), MAX_PIECE)
        return MAX_PIECE if len(self._held) >= MAX_PIECE + STAMP_BYTES else 0

    def _taken(self, length: int) -> Found:
        piece, offset = self._held[:length], self._at
        self._held = self._held[length:]
        self._at += length
        if not STAMP.match(piece):
            return Corrupt(offset, length, "garbage")
        if length == STAMP_BYTES:
            return Corrupt(offset, length, "cut short")
        return payload(offset, piece[STAMP_BYTES:], STAMP_BYTES)
