"""Recorded files as the events that a live feed would give: a file's kind goes by its suffix.

    .csv            rows of canonical channels             .hea       a WFDB record (its .dat files beside it)
    .vital          Vital Recorder                         .hl7       messages, wrapped in MLLP or bare
    .brec           our own: raw bytes with their times, through the feed's session (playback.py)
    .raw .bin .log  a feed's raw bytes, whose name `feed` must say
Events come in modest batches, in time order (a feed's bytes: in the order they were sent); times are the
device's own, left alone. A file that cannot be opened or is empty raises InputError at once, one in which
nothing is sound at its end.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING

from barocast.plugin.feeds import feed_names, find_feed
from barocast.plugin.playback import Playback
from barocast.plugin.segment_file import SUFFIX
from barocast.runtime.decoders.csv_rows import CsvDecoder
from barocast.runtime.decoders.wfdb_record import WfdbDecoder, read_header
from barocast.runtime.domain import Corrupt, FeedCounts
from barocast.runtime.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from barocast.runtime.domain import Event
    from barocast.runtime.sessions.session import Decoder

CHUNK = 1 << 16
"""Bytes read at once."""
BATCH = 512
"""Events given at once where several series had to be put in order first."""
MAX_HEADER = 1 << 20
"""Bytes of a WFDB header; real ones have under 10 kB."""

RAW_SUFFIXES = (".raw", ".bin", ".log")


def decoder_for(feed: str) -> Decoder:
    """Give a fresh decoder for a recorded feed. Raises SettingsError for a name without one."""
    return find_feed(feed).decoder()


def read_chunks(path: Path) -> Iterator[bytes]:
    """Give a file's bytes in chunks. Raises InputError when it cannot be read or is empty."""
    try:
        with path.open("rb") as file:
            chunk = file.read(CHUNK)
            if not chunk:
                raise InputError(f"{path}: the file is empty; record it again")
            while chunk:
                yield chunk
                chunk = file.read(CHUNK)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; {_mend(error)}") from error


@dataclass(frozen=True, slots=True)
class Recording:
    """One recorded case: iterate once for its batches of events, in time order."""

    path: Path
    kind: str
    """`csv`, `vital`, `wfdb`, or the feed's name."""
    size_bytes: int
    """Of the files that are read, for a progress display beside `counts().bytes`."""
    batches: Iterator[list[Event]]
    counts: Callable[[], FeedCounts]
    """What was seen so far."""

    def __iter__(self) -> Iterator[list[Event]]:
        """Give the batches."""
        return self.batches


def open_recording(path: Path, feed: str | None = None) -> Recording:
    """Open a recording by its suffix; `feed` names the format of raw bytes and overrules it, but `.brec`."""
    if path.suffix.lower() == SUFFIX:
        return _open_own(path)
    kind = feed or {".csv": "csv", ".vital": "vital", ".hea": "wfdb", ".hl7": "hl7"}.get(path.suffix.lower())
    if kind is None and path.suffix.lower() in RAW_SUFFIXES:
        raise InputError(
            f"{path}: raw bytes of an unnamed feed; name it with --feed {'|'.join(feed_names())}"
        )
    if kind is None:
        raise InputError(
            f"{path}: unknown kind of file; use .csv, .vital, .hea, .hl7, .brec or name its --feed"
        )
    if kind == "wfdb":
        return _open_wfdb(path)
    decoder = CsvDecoder(str(path)) if kind == "csv" else decoder_for(kind)
    batches = _decoded(decoder, path)
    in_order = _sorted_whole(batches) if kind == "vital" else batches
    return Recording(path, kind, _size(path), in_order, lambda: decoder.counts)


def _open_own(path: Path) -> Recording:
    playback = Playback(path)
    return Recording(path, playback.feed, playback.size_bytes, playback.batches(), playback.counts)


def _open_wfdb(path: Path) -> Recording:
    text = b"".join(_opened(path))[:MAX_HEADER].decode("utf-8", errors="replace")
    record = read_header(text, str(path))
    parts = [(path.parent / file, WfdbDecoder(record, file)) for file in record.files]
    streams = [chain.from_iterable(_decoded(decoder, file)) for file, decoder in parts]
    merged = heapq.merge(*streams, key=lambda event: _time(event, math.inf))  # only the end has no time
    size = sum(_size(file) for file, _ in parts)
    return Recording(
        path, "wfdb", size, _in_batches(merged), lambda: _together([part.counts for _, part in parts])
    )


def _opened(path: Path) -> Iterator[bytes]:
    """Read the first chunk now, so that a file that cannot be read is refused before any work."""
    chunks = read_chunks(path)
    first = next(chunks)

    def again() -> Iterator[bytes]:
        yield first
        yield from chunks

    return again()


def _decoded(decoder: Decoder, path: Path) -> Iterator[list[Event]]:
    chunks = _opened(path)

    def batches() -> Iterator[list[Event]]:
        for chunk in chunks:
            yield decoder.feed(chunk)
        yield decoder.close()
        counts = decoder.counts
        if not counts.frames:
            raise InputError(f"{path}: nothing sound in {counts.bytes} bytes; check what kind of file it is")

    return (events for events in batches() if events)


def _sorted_whole(batches: Iterator[list[Event]]) -> Iterator[list[Event]]:
    """Put a whole file in order: re-saved .vital files hold one track after the other."""
    yield from _in_batches(iter(_by_time([event for batch in batches for event in batch])))


def _in_batches(events: Iterator[Event]) -> Iterator[list[Event]]:
    while batch := list(islice(events, BATCH)):
        yield batch


def _by_time(events: list[Event]) -> list[Event]:
    """Sort by time; what has none stays behind what came before it."""
    keyed: list[tuple[float, int, Event]] = []
    last = -math.inf
    for at, event in enumerate(events):
        last = _time(event, last)
        keyed.append((last, at, event))
    return [event for _, _, event in sorted(keyed, key=lambda entry: entry[:2])]


def _time(event: Event, otherwise: float) -> float:
    if isinstance(event, Corrupt) or event.t_s is None:
        return otherwise
    return event.t_s


def _together(parts: list[FeedCounts]) -> FeedCounts:
    reasons: dict[str, int] = {}
    for part in parts:
        for reason, count in part.corrupt_by_reason.items():
            reasons[reason] = reasons.get(reason, 0) + count
    return FeedCounts(
        bytes=sum(part.bytes for part in parts),
        frames=sum(part.frames for part in parts),
        corrupt=sum(part.corrupt for part in parts),
        samples=sum(part.samples for part in parts),
        corrupt_by_reason=reasons,
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; {_mend(error)}") from error


def _mend(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "check the path"
    if isinstance(error, PermissionError):
        return "allow this user to read it"
    if isinstance(error, IsADirectoryError):
        return "name a file in it"
    return "check the disk"
