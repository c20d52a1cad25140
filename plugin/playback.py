"""Plays a recording again: the events that the live session gave, from the same bytes at the same times.

    recording -> (events, arrival on the bed's clock) ...

The bytes go through a session as they did at the bed, chunk by chunk; what the session would send is
dropped. Events are what the session gave, dated by nobody: with their arrival the pipeline does that, here as
at the bed, so that the same decisions follow. What a bed says of its own accord while nothing comes (silence)
is no part of a recording. All segments that follow the named one are played with it. Damage of the file is
Corrupt among the events and counted with the feed's own. Raises InputError at once for a file that cannot be
opened or is no recording.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from os import SEEK_END
from typing import TYPE_CHECKING, BinaryIO, Final

from barocast.plugin.feeds import find_feed
from barocast.plugin.segment_file import MAX_HEADER, Chunk, Header, SegmentReader, read_header
from barocast.runtime.domain import Corrupt
from barocast.runtime.errors import InputError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from barocast.plugin.segment_file import Found
    from barocast.runtime.domain import Event, FeedCounts
    from barocast.runtime.sessions.session import Session

READ_SIZE: Final = 1 << 16
_NUMBERED: Final = re.compile(r"(?P<stem>.+)\.(?P<segment>\d{4,})\.brec")


@dataclass(frozen=True, slots=True)
class Arrival:
    """Events that came at once."""

    events: list[Event]
    arrival_s: float | None = None
    """When, on the bed's monotonic clock; None of a file that does not know it."""


class Playback:
    """One recording; iterate once over `arrivals`."""

    def __init__(self, path: Path) -> None:
        self._first = _opened(path)
        self._paths = [path, *_following(path)]
        self.feed = self._first.feed
        self._session = _session(path, self.feed)
        self._damage: dict[str, int] = {}
        self._arrival_s: float | None = None

    @property
    def size_bytes(self) -> int:
        """Of all segments."""
        return sum(path.stat().st_size for path in self._paths)

    def counts(self) -> FeedCounts:
        """Give what was seen so far: of the feed, with the damage of the files."""
        counts = self._session.counts
        return replace(
            counts,
            corrupt=counts.corrupt + sum(self._damage.values()),
            corrupt_by_reason={**counts.corrupt_by_reason, **self._damage},
        )

    def arrivals(self) -> Iterator[Arrival]:
        """Give the events of each chunk. Raises InputError at the end when nothing was sound."""
        for path in self._paths:
            for found in _chunks(path):
                events = [self._damaged(found)] if isinstance(found, Corrupt) else self._played(found)
                if events:
                    yield Arrival(events, self._arrival_s)
        if not self._session.counts.frames:
            seen = self._session.counts.bytes
            raise InputError(f"{self._paths[0]}: nothing sound in {seen} bytes of {self.feed}; see its port")

    def _played(self, chunk: Chunk) -> list[Event]:
        self._arrival_s = chunk.arrival_s
        self._session.due(chunk.arrival_s)
        return self._session.receive(chunk.data, chunk.arrival_s)[0]

    def _damaged(self, corrupt: Corrupt) -> Event:
        self._damage[corrupt.reason] = self._damage.get(corrupt.reason, 0) + 1
        return corrupt


def _session(path: Path, feed: str) -> Session:
    try:
        found = find_feed(feed)
    except SettingsError as error:
        raise InputError(f"{path}: records a feed that is not installed here: {error}") from error
    if found.session is None:
        raise InputError(f"{path}: records {feed}, which has no live session; record it from a port")
    return found.session()


def _opened(path: Path) -> Header:
    """Read a segment's header. Raises InputError."""
    try:
        with path.open("rb") as file:
            return read_header(file.read(MAX_HEADER))[0]
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; check the path") from error
    except ValueError as error:
        raise InputError(f"{path}: {error}; name a file that `barocast run` recorded") from error


def _following(path: Path) -> Iterator[Path]:
    """Give the segments after `path` as far as they are there without a gap."""
    named = _NUMBERED.fullmatch(path.name)
    number = int(named["segment"]) if named else 0
    while named:
        number += 1
        following = path.with_name(f"{named['stem']}.{number:04}.brec")
        if not following.exists():
            return
        yield following


def _chunks(path: Path) -> Iterator[Found]:
    try:
        with path.open("rb") as file:
            yield from _read(file)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; check the disk") from error


def _read(file: BinaryIO) -> Iterator[Found]:
    """Give a segment's chunks; one that a full disk left without its header is damage, not the end."""
    try:
        _, begin = read_header(file.read(MAX_HEADER))
    except ValueError:
        yield Corrupt(0, file.seek(0, SEEK_END), "segment header")
        return
    reader = SegmentReader(begin)
    file.seek(begin)
    while data := file.read(READ_SIZE):
        yield from reader.feed(data)
    yield from reader.close()
