"""Recorded files as the events that a live feed would give: a file's kind goes by its suffix.

    .csv .vital .hea   what needs no live feed (runtime.recorded)
    .hl7               messages, wrapped in MLLP or bare
    .brec              our own: raw bytes with their times, through the feed's session (playback.py)
    .raw .bin .log     a feed's raw bytes, whose name `feed` must say
Events come in modest batches, in time order (a feed's bytes: in the order they were sent), of our own files
with their arrival; times are the device's own, left alone. A file that cannot be opened or is empty raises
InputError at once, one in which nothing is sound at its end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from barocast.plugin.feeds import feed_names, find_feed
from barocast.plugin.playback import Arrival, Playback
from barocast.plugin.segment_file import SUFFIX
from barocast.runtime.errors import InputError
from barocast.runtime.recorded import KINDS, open_bytes, open_recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from barocast.runtime.domain import Event, FeedCounts
    from barocast.runtime.sessions.session import Decoder

RAW_SUFFIXES = (".raw", ".bin", ".log")
_KINDS = {**KINDS, ".hl7": "hl7"}


def decoder_for(feed: str) -> Decoder:
    """Give a fresh decoder for a recorded feed. Raises SettingsError for a name without one."""
    return find_feed(feed).decoder()


@dataclass(frozen=True, slots=True)
class Recording:
    """One recorded case: iterate once, over `arrivals` or over their events alone (`batches`)."""

    path: Path
    kind: str
    """`csv`, `vital`, `wfdb`, or the feed's name."""
    size_bytes: int
    """Of the files that are read, for a progress display beside `counts().bytes`."""
    arrivals: Iterator[Arrival]
    counts: Callable[[], FeedCounts]
    """What was seen so far."""

    @property
    def batches(self) -> Iterator[list[Event]]:
        """Give the events of each arrival, in time order."""
        return (arrival.events for arrival in self.arrivals)

    def __iter__(self) -> Iterator[list[Event]]:
        """Give the batches."""
        return self.batches


def open_recording(path: Path, feed: str | None = None) -> Recording:
    """Open a recording by its suffix; `feed` names the format of raw bytes and overrules it, but `.brec`."""
    suffix = path.suffix.lower()
    if suffix == SUFFIX:
        return _open_own(path)
    kind = feed or _KINDS.get(suffix)
    if kind is None and suffix in RAW_SUFFIXES:
        raise InputError(
            f"{path}: raw bytes of an unnamed feed; name it with --feed {'|'.join(feed_names())}"
        )
    if kind is None:
        raise InputError(
            f"{path}: unknown kind of file; use .csv, .vital, .hea, .hl7, .brec or name its --feed"
        )
    is_file = kind in KINDS.values()
    found = open_recorded(path, kind) if is_file else open_bytes(path, decoder_for(kind))
    return Recording(path, kind, found.size_bytes, map(Arrival, found.batches), found.counts)


def _open_own(path: Path) -> Recording:
    playback = Playback(path)
    return Recording(path, playback.feed, playback.size_bytes, playback.arrivals(), playback.counts)
