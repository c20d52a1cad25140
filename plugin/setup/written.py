"""The configuration on disk: one bed's file, box.toml, and the page's token. Nothing is overwritten unkept.

    write(answers, folder) -> Written     SettingsError where the whole would not be a configuration

Everything is checked as the service reads it before the first file is written.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from barocast.plugin.backup import MODE, put
from barocast.plugin.migrate import migrate, numbered
from barocast.plugin.service.house import BOX, read_house, slug_of
from barocast.plugin.settings import load_tables, parse_box, parse_tables
from barocast.plugin.setup.answers import bed_tables, box_tables
from barocast.plugin.toml_text import toml_text
from barocast.plugin.web.access import Access, Address
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from barocast.plugin.settings import Settings
    from barocast.plugin.setup.answers import Answers

TOKEN: Final = "screen.token"  # noqa: S105 - the name of its file
TOKEN_BYTES: Final = 24
"""Of chance: 32 letters and digits."""
OWN: Final = 0o600


@dataclass(frozen=True, slots=True)
class Written:
    """What was written."""

    bed: Path
    slug: str
    settings: Settings
    """As the service reads them."""
    files: tuple[Path, ...]
    """Written, in order; those that were already as they should be are not among them."""
    kept: tuple[Path, ...]
    """Copies of what was there before."""


def write(answers: Answers, folder: Path) -> Written:
    """Write the bed that the answers describe into `folder`."""
    slug = slug_of(answers.name)
    bed, box, token = _file_of(slug, folder), folder / BOX, folder / TOKEN
    tables = {bed: bed_tables(answers, _former(bed)), box: box_tables(answers, token, _former(box))}
    settings = _checked(bed, box, tables)
    texts = {path: toml_text(numbered(table)) for path, table in tables.items() if table}
    if answers.screen and answers.token and not token.exists():
        put(token, f"{secrets.token_urlsafe(TOKEN_BYTES)}\n", _token_mode(folder))
    new = {
        path: text for path, text in texts.items() if not path.is_file() or path.read_text("utf-8") != text
    }
    kept = [put(path, text) for path, text in new.items()]
    return Written(bed, slug, settings, tuple(new), tuple(copy for copy in kept if copy is not None))


def _former(path: Path) -> dict[str, Any]:
    return migrate(load_tables(path), str(path))[0] if path.is_file() else {}


def _file_of(slug: str, folder: Path) -> Path:
    """Give the file in which this bed stands already, else a new one under its slug."""
    try:
        beds = read_house(folder).beds if folder.is_dir() else ()
    except SettingsError:  # no bed yet, or none that can be read
        beds = ()
    return next((bed.path for bed in beds if bed.slug == slug), folder / f"{slug}.toml")


def _checked(bed: Path, box: Path, tables: dict[Path, dict[str, Any]]) -> Settings:
    """Read the tables as the service does."""
    settings = parse_tables(tables[bed], str(bed), parse_box(tables[box], str(box)))
    screen = settings.screen
    if screen.address:
        Access.of(Address.parse(screen.address), screen.token, screen.certificate)
    return settings


def _token_mode(folder: Path) -> int:
    """Let its owner alone read it; where the folder is of another group, the service's, that group too."""
    shared = folder.is_dir() and folder.stat().st_gid != os.getegid()
    return MODE if shared else OWN
