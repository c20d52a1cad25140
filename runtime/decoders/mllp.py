"""MLLP blocks out of a TCP byte stream: `feed(data)` gives Blocks and Corrupts in stream order.

    0B | message, segments ended by 0D | 1C 0D          (HL7 v2 Transport: MLLP release 1)

The line guarantees nothing. Seen in the field and accepted: no 0D after 1C; empty blocks, blanks and
line ends between messages as heartbeat (silent); one message over many TCP segments and several in
one. Other bytes between blocks are one Corrupt `outside a block` per run. A second 0B before the 1C
means that the sender started over: what came before it is `cut short`. LF and CRLF are the splitter's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from barocast.runtime.domain import Corrupt
from barocast.runtime.stored import stored

START = b"\x0b"
END = b"\x1c"
QUIET = b"\r\n\0 \t"
"""Between blocks these say nothing: the rest of an end mark, or a keep-alive."""

MAX_MESSAGE = 1 << 20
"""Bytes. The largest real messages (12 leads, 1 s) are some 60 kB; 1 MiB bounds a lost end mark."""
TOO_LONG = "too long"
"""Corrupt.reason of a block beyond it."""
MAX_OUTSIDE = 1 << 16
"""Bytes of noise after which it is reported, so that endless noise is seen while it lasts."""


@stored
@dataclass(frozen=True, slots=True)
class Block:
    """The content of one MLLP block."""

    offset: int
    """Bytes from the start of the stream to the content's first byte."""
    payload: bytes


Found: TypeAlias = "Block | Corrupt"


def wrap(message: bytes) -> bytes:
    """Frame one message for sending."""
    return START + message + END + b"\r"


class MllpDeframer:
    """Holds at most one unfinished block; any bytes in any chunking give the same list."""

    def __init__(self) -> None:
        self._offset = 0  # of the next byte not yet looked at
        self._inside = False
        self._start = 0  # of the block, or of the noise
        self._block = bytearray()
        self._noise = 0  # bytes of noise up to its last loud byte; 0 when quiet

    def feed(self, data: bytes) -> list[Found]:
        """Take the next bytes; give the blocks they complete."""
        found: list[Found] = []
        at = 0
        while at < len(data):
            at = self._read_block(data, at, found) if self._inside else self._read_noise(data, at, found)
        self._offset += len(data)
        return found

    def close(self) -> list[Found]:
        """Report what the end of the stream left open."""
        found: list[Found] = []
        if self._inside:
            found.append(Corrupt(self._start, len(self._block), "cut short"))
            self._leave()
        self._report_noise(found)
        return found

    def _read_noise(self, data: bytes, at: int, found: list[Found]) -> int:
        start = data.find(START, at)
        stop = len(data) if start < 0 else start
        self._add_noise(data, at, stop, found)
        if start < 0:
            return stop
        self._report_noise(found)
        self._enter(self._offset + start + 1)
        return start + 1

    def _add_noise(self, data: bytes, at: int, stop: int, found: list[Found]) -> None:
        while at < stop:
            if not self._noise:
                at += len(data[at:stop]) - len(data[at:stop].lstrip(QUIET))
                if at == stop:
                    return
                self._start = self._offset + at
            room = self._start + MAX_OUTSIDE - self._offset  # where this run must be reported
            loud = data[at : min(stop, room)].rstrip(QUIET)
            if loud:
                self._noise = self._offset + at + len(loud) - self._start
            at = min(stop, room)
            if at == room:
                self._report_noise(found)

    def _report_noise(self, found: list[Found]) -> None:
        if self._noise:
            found.append(Corrupt(self._start, self._noise, "outside a block"))
        self._noise = 0

    def _read_block(self, data: bytes, at: int, found: list[Found]) -> int:
        limit = min(len(data), at + MAX_MESSAGE - len(self._block))
        end = data.find(END, at, limit)
        again = data.find(START, at, limit if end < 0 else end)
        stop = again if again >= 0 else end if end >= 0 else limit
        self._block += data[at:stop]
        if stop == end:
            if self._block:
                found.append(Block(self._start, bytes(self._block)))
            self._leave()
            return stop + 1
        if stop == again:
            if self._block:
                found.append(Corrupt(self._start, len(self._block), "cut short"))
            self._enter(self._offset + again + 1)
            return stop + 1
        if len(self._block) == MAX_MESSAGE:
            found.append(Corrupt(self._start, MAX_MESSAGE, TOO_LONG))
            self._leave()
        return stop

    def _enter(self, start: int) -> None:
        self._inside, self._start = True, start
        self._block.clear()

    def _leave(self) -> None:
        self._inside = False
        self._block.clear()
