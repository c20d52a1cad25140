"""A folder of CSV files of any columns as a source, read through a column map.

    17.csv   Time,ART mean,SpO2        17.json   {"age_years": 71}        [cases.csv]  [cohort.json]
             0,82,98

Each file is rewritten row by row into the canonical CSV and read by its decoder (runtime.decoders.csv_rows),
so that cadences, waves and errors are the bedside's own. Raises InputError for a mapped column that no file
has; what is wrong in one file is that case's fault alone.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from barocast.export.cohorts.column_map import nearest, read_column_map
from barocast.export.cohorts.recordings import identity_of, list_recordings, present
from barocast.runtime.decoders.csv_rows import TIME, CsvDecoder
from barocast.runtime.domain import Sample
from barocast.runtime.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from barocast.export.cohorts.column_map import ColumnMap, MappedColumn
    from barocast.export.cohorts.entry import Listing
    from barocast.runtime.domain import Event

SUFFIX: Final = ".csv"
DECIMALS: Final = 4
"""Of a second: minutes written as 0.166667 mean 10 s, not a hair more, which would be the next column's."""


@dataclass(frozen=True, slots=True)
class MappedCsv:
    """A file and the map to read it by."""

    path: Path
    columns: ColumnMap

    @property
    def identity(self) -> list[object]:
        """The file, and the map."""
        shown = replace(self.columns, missing=frozenset())
        return [*identity_of(self.path), repr(shown), sorted(self.columns.missing)]

    def events(self) -> Iterator[list[Event]]:
        """Give the decoder's events; a Sample's code is the file's own name of its column."""
        present(self.path)
        names = {column.channel: column.name for column in self.columns.columns}
        decoder = CsvDecoder(str(self.path))
        for line in _canonical(self.path, self.columns):
            yield [_named(event, names) for event in decoder.feed(line)]
        yield [_named(event, names) for event in decoder.close()]


def list_cases(folder: Path, map_file: Path) -> Listing:
    """List every CSV file of the folder but cases.csv."""
    columns = read_column_map(map_file)
    listing = list_recordings(folder, SUFFIX, partial(MappedCsv, columns=columns))
    headers = [_header(path) for path in sorted(folder.glob(f"*{SUFFIX}"))]
    seen = sorted({name for header in headers for name in header})
    for name in (columns.time, *(column.name for column in columns.columns)):
        if name not in seen:
            raise InputError(f"{map_file}: column {name!r} is in no file of {folder}; {nearest(name, seen)}")
    return listing


def _header(path: Path) -> list[str]:
    return next(_rows(path), (1, []))[1]


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Give (line, cells) of every row that has any."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            for row in reader:
                yield reader.line_num, [cell.strip() for cell in row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read ({error}); save it as CSV in UTF-8") from error


def _canonical(path: Path, columns: ColumnMap) -> Iterator[bytes]:
    """Give the canonical file line by line, one for each of the file's rows."""
    rows = _rows(path)
    _, header = next(rows, (1, []))
    if columns.time not in header:
        raise InputError(f"{path}: line 1: no column {columns.time!r}; {nearest(columns.time, header)}")
    kept = [(header.index(column.name), column) for column in columns.columns if column.name in header]
    yield ",".join([TIME, *(column.channel for _, column in kept)]).encode() + b"\n"
    time_at, seconds = header.index(columns.time), _clock(path, columns)
    for line, cells in rows:
        if len(cells) not in {0, len(header)}:
            what = f"{len(cells)} cells where the header has {len(header)}"
            raise InputError(f"{path}: line {line}: {what}; give every row a cell for each column")
        if any(cells):
            values = (_value(cells[at], column, columns.missing) for at, column in kept)
            yield ",".join([seconds(line, cells[time_at]), *values]).encode() + b"\n"
        else:
            yield b"\n"


def _value(cell: str, column: MappedColumn, missing: frozenset[str]) -> str:
    """Convert a cell; what is no number is left to the decoder, which names the place."""
    if not cell or cell in missing:
        return ""
    if (column.factor, column.offset) == (1.0, 0.0):
        return cell
    try:
        return repr(float(cell) * column.factor + column.offset)
    except ValueError:
        return cell


def _clock(path: Path, columns: ColumnMap) -> Callable[[int, str], str]:
    """Give what turns (line, cell) into seconds."""
    first: list[datetime] = []

    def written(line: int, cell: str) -> str:
        try:
            moment = datetime.fromisoformat(cell)
            if not first:
                first.append(moment)
            return repr((moment - first[0]).total_seconds())
        except (TypeError, ValueError) as error:
            raise InputError(
                f"{path}: line {line}: {columns.time} is {cell!r}; write 2024-05-03T08:15:00, all alike"
            ) from error

    def counted(line: int, cell: str) -> str:
        try:
            return repr(round(float(cell) * (columns.seconds or 1.0), DECIMALS))
        except ValueError as error:
            raise InputError(f"{path}: line {line}: {columns.time} is {cell!r}; write a number") from error

    return written if columns.seconds is None else counted


def _named(event: Event, names: dict[str, str]) -> Event:
    return replace(event, code=names[event.channel]) if isinstance(event, Sample) and event.channel else event
