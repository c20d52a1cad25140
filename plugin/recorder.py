"""Records what a session is given, so that what happened at a bed can be played again byte for byte.

    session = RecordedSession(session, recorder)    its bytes, each with the very time that it was given
    recorder.trouble                                what keeps it from recording, or ""

A recording is a run of segment files (segment_file.py) of at most `segment_bytes` each; the oldest segments
in the folder, of whatever recording, are deleted so that all together stay below `quota_bytes`. It must
never cost a forecast: a disk that is full or gone loses bytes of the recording (`lost`), raises nothing, and
is tried again after RETRY_S. Each chunk is written through to the operating system at once, so that a crash
of this program loses nothing; a power cut may take the last seconds.

The bytes are what the monitor sent, unread: names, numbers and birth dates that a feed sends are in them,
whatever the configuration says of demographics. Nothing is taken out, for a recording from which bytes were
taken would not play as the bed did. So whoever records keeps patient data: files are readable by their
owner only, nothing is recorded unless a folder is named, and `doctor` says so of every recording.
"""

from __future__ import annotations

import contextlib
import os
from datetime import datetime, timezone
from io import FileIO
from typing import TYPE_CHECKING, Final

from barocast.plugin.segment_file import (
    HEAD_SIZE,
    MAX_DATA,
    MAX_HEADER,
    SUFFIX,
    Chunk,
    Header,
    pack_chunk,
    pack_header,
)
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from barocast.runtime.domain import Event, FeedCounts
    from barocast.runtime.sessions.session import Session

SEGMENT_BYTES: Final = 16 << 20
"""About an hour of an IntelliVue with three waves."""
QUOTA_BYTES: Final = 2 << 30
"""A week of one bed."""
SMALLEST_SEGMENT: Final = MAX_HEADER + HEAD_SIZE + MAX_DATA
"""Bytes: holds the longest chunk."""
RETRY_S: Final = 60.0
"""Pause after a failure of the disk."""


class Recorder:
    """Writes one recording. `wall` gives seconds since 1970."""

    def __init__(
        self,
        folder: Path,
        feed: str,
        *,
        wall: Callable[[], float],
        segment_bytes: int = SEGMENT_BYTES,
        quota_bytes: int = QUOTA_BYTES,
    ) -> None:
        if segment_bytes < SMALLEST_SEGMENT:
            raise SettingsError(f"segments of {segment_bytes} bytes: must be at least {SMALLEST_SEGMENT}")
        if quota_bytes < 2 * segment_bytes:
            raise SettingsError(f"quota of {quota_bytes} bytes: must hold two segments of {segment_bytes}")
        self.trouble = ""
        """Why nothing is recorded; empty while all is well."""
        self.lost = 0
        """Bytes from the port that are on no disk."""
        self.writing: Path | None = None
        """The segment that is open now."""
        self._folder = folder
        self._feed = feed
        self._wall = wall
        self._segment_bytes = segment_bytes
        self._quota_bytes = quota_bytes
        self._stem = ""
        self._segment = 0
        self._file: FileIO | None = None
        self._size = 0
        self._retry_s = float("-inf")

    def record(self, data: bytes, now_s: float) -> None:
        """Write what came from the port at `now_s`, monotonic seconds."""
        wall_s = self._wall()
        for at in range(0, len(data), MAX_DATA):
            self._write(Chunk(now_s, wall_s, data[at : at + MAX_DATA]))

    def close(self) -> None:
        """End the recording."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
        self._file = self.writing = None

    def _write(self, chunk: Chunk) -> None:
        packed = pack_chunk(chunk)
        if chunk.arrival_s < self._retry_s:
            self.lost += len(chunk.data)
            return
        try:
            self._put(self._room_for(len(packed), chunk.wall_s), packed)
            self.trouble = ""
        except OSError as error:
            self.close()
            self.lost += len(chunk.data)
            self.trouble = f"{self._folder}: cannot record: {error.strerror or error}"
            self._retry_s = chunk.arrival_s + RETRY_S

    def _put(self, file: FileIO, data: bytes) -> None:
        written = file.write(data) or 0
        self._size += written
        if written < len(data):
            raise OSError("the disk is full")

    def _room_for(self, length: int, wall_s: float) -> FileIO:
        """Give the open segment, a new one when there is none or no room in it."""
        if self._file is not None and self._size + length <= self._segment_bytes:
            return self._file
        self.close()
        if not self._stem:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            started = datetime.fromtimestamp(wall_s, timezone.utc)
            self._stem = f"{started:%Y%m%dT%H%M%S.%f}Z-{self._feed}"
        keep_below(self._folder, self._quota_bytes - self._segment_bytes)
        self._segment += 1
        path = self._folder / f"{self._stem}.{self._segment:04}{SUFFIX}"
        self._file, self.writing = FileIO(path, "x", opener=_private), path
        self._size = 0
        self._put(self._file, pack_header(Header(self._feed, self._segment)))
        return self._file


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def keep_below(folder: Path, limit_bytes: int) -> None:
    """Delete the oldest segments of `folder` until the others take at most `limit_bytes`. Raises OSError."""
    segments = sorted(folder.glob(f"{'?' * 8}T{'?' * 6}.{'?' * 6}Z-*{SUFFIX}"))  # names begin with the time
    sizes = [path.stat().st_size for path in segments]
    excess = sum(sizes) - limit_bytes
    for path, size in zip(segments, sizes, strict=True):
        if excess <= 0:
            return
        path.unlink()
        excess -= size


class RecordedSession:
    """A session (runtime.sessions.session) whose incoming bytes are recorded as it takes them."""

    def __init__(self, session: Session, recorder: Recorder) -> None:
        self._session = session
        self._recorder = recorder

    @property
    def counts(self) -> FeedCounts:
        """What was seen so far."""
        return self._session.counts

    @property
    def status(self) -> str:
        """One word for the screen."""
        return self._session.status

    def receive(self, data: bytes, now_s: float) -> tuple[list[Event], bytes]:
        """Take what the monitor sent; give the events and what to send back at once."""
        if data:
            self._recorder.record(data, now_s)
        return self._session.receive(data, now_s)

    def due(self, now_s: float) -> bytes:
        """Give what time alone makes due."""
        return self._session.due(now_s)

    def release(self) -> bytes:
        """Give the orderly farewell."""
        return self._session.release()
