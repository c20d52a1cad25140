"""A recorded case as CSV to events. Strict: the first thing that cannot be meant raises InputError.

    t_s,ABP_MEAN,HR            UTF-8; seconds, then canonical channels in their canonical units
    0,71.5,64
    2,,63                      an empty cell where a value was due is a Sample NaN `missing`

Rows may be irregular and each column may have its own cadence (csv_columns.py): times may repeat but not
go back. A value that no sensor can report is kept and marked `range`.
"""

from __future__ import annotations

import csv
import difflib
import math
from typing import TYPE_CHECKING

from barocast.runtime.decoders.csv_columns import NumericColumn, WaveColumn
from barocast.runtime.decoders.tally import Tally
from barocast.runtime.errors import InputError
from barocast.runtime.tracks import CHANNELS

if TYPE_CHECKING:
    from barocast.runtime.domain import Event, FeedCounts

TIME = "t_s"
MAX_LINE = 1 << 16
"""Bytes. All channels at 20 characters a cell come to 500; a longer line is not such a file."""

_OTHER_WORDS = {
    "MAP": "ABP_MEAN",
    "SBP": "ABP_SYS",
    "DBP": "ABP_DIA",
    "TIME": TIME,
    "T": TIME,
    "SECONDS": TIME,
}
_NEEDED = frozenset({"ABP_MEAN", "ABP_WAVE"})


class CsvDecoder:
    """One file. `name` is what its errors call it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tally = Tally()
        self._rest = b""
        self._line = 0
        self._columns: list[str] = []
        self._readers: list[NumericColumn | WaveColumn] = []
        self._time_at = 0
        self._last_t = -math.inf

    @property
    def counts(self) -> FeedCounts:
        """What was seen so far; frames are rows."""
        return self._tally.counts

    def feed(self, data: bytes) -> list[Event]:
        """Take the next bytes; give the events of the lines they complete."""
        self._tally.took(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        events: list[Event] = []
        for line in lines:
            self._take(line, events)
        if len(self._rest) > MAX_LINE:
            self._take(self._rest, events)
        return self._tally.gave(events)

    def close(self) -> list[Event]:
        """Read the last line, which need not end in a line end, and end the waves' runs."""
        events: list[Event] = []
        if self._rest:
            self._take(self._rest, events)
        self._rest = b""
        if not self._columns:
            raise InputError(f"{self._name}: line 1: no header; start with '{TIME},ABP_MEAN,...'")
        if math.isinf(self._last_t):
            raise InputError(f"{self._name}: line {self._line + 1}: no rows below the header; add the values")
        for column in self._readers:
            if isinstance(column, WaveColumn):
                column.end(events)
        return self._tally.gave(events)

    def _take(self, raw: bytes, events: list[Event]) -> None:
        self._line += 1
        if len(raw) > MAX_LINE:
            raise self._error("", f"longer than {MAX_LINE} bytes", "give one row a line")
        cells = self._cells(raw)
        if not cells:
            return
        if not self._columns:
            self._read_header(cells)
            return
        if len(cells) != len(self._columns):
            what = f"{len(cells)} cells where the header has {len(self._columns)}"
            raise self._error("", what, "give every row a cell for each column, empty when missing")
        self._read_row(cells, events)
        self._tally.framed()

    def _cells(self, raw: bytes) -> list[str]:
        try:
            text = raw.decode("utf-8-sig" if self._line == 1 else "utf-8")
        except UnicodeDecodeError as error:
            what = f"byte {error.start + 1} (0x{raw[error.start]:02x}) is not UTF-8"
            raise self._error("", what, "save the file as UTF-8") from error
        if not text.strip():
            return []
        if '"' not in text:
            return text.split(",")
        try:
            return next(csv.reader([text.strip()]))
        except csv.Error as error:
            raise self._error("", str(error), "write the cells without quotes") from error

    def _read_header(self, cells: list[str]) -> None:
        names = [cell.strip() for cell in cells]
        known = [TIME, *CHANNELS]
        for name in names:
            if name not in known:
                raise self._error(name, "unknown column", _mend(name, known))
            if names.count(name) > 1:
                raise self._error(name, "the column stands twice", "keep one of them")
        if TIME not in names:
            raise self._error(TIME, "the column is missing", "add the seconds of each row")
        if not _NEEDED.intersection(names):
            raise self._error("ABP_MEAN", "no arterial pressure", "add an ABP_MEAN or an ABP_WAVE column")
        self._columns, self._time_at = names, names.index(TIME)
        self._readers = [
            (WaveColumn if name.endswith("_WAVE") else NumericColumn)(at, name)
            for at, name in enumerate(names)
            if name != TIME
        ]

    def _read_row(self, cells: list[str], events: list[Event]) -> None:
        t_s = self._number(cells, self._time_at)
        if t_s is None:
            raise self._error(TIME, "a row without a time", "give its seconds")
        if t_s < self._last_t:
            what = f"time goes back from {self._last_t:g} to {t_s:g} s"
            raise self._error(TIME, what, "sort the rows by t_s")
        self._last_t = t_s
        for column in self._readers:
            column.read(t_s, self._number(cells, column.at), events)

    def _number(self, cells: list[str], at: int) -> float | None:
        """Read a cell, None when empty. Whatever Python alone takes for a number is text here."""
        cell = cells[at]
        try:
            value = float(cell)
        except ValueError:
            if not cell.strip():
                return None
            value = math.nan
        if value - value != 0 or "_" in cell:
            what = f"{cell.strip()[:40]!r} is not a number"
            raise self._error(self._columns[at], what, "leave the cell empty when the value is missing")
        return value

    def _error(self, column: str, what: str, mend: str) -> InputError:
        shown = "".join(sign if sign.isprintable() else "?" for sign in column[:40])
        place = f", column {shown}" if column else ""
        return InputError(f"{self._name}: line {self._line}{place}: {what}; {mend}")


def _mend(name: str, known: list[str]) -> str:
    if any(sign in name for sign in ";\t"):
        return "separate the columns with commas"
    near = _OTHER_WORDS.get(name.upper()) or next(
        iter(difflib.get_close_matches(name.upper(), known, n=1)), None
    )
    return f"did you mean {near}?" if near else f"the columns are {TIME} and {', '.join(CHANNELS)}"
