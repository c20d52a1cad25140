"""A folder that is there whole or not at all: written beside its place, and renamed into it at the end.

A disk that fills, at whatever write, leaves what stood there before; a kill between the two renames leaves it
set aside, from where the next run takes it back.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import TYPE_CHECKING

from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path


@contextlib.contextmanager
def whole_folder(place: Path, ours: Collection[str]) -> Iterator[Path]:
    """Give an empty folder to write into; it takes the place of what stood there when the block ends well.

    `ours` are the names that such a folder may hold: one with anything else in it is never replaced. Raises
    SettingsError, also for an OSError inside the block.
    """
    place = place.resolve()
    draft, aside = beside(place, "draft"), beside(place, "old")
    try:
        take_back(aside, place)
        _refuse_other(place, ours)
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        yield draft
        for path in (*draft.iterdir(), draft):
            sync(path)
        exchange(draft, place, aside)
    except OSError as error:
        raise SettingsError(
            f"{place}: cannot be written ({error.strerror or error}); what stood there stands there still, "
            f"or beside it as {aside.name}; free some space, or name another folder"
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def beside(place: Path, what: str) -> Path:
    """Give the hidden name beside a folder under which it is drafted, or set aside."""
    return place.resolve().with_name(f".{place.resolve().name}.{what}")


def take_back(aside: Path, place: Path) -> None:
    """Put back what a replacement that was cut short had set aside."""
    if aside.is_dir() and not place.exists():
        aside.rename(place)


def exchange(draft: Path, place: Path, aside: Path) -> None:
    """Rename the draft into its place; what stood there is set aside meanwhile, and back where that fails."""
    shutil.rmtree(aside, ignore_errors=True)
    if place.exists():
        place.rename(aside)
    try:
        draft.rename(place)
        sync(place.parent)
    except OSError:
        with contextlib.suppress(OSError):
            if place.exists():
                place.rename(draft)  # nobody knows whether the disk holds it
            take_back(aside, place)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def sync(path: Path) -> None:
    """Have the disk hold a file or a folder before anything is said of it."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _refuse_other(place: Path, ours: Collection[str]) -> None:
    if place.exists() and not place.is_dir():
        raise SettingsError(f"{place}: is a file; name a folder")
    others = sorted(path.name for path in place.iterdir() if path.name not in ours) if place.exists() else []
    if others:
        raise SettingsError(f"{place}: holds {others[0]}, which would be lost; name another folder")
