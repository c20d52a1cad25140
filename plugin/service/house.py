"""The beds of one box: a configuration file with one bed in it, or a folder with a file for each.

    or3.toml                          one bed and the box in one file
    /etc/barocast/box.toml            [screen] [storage] [model] [engine] [plugins]   what the beds share
    /etc/barocast/or3.toml, ...       [feed] [bed] [alarm] [sinks]                    a bed each

In a folder one bad file costs its own bed: it is told as that bed's trouble, and the others run. `read_house`
raises SettingsError where nothing can run: no file, no bed, a bad box.toml, or the one file of one bed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from barocast.plugin.settings import OF_THE_BOX, Settings, current_tables, parse_box, parse_tables
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

BOX: Final = "box.toml"


@dataclass(frozen=True, slots=True)
class BedFile:
    """One bed as its file describes it."""

    slug: str
    """Its name in addresses and file names: small letters, digits and hyphens."""
    path: Path
    settings: Settings | None
    trouble: str = ""
    """Why there are no settings."""


@dataclass(frozen=True, slots=True)
class House:
    """Everything that one service serves."""

    box: Settings
    """Whose screen, storage and model all beds share; its feed is the first bed's."""
    beds: tuple[BedFile, ...]


def read_house(path: Path) -> House:
    """Read a file or a folder."""
    if not path.is_dir():
        settings = parse_tables(current_tables(path), str(path))
        return House(settings, (BedFile(slug_of(settings.bed.name), path, settings),))
    shared = _shared(path / BOX)
    beds = tuple(_bed(file, shared) for file in sorted(path.glob("*.toml")) if file.name != BOX)
    good = [bed.settings for bed in beds if bed.settings is not None]
    if not good:
        said = beds[0].trouble if beds else f"{path}: holds no bed; write one *.toml for each beside {BOX}"
        raise SettingsError(said)
    return House(good[0], _told_apart(beds))


def slug_of(name: str) -> str:
    """Give a bed's name as addresses and file names take it."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "bed"


def _shared(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return parse_box({}, str(path))
    return parse_box(current_tables(path), str(path))


def _bed(path: Path, shared: Mapping[str, Any]) -> BedFile:
    try:
        settings = _own(path, shared)
    except SettingsError as error:
        return BedFile(slug_of(path.stem), path, None, str(error))
    return BedFile(slug_of(settings.bed.name), path, settings)


def _own(path: Path, shared: Mapping[str, Any]) -> Settings:
    tables = current_tables(path)
    if stray := [name for name in OF_THE_BOX if name in tables]:
        raise SettingsError(f"{path}: [{stray[0]}]: is the whole box's; move it to {BOX}")
    return parse_tables(tables, str(path), shared)


def _told_apart(beds: tuple[BedFile, ...]) -> tuple[BedFile, ...]:
    """Refuse a second bed of the same name: its log and its page would be the other's."""
    seen: dict[str, Path] = {}
    kept = []
    for bed in beds:
        first = seen.setdefault(bed.slug, bed.path)
        said = f"{bed.path}: [bed] name: {bed.slug!r} is the bed of {first.name} already; name it otherwise"
        kept.append(
            bed if first == bed.path else BedFile(f"{bed.slug}-{bed.path.stem}", bed.path, None, said)
        )
    return tuple(kept)
