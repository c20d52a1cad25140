"""HL7 messages out of a file, wrapped in MLLP or bare: the deframer that `decode` and `replay` use.

    bare       MSH|... CR segment CR ... [MSH|... CR ...]       each MSH at a line's start opens a message
    wrapped    as mllp.py draws it

The first bytes after blanks and a UTF-8 mark decide: a segment that opens a file or a message means
bare. What stands before the first MSH of a bare file (FHS, BHS) carries no measurement and is dropped.
"""

from __future__ import annotations

import re

from barocast.runtime.decoders.mllp import MAX_MESSAGE, Block, Found, MllpDeframer
from barocast.runtime.domain import Corrupt

_BLANK = b"\xef\xbb\xbf\r\n\0 \t"
_OPENERS = (b"MSH", b"FHS", b"BHS")
_MESSAGE_START = re.compile(rb"(?:^|(?<=[\r\n]))MSH")


class BareDeframer:
    """A file of messages without any wrapper."""

    def __init__(self, offset: int = 0) -> None:
        self._buffer = b""
        self._offset = offset  # of the buffer's first byte
        self._searched = 1

    def feed(self, data: bytes) -> list[Found]:
        """Take the next bytes; a message is complete when the next one starts."""
        self._buffer += data
        found: list[Found] = []
        while True:
            start = _MESSAGE_START.search(self._buffer, self._searched)
            if start is None or start.start() > MAX_MESSAGE:
                break
            found += self._take(start.start())
        self._searched = max(1, len(self._buffer) - len(b"MSH"))
        if len(self._buffer) > MAX_MESSAGE:
            found.append(Corrupt(self._offset, MAX_MESSAGE, "too long"))
            self._drop(MAX_MESSAGE)
        return found

    def close(self) -> list[Found]:
        """Give the last message."""
        return self._take(len(self._buffer))

    def _take(self, stop: int) -> list[Found]:
        block = Block(self._offset, self._buffer[:stop])
        self._drop(stop)
        return [block] if block.payload.startswith(b"MSH") else []

    def _drop(self, stop: int) -> None:
        self._buffer = self._buffer[stop:]
        self._offset += stop
        self._searched = 1


class FileDeframer:
    """Bare or wrapped, decided once by how the file begins."""

    def __init__(self) -> None:
        self._head = b""
        self._chosen: BareDeframer | MllpDeframer | None = None

    def feed(self, data: bytes) -> list[Found]:
        """Take the next bytes; give the messages they complete."""
        if self._chosen is not None:
            return self._chosen.feed(data)
        self._head += data
        if len(self._head.lstrip(_BLANK)) < len(_OPENERS[0]) and len(self._head) < MAX_MESSAGE:
            return []
        return self._choose()

    def close(self) -> list[Found]:
        """Report or give what the end of the file left open."""
        found = [] if self._chosen is not None else self._choose()
        return found + (self._chosen.close() if self._chosen is not None else [])

    def _choose(self) -> list[Found]:
        text = self._head.lstrip(_BLANK)
        if not text.startswith(_OPENERS):
            self._chosen = MllpDeframer()
            return self._chosen.feed(self._head)
        self._chosen = BareDeframer(offset=len(self._head) - len(text))
        return self._chosen.feed(text)
