"""What the storage folder may hold: a pure plan of what has to go, and its carrying out once a minute.

    FOLDER/cases/**  recordings/**    kept for `waves_h` and while the folder fits its quota; oldest go first
    everything else                   (the log, its keys, the reserve) is counted, and never deleted here

A case is one file, and so is each segment of a recording. What is open is never deleted. A file from before
UNSET_BEFORE was written while the clock was not set: its age is not known, and only the quota deletes it.
"""

from __future__ import annotations

import contextlib
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path
    from threading import Event

    from barocast.plugin.audit.reserve import Reserve

DELETABLE: Final = ("cases", "recordings")
"""Folders whose files may be deleted."""
UNSET_BEFORE: Final = 1_700_000_000.0
"""Seconds since 1970: November 2023, before this program was written."""
EVERY_S: Final = 60.0
BLOCK: Final = 512
"""Bytes: the unit of st_blocks, whatever the disk's own is."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that may be deleted when its time has come."""

    path: Path
    size: int
    """Bytes that it takes on the disk."""
    changed_s: float
    """Seconds since 1970 of its last change."""
    is_open: bool = False
    """Still being written."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much, and for how long."""

    quota_bytes: int
    """Of the whole folder."""
    waves_s: float
    """Seconds after its last change that a file is deleted."""


@dataclass(frozen=True, slots=True)
class Doomed:
    """A file that has to go, and why."""

    file: Kept
    why: str
    """`age` or `quota`."""


def plan(files: Sequence[Kept], fixed_bytes: int, limits: Limits, now_s: float) -> list[Doomed]:
    """Say what has to go, oldest first; `fixed_bytes` lie in the folder beside these files."""
    closed = sorted(
        (file for file in files if not file.is_open), key=lambda file: (file.changed_s, file.path)
    )
    excess = fixed_bytes + sum(file.size for file in files) - limits.quota_bytes
    doomed = []
    for file in closed:
        old = now_s - file.changed_s > limits.waves_s and file.changed_s >= UNSET_BEFORE
        if old or excess > 0:
            doomed.append(Doomed(file, "age" if old else "quota"))
            excess -= file.size
    return doomed


@dataclass(slots=True)
class Keeping:
    """Keeps one folder within its limits. Raises nothing."""

    folder: Path
    limits: Limits
    wall_s: Callable[[], float]
    """Seconds since 1970."""
    open_files: Callable[[], Iterable[Path]] = tuple
    """What is being written now: the open case, a recording's newest segment."""
    reserve: Reserve | None = None
    tell: Callable[[str, dict[str, object]], object] = field(default=lambda _kind, _fields: None)
    """Takes a note for the log: (kind, fields)."""
    trouble: str = ""
    """Why the folder is over its quota or cannot be kept; empty while all is well."""

    def once(self) -> None:
        """Look, and delete what has to go."""
        try:
            self.trouble = self._kept()
        except OSError as error:
            self.trouble = f"{self.folder}: cannot be kept within its quota: {error.strerror or error}"
        if self.reserve is not None and not self.reserve.hold() and not self.trouble:
            self.trouble = f"{self.folder}: too full to hold space back for the log"

    def run(self, stopping: Event, every_s: float = EVERY_S) -> None:
        """Keep on until told to stop; for a thread of its own, since a disk may hang."""
        self.once()
        while not stopping.wait(every_s):
            self.once()

    def _kept(self) -> str:
        files = look(self.folder, frozenset(self.open_files()))
        total = size_of(self.folder)
        fixed = total - sum(file.size for file in files)
        doomed = plan(files, fixed, self.limits, self.wall_s())
        for each in doomed:
            each.file.path.unlink(missing_ok=True)
        if doomed:
            self._told(doomed)
        over = total - sum(each.file.size for each in doomed) - self.limits.quota_bytes
        return f"{self.folder}: {over:,} bytes over its quota, and nothing left to delete" if over > 0 else ""

    def _told(self, doomed: Sequence[Doomed]) -> None:
        reasons = {why: sum(each.why == why for each in doomed) for why in ("age", "quota")}
        self.tell("deleted", {"bytes": sum(each.file.size for each in doomed), **reasons})


def look(folder: Path, open_files: frozenset[Path]) -> list[Kept]:
    """Give what may be deleted, as it lies there."""
    return [
        Kept(path, found.st_blocks * BLOCK, found.st_mtime, path in open_files)
        for name in DELETABLE
        if not (folder / name).is_symlink()
        for path, found in _files(folder / name)
    ]


def size_of(folder: Path) -> int:
    """Bytes that the files of a folder take on the disk."""
    return sum(found.st_blocks * BLOCK for _, found in _files(folder))


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Give every plain file, however deep; what vanishes meanwhile is left out, a link is not followed."""
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            found = path.lstat()
            if stat.S_ISREG(found.st_mode):
                yield path, found
