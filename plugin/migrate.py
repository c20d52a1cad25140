"""Configurations of earlier versions: steps from one schema to the next, and a copy of what was before.

    schema = 2                  at the top of a file; one that does not say is of schema 1

    migrate(tables, name)       -> tables of today without `schema`, and what was changed, in sentences
    numbered(tables)            -> tables as they are written
    migrate_path(path, load)    -> a file, or each of a folder, written anew; FILE.bak-N keeps the former

A service reads old files as they are, migrated in memory: an upgrade never stops a bed. A file of a newer
schema than this version knows is refused (SettingsError): what it says cannot be guessed.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from barocast.plugin.backup import put
from barocast.plugin.toml_text import toml_text
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

KEY: Final = "schema"
Tables: TypeAlias = "dict[str, Any]"
Step: TypeAlias = Callable[[Tables], list[str]]
"""Changes the tables it is given; says what it changed, nothing where nothing had to be."""

STEPS: Final[tuple[Step, ...]] = ()
"""STEPS[n] leads from schema n + 1 to n + 2."""


def migrate(tables: Tables, name: str, steps: Sequence[Step] = STEPS) -> tuple[Tables, list[str]]:
    """Give today's tables and what was changed; leave the given ones as they are. Raises SettingsError."""
    schema, newest = _schema(tables, name), len(steps) + 1
    if schema > newest:
        raise SettingsError(
            f"{name}: {KEY} = {schema}: this version knows {newest} and older; install the version that "
            f"wrote it, or put back {name}.bak-N"
        )
    new = copy.deepcopy(tables)
    new.pop(KEY, None)
    return new, [note for step in steps[schema - 1 :] for note in step(new)]


def numbered(tables: Tables, steps: Sequence[Step] = STEPS) -> Tables:
    """Give tables of today as they are written: the first schema is the one that need not be said."""
    return {KEY: len(steps) + 1, **tables} if steps else dict(tables)


def migrate_path(path: Path, load: Callable[[Path], Tables], steps: Sequence[Step] = STEPS) -> list[str]:
    """Write each file of an older schema anew; `load` reads one (settings.load_tables). Say what was done.

    Comments are not carried over: they stay in the copy. All files are read before one is written.
    """
    files = sorted(path.glob("*.toml")) if path.is_dir() else [path]
    if not files:
        raise SettingsError(f"{path}: holds no *.toml; name a configuration")
    read = [(file, load(file)) for file in files]
    planned = [(file, old, *migrate(old, str(file), steps)) for file, old in read]
    return [_wrote(file, old, numbered(new, steps), notes) for file, old, new, notes in planned]


def _wrote(file: Path, old: Tables, new: Tables, notes: list[str]) -> str:
    was, now = old.get(KEY, 1), new.get(KEY, 1)
    if was == now:
        return f"{file}: is of schema {now} already"
    kept = put(file, toml_text(new))
    return "; ".join([f"{file}: from schema {was} to {now}, the former is {kept}", *notes])


def _schema(tables: Tables, name: str) -> int:
    schema = tables.get(KEY, 1)
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise SettingsError(f"{name}: {KEY}: must be a whole number from 1, not {schema!r}")
    return schema
