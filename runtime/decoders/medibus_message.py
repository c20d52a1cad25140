"""MEDIBUS messages: the ASCII half of a serial line, bit 7 clear, to messages and back.

    1B | code | arguments | CK CK | 0D       a command, from either end
    01 | code | data      | CK CK | 0D       its answer; code 15: not known

In: any bytes below 80 in any chunking, with where they stood in the stream. Out: `Message` (sound) or
`Corrupt` with one of REASONS. CK is the low byte of the sum of all before it, as two upper-case hexadecimal
digits: one damage in 256 passes.

Source: Draeger, MEDIBUS Protocol Definition, "Transmission of commands and responses".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, TypeAlias

from barocast.runtime.domain import Corrupt

COMMAND: Final = 0x1B
ANSWER: Final = 0x01
END: Final = 0x0D

MAX_MESSAGE: Final = 2048
"""Bytes. A page can hold 256 items of 6 characters; more without an end is a lost end."""
MAX_GARBAGE: Final = 4096
"""Bytes. A longer stretch outside messages is told in pieces, so that wrong line settings show at once."""

REASONS: Final = ("garbage", "cut short", "oversize", "checksum")
"""Outside any message; a start or the end before 0D; no 0D within MAX_MESSAGE; too short or a wrong sum."""

_STARTS: Final = re.compile(rb"[\x01\x1b]")
_STOPS: Final = re.compile(rb"[\x01\x0d\x1b]")
_QUIET: Final = b"\r\n\0"
_SHORTEST: Final = 5  # start, code, sum, end


@dataclass(frozen=True, slots=True)
class Message:
    """A sound message."""

    offset: int
    """Bytes from the start of the stream to its first byte."""
    command: bool
    """A command of the other end; else an answer."""
    code: int
    data: bytes


Found: TypeAlias = "Message | Corrupt"


def checksum(start_to_data: bytes) -> bytes:
    """Give the two digits that follow."""
    return b"%02X" % (sum(start_to_data) & 0xFF)


def command(code: int, data: bytes = b"") -> bytes:
    """Give a command for the wire."""
    body = bytes((COMMAND, code)) + data
    return body + checksum(body) + b"\r"


def answer(code: int, data: bytes = b"") -> bytes:
    """Give the answer to a command."""
    body = bytes((ANSWER, code)) + data
    return body + checksum(body) + b"\r"


def _judged(offset: int, length: int, wire: bytes) -> Found:
    """Judge the ASCII bytes from a start to 0D, which took `length` bytes of the stream."""
    if len(wire) < _SHORTEST or checksum(wire[:-3]) != wire[-3:-1]:
        return Corrupt(offset, length, "checksum")
    return Message(offset, wire[0] == COMMAND, wire[1], wire[2:-3])


class Deframer:
    """Cuts the ASCII half of a stream into messages; holds at most MAX_MESSAGE bytes of an open one."""

    def __init__(self) -> None:
        self._open = bytearray()
        """Empty outside a message; else from its start on."""
        self._start = 0
        """Offset of the open message or of the garbage."""
        self._garbage = 0
        """Bytes outside messages, from the first that is not _QUIET on, that are not yet told."""

    def feed(self, data: bytes, offset: int) -> list[Found]:
        """Take ASCII bytes that stand at `offset` in the stream; give what they complete."""
        found: list[Found] = []
        at = 0
        while at < len(data):
            at = (self._continue if self._open else self._search)(data, at, offset, found)
        return found

    def close(self, offset: int) -> list[Found]:
        """Tell what the end of the stream, at `offset`, leaves unfinished."""
        found: list[Found] = []
        self._tell(found)
        if self._open:
            found.append(Corrupt(self._start, offset - self._start, "cut short"))
        self._open.clear()
        return found

    def _search(self, data: bytes, at: int, offset: int, found: list[Found]) -> int:
        start = _STARTS.search(data, at)
        stop = start.start() if start else len(data)
        for place in range(at, stop):
            if self._garbage or data[place] not in _QUIET:
                self._start = self._start if self._garbage else offset + place
                self._garbage = offset + place + 1 - self._start
            if self._garbage >= MAX_GARBAGE:
                self._tell(found)
        if start is None:
            return stop
        self._tell(found)
        self._start = offset + stop
        self._open += data[stop : stop + 1]
        return stop + 1

    def _continue(self, data: bytes, at: int, offset: int, found: list[Found]) -> int:
        room = at + MAX_MESSAGE - len(self._open)
        stop = _STOPS.search(data, at, room)
        if stop is None:
            self._open += data[at:room]
            if len(self._open) == MAX_MESSAGE:
                self._end(Corrupt(self._start, offset + room - self._start, "oversize"), found)
            return min(room, len(data))
        end = stop.start()
        if data[end] == END:
            self._open += data[at : end + 1]
            self._end(_judged(self._start, offset + end + 1 - self._start, bytes(self._open)), found)
            return end + 1
        self._end(Corrupt(self._start, offset + end - self._start, "cut short"), found)
        return end

    def _end(self, item: Found, found: list[Found]) -> None:
        found.append(item)
        self._open.clear()

    def _tell(self, found: list[Found]) -> None:
        if self._garbage:
            found.append(Corrupt(self._start, self._garbage, "garbage"))
        self._garbage = 0
