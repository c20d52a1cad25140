"""Recordings of what a monitor measured, opened by their suffix: batches of events in order of time.

    .csv     rows of canonical channels
    .vital   Vital Recorder
    .hea     a WFDB record, whole or in segments (its .dat files beside it)
What wrote the file needs no live feed, so bedside and validation read it alike. Times are the device's own,
left alone. A file that cannot be opened or is empty raises InputError at once, one in which nothing is sound
at its end.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from itertools import chain, groupby, islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from barocast.runtime.decoders.csv_rows import CsvDecoder
from barocast.runtime.decoders.vital import VitalDecoder
from barocast.runtime.decoders.wfdb_header import Segment, read_header, read_segments
from barocast.runtime.decoders.wfdb_record import WfdbDecoder
from barocast.runtime.domain import Corrupt, FeedCounts
from barocast.runtime.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from barocast.runtime.domain import Event
    from barocast.runtime.sessions.session import Decoder

CHUNK: Final = 1 << 16
"""Bytes read at once."""
BATCH: Final = 512
"""Events given at once where several series had to be put in order first."""
KINDS: Final[Mapping[str, str]] = MappingProxyType({".csv": "csv", ".vital": "vital", ".hea": "wfdb"})
"""Suffix -> kind of recording."""
MAX_HEADER: Final = 1 << 20
"""Bytes of a WFDB header; real ones have under 10 kB."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recording; its batches can be taken once."""

    size_bytes: int
    """Of the files that are read, for a progress display beside `counts().bytes`."""
    batches: Iterator[list[Event]]
    counts: Callable[[], FeedCounts]
    """What was seen so far."""


def open_recorded(path: Path, kind: str) -> Recorded:
    """Open a recording of a kind that KINDS knows."""
    return _OPENERS[kind](path)


def open_bytes(path: Path, decoder: Decoder) -> Recorded:
    """Open a file that one decoder reads as it lies."""
    batches = _decoded(decoder, path)
    return Recorded(_size(path), batches, lambda: decoder.counts)


def segment_names(header: Path) -> list[str]:
    """Give the names of the records that a WFDB header joins; none where it holds signals itself."""
    return [segment.name for segment in read_segments(_wfdb_text(header), str(header))]


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


def _open_csv(path: Path) -> Recorded:
    return open_bytes(path, CsvDecoder(str(path)))


def _open_vital(path: Path) -> Recorded:
    """Open a Vital Recorder file: what is damaged first, then everything in the order of time."""
    decoder = VitalDecoder(hold=True)
    damaged = _decoded(decoder, path)
    batches = chain(damaged, _in_batches(decoder.in_order()))
    return Recorded(_size(path), batches, lambda: decoder.counts)


def _open_wfdb(path: Path) -> Recorded:
    """Open a record, whole or in segments; every header and every file's size is read at once."""
    segments = read_segments(_wfdb_text(path), str(path)) or (Segment(path.stem, 0.0),)
    parts = [part for segment in segments for part in _wfdb_parts(path, segment)]
    size = sum(_size(file) for file, _ in parts)
    events = chain.from_iterable(
        _side_by_side(list(files)) for _, files in groupby(parts, key=lambda part: part[1].start_s)
    )
    return Recorded(size, _in_batches(events), lambda: _together([part.counts for _, part in parts]))


def _wfdb_text(path: Path) -> str:
    return b"".join(islice(read_chunks(path), MAX_HEADER // CHUNK)).decode("utf-8", errors="replace")


def _wfdb_parts(path: Path, segment: Segment) -> list[tuple[Path, WfdbDecoder]]:
    header = path.with_name(f"{segment.name}{path.suffix}")
    record = read_header(_wfdb_text(header), str(header))
    return [(path.parent / file, WfdbDecoder(record, file, segment.start_s)) for file in record.files]


def _side_by_side(parts: list[tuple[Path, WfdbDecoder]]) -> Iterator[Event]:
    """Merge the files of one record, which all begin at once."""
    streams = [chain.from_iterable(_decoded(decoder, file)) for file, decoder in parts]
    return heapq.merge(*streams, key=_time)


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


def _in_batches(events: Iterator[Event]) -> Iterator[list[Event]]:
    while batch := list(islice(events, BATCH)):
        yield batch


def _time(event: Event) -> float:
    """Give what to merge by; only the end of a file has no time."""
    return math.inf if isinstance(event, Corrupt) or event.t_s is None else event.t_s


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
        size = path.stat().st_size
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; {_mend(error)}") from error
    if not size:
        raise InputError(f"{path}: the file is empty; record it again")
    return size


def _mend(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "check the path"
    if isinstance(error, PermissionError):
        return "allow this user to read it"
    if isinstance(error, IsADirectoryError):
        return "name a file in it"
    return "check the disk"


_OPENERS: Final[Mapping[str, Callable[[Path], Recorded]]] = MappingProxyType(
    {"csv": _open_csv, "vital": _open_vital, "wfdb": _open_wfdb}
)
