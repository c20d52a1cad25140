"""The column map: what a hospital's CSV calls its columns, and in which units. JSON text -> ColumnMap.

    {"time": {"column": "Time", "unit": "s"},
     "channels": {"ART mean": {"channel": "ABP_MEAN", "unit": "mmHg"},
                  "SpO2":     {"channel": "SPO2", "unit": "%"}},
     "missing": ["--", "NA"]}

Time units are those of case_tables.UNITS_S, or `iso8601` for written dates and times. Raises InputError that
names the file, the entry and the nearest name that is known.
"""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from barocast.export.validation.case_tables import UNITS_S
from barocast.runtime.decoders.units import to_canonical, unit_of_text
from barocast.runtime.errors import InputError
from barocast.runtime.tracks import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

WRITTEN_TIME: Final = "iso8601"
KEYS: Final = ("time", "channels", "missing")
PRESSURE: Final = frozenset({"ABP_MEAN", "ABP_WAVE"})
"""One of them is needed: without arterial pressure there is nothing to learn from."""


@dataclass(frozen=True, slots=True)
class MappedColumn:
    """One column."""

    name: str
    """Theirs."""
    channel: str
    """Ours."""
    factor: float
    """Canonical value = theirs * factor + offset."""
    offset: float


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """The whole map."""

    time: str
    """Their name of the column of times."""
    seconds: float | None
    """Of one unit of it; None for written times."""
    columns: tuple[MappedColumn, ...]
    missing: frozenset[str]
    """Cells that mean "no value", besides the empty one."""


def read_column_map(path: Path) -> ColumnMap:
    """Read the file."""
    given = _parsed(path)
    _known(path, "", given, KEYS)
    time, channels = given.get("time"), given.get("channels")
    if not isinstance(time, dict) or not isinstance(time.get("column"), str):
        raise InputError(f'{path}: time: missing; write {{"column": "Time", "unit": "s"}}')
    if not isinstance(channels, dict) or not channels:
        raise InputError(f'{path}: channels: missing; write {{"ART mean": {{"channel": "ABP_MEAN"}}}}')
    columns = tuple(_column(path, name, entry) for name, entry in channels.items())
    _refuse_doubles(path, columns)
    missing = given.get("missing", [])
    if not isinstance(missing, list) or not all(isinstance(word, str) for word in missing):
        raise InputError(f'{path}: missing: is no list of words; write ["--", "NA"]')
    return ColumnMap(time["column"], _time_unit(path, time), columns, frozenset(missing))


def nearest(name: str, known: Iterable[str]) -> str:
    """Say which known name was probably meant; all of them where none is near."""
    names = list(known)
    folded = {one.casefold(): one for one in names}
    near = difflib.get_close_matches(name.casefold(), folded, n=1)
    return f"did you mean {folded[near[0]]!r}?" if near else f"it must be one of {', '.join(names)}"


def _parsed(path: Path) -> dict[str, Any]:
    try:
        given = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); name it with --map") from error
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error}); docs/cohorts.md has an example") from error
    if not isinstance(given, dict):
        raise InputError(f"{path}: not a table; docs/cohorts.md has an example")
    return given


def _known(path: Path, place: str, given: dict[str, Any], known: tuple[str, ...]) -> None:
    for key in given.keys() - set(known):
        raise InputError(f"{path}: {place}{key}: unknown; {nearest(key, known)}")


def _column(path: Path, name: str, entry: object) -> MappedColumn:
    place = f"{path}: channels: {name!r}"
    if not isinstance(entry, dict) or not isinstance(entry.get("channel"), str):
        raise InputError(f'{place}: write {{"channel": "ABP_MEAN", "unit": "mmHg"}}')
    _known(path, f"channels: {name!r}: ", entry, ("channel", "unit"))
    channel = entry["channel"]
    if channel not in CHANNELS:
        raise InputError(f"{place}: unknown channel {channel!r}; {nearest(channel, CHANNELS)}")
    wanted = CHANNELS[channel].unit
    unit = str(entry.get("unit", wanted))
    conversion = to_canonical(channel, unit_of_text(unit))
    if conversion is None:
        raise InputError(f"{place}: unit {unit!r} cannot be converted; {channel} is kept in {wanted}")
    return MappedColumn(name, channel, *conversion)


def _refuse_doubles(path: Path, columns: tuple[MappedColumn, ...]) -> None:
    channels = [column.channel for column in columns]
    twice = next((channel for channel in channels if channels.count(channel) > 1), None)
    if twice is not None:
        raise InputError(f"{path}: channels: two columns for {twice}; keep the better one")
    if not PRESSURE & set(channels):
        raise InputError(
            f"{path}: channels: no arterial pressure; map a column to {' or '.join(sorted(PRESSURE))}"
        )


def _time_unit(path: Path, time: dict[str, Any]) -> float | None:
    _known(path, "time: ", time, ("column", "unit"))
    unit = time.get("unit", "s")
    if unit == WRITTEN_TIME:
        return None
    if unit not in UNITS_S:
        raise InputError(f"{path}: time: unit {unit!r}: {nearest(str(unit), (*UNITS_S, WRITTEN_TIME))}")
    return UNITS_S[unit]
