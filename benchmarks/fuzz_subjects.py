"""What is fuzzed: every feed that is installed, its live session if it has one, the readers of files."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from barocast.plugin.feeds import feed_names, find_feed
from barocast.plugin.segment_file import Chunk, SegmentReader
from barocast.runtime.decoders.csv_rows import CsvDecoder
from barocast.runtime.decoders.wfdb_header import read_header
from barocast.runtime.decoders.wfdb_record import WfdbDecoder
from barocast.runtime.errors import InputError
from benchmarks.fuzz_seeds import thin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from barocast.plugin.feeds import Feed
    from barocast.runtime.sessions.session import Decoder, Session

LIFE: Final = 500
"""Inputs that one decoder or session lives through."""
BY_FIRST_BYTES: Final = ("hl7", "mindray-pds")
"""Feeds whose recordings are files: how the first bytes look decides how the others are read."""
STEP_S: Final = 0.2
"""How far a live session's clock goes on with each piece that it hears."""


class Listener(Protocol):
    """One life: it hears inputs, each as the pieces in which it came."""

    frames: int
    """Sound frames found so far."""

    def hear(self, pieces: list[bytes]) -> None:
        """Take one input."""

    def end(self) -> None:
        """Take the end of all input."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing to fuzz."""

    name: str
    seeds: str
    """Whose seeds it takes (fuzz_seeds)."""
    begin: Callable[[], Listener]
    life: int = LIFE
    """1: a file, each of which has a reader of its own."""
    cut: bool = True
    """Whether inputs come in pieces; a datagram never does."""


class Recorded:
    """A decoder of a stream."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder

    @property
    def frames(self) -> int:
        """Sound frames found so far."""
        return self._decoder.counts.frames

    def hear(self, pieces: list[bytes]) -> None:
        """Take one input."""
        for piece in pieces:
            self._decoder.feed(piece)

    def end(self) -> None:
        """Take the end of all input."""
        self._decoder.close()


class Live:
    """A session whose clock goes on."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._now_s = 0.0

    @property
    def frames(self) -> int:
        """Sound frames found so far."""
        return self._session.counts.frames

    def hear(self, pieces: list[bytes]) -> None:
        """Take one input, and let the session say what it must."""
        for piece in pieces:
            self._now_s += STEP_S
            self._session.receive(piece, self._now_s)
            self._session.due(self._now_s)

    def end(self) -> None:
        """Say farewell."""
        self._session.release()


class File(Recorded):
    """A reader of one file up to its end; refusing it with an InputError is no fault."""

    def hear(self, pieces: list[bytes]) -> None:
        """Read the file."""
        with contextlib.suppress(InputError):
            super().hear(pieces)
            super().end()

    def end(self) -> None:
        """Nothing: it was read to its end."""


class WfdbCase:
    """A header and its signal file, a zero between them."""

    frames = 0

    def end(self) -> None:
        """Nothing: each input was a whole case."""

    def hear(self, pieces: list[bytes]) -> None:
        """Read both."""
        head, _, data = b"".join(pieces).partition(b"\0")
        try:
            record = read_header(head.decode("utf-8", errors="replace"), "case.hea")
        except InputError:
            return
        reader = File(WfdbDecoder(record, record.files[0]))
        reader.hear([data])
        self.frames = reader.frames


class Segments:
    """The reader of our own recordings, chunk after chunk."""

    def __init__(self) -> None:
        self.frames = 0
        self._reader = SegmentReader(0)

    def hear(self, pieces: list[bytes]) -> None:
        """Read on."""
        found = [each for piece in pieces for each in self._reader.feed(piece)]
        self.frames += sum(isinstance(each, Chunk) for each in found)

    def end(self) -> None:
        """Take the end of the file."""
        self._reader.close()


def subjects() -> list[Subject]:
    """Give everything that takes bytes from outside."""
    return [
        *(subject for name in feed_names() for subject in _of_feed(find_feed(name))),
        Subject("brec file", "brec", Segments),
        Subject("csv file", "csv", lambda: File(CsvDecoder("case.csv")), life=1),
        Subject("wfdb file", "wfdb", WfdbCase, life=1),
    ]


def _of_feed(feed: Feed) -> Iterator[Subject]:
    make = feed.session
    if make is None or feed.name in BY_FIRST_BYTES:
        yield Subject(feed.name, feed.name, lambda: File(feed.decoder()), life=1)
    else:
        yield Subject(feed.name, feed.name, lambda: Recorded(feed.decoder()))
    if make is None:
        return
    live = f"{feed.name}, live"
    heard = feed.name if thin(live) else live
    yield Subject(live, heard, lambda: Live(make()), cut=feed.schemes != ("udp",))
