"""A recorded case as CSV to events. Strict: the first thing that cannot be meant raises InputError.

    t_s,ABP_MEAN,HR            UTF-8; seconds, then canonical channels in their canonical units
    0,71.5,64
    2,,63                      an empty cell where a value was due is a Sample NaN `missing`

Rows may be irregular and each column may have its own cadence (csv_columns.py): times may repeat but not
go back, nor leap by more than a day. A value that no sensor can report is kept and marked `range`. A cell may
stand in quotes that close on its line; blank lines are no rows.
"""

from __future__ import annotations

import difflib
import math
import re
from typing import TYPE_CHECKING

from barocast.runtime.decoders.csv_columns import MIN_STEP_S, NumericColumn, WaveColumn
from barocast.runtime.decoders.tally import Tally
from barocast.runtime.errors import InputError
from barocast.runtime.tracks import CHANNELS

if TYPE_CHECKING:
    from barocast.runtime.domain import Event, FeedCounts

TIME = "t_s"
MAX_LINE = 1 << 16
"""Bytes. All channels at 20 characters a cell come to 500; a longer line is not such a file."""
MAX_STEP_S = 86_400.0
"""Seconds between two rows of one case; a longer step is milliseconds, or another case."""
MAX_T_S = 1e11
"""Seconds, three thousand years: epoch seconds stay far below, epoch milliseconds are above."""

_CELL = re.compile(r'\s*"(?P<quoted>[^"]*)"\s*(?:,|\Z)|(?P<plain>[^",]*)(?:,|\Z)')
_CLOCK = re.compile(r"\s*(?:\d{1,4}([-/.])\d{1,2}\1\d{1,4}[ T]*)?(?:\d{1,2}:\d{2}\S*)?\s*\Z")
"""A time of day, a date, or both."""
_NOT_MILLISECONDS = "write seconds, not milliseconds"

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
                self._end_wave(column, events)
        return self._tally.gave(events)

    def _take(self, raw: bytes, events: list[Event]) -> None:
        self._line += 1
        if b"\r" in raw.rstrip(b"\r"):
            raise self._error("", "lines that end in CR alone", "save the file with line ends LF or CRLF")
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
            mend = "give every row a cell for each column, empty when missing"
            raise self._error("", what, mend if cells[-1].strip() else f"{mend}, and no comma at its end")
        self._read_row(cells, events)
        self._tally.framed()

    def _cells(self, raw: bytes) -> list[str]:
        try:
            text = raw.decode("utf-8-sig" if self._line == 1 else "utf-8")
        except UnicodeDecodeError as error:
            what = f"byte {error.start + 1} (0x{raw[error.start]:02x}) is not UTF-8"
            raise self._error("", what, "save the file as UTF-8") from error
        text = text.strip("\r\n")
        if not text.strip():
            return []
        for sign, called in ((";", "semicolons"), ("\t", "tabs")):
            if sign in text and any(sign in cell.strip() for cell in text.split(",")):
                mend = "save the file with commas between the columns and decimal points"
                raise self._error("", f"columns separated by {called}", mend)
        return self._unquoted(text) if '"' in text else text.split(",")

    def _unquoted(self, text: str) -> list[str]:
        cells: list[str] = []
        end, comma = 0, True
        while comma:
            found = _CELL.match(text, end)
            if not found:
                place = self._columns[len(cells)] if len(cells) < len(self._columns) else str(len(cells) + 1)
                raise self._error(place, "a quote that does not close in its cell", "delete the quotes")
            cells.append(found["quoted"] if found["plain"] is None else found["plain"])
            end, comma = found.end(), found[0].endswith(",")
        return cells

    def _read_header(self, cells: list[str]) -> None:
        names = [cell.strip() for cell in cells]
        known = [TIME, *CHANNELS]
        for at, name in enumerate(names):
            if not name:
                last = at == len(names) - 1
                mend = "delete the comma at the end of every line" if last else "name it or delete it"
                raise self._error(str(at + 1), "a column without a name", mend)
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
        t_s = self._time(cells)
        self._last_t = t_s
        for column in self._readers:
            value = self._number(cells, column.at)
            if isinstance(column, WaveColumn) and value is not None and t_s - column.last_s < MIN_STEP_S:
                what = f"two samples less than {MIN_STEP_S:g} s apart"
                raise self._error(self._columns[column.at], what, "write t_s with all its decimals")
            column.read(t_s, value, events)

    def _time(self, cells: list[str]) -> float:
        t_s, last_s = self._number(cells, self._time_at), self._last_t
        if t_s is None:
            raise self._error(TIME, "a row without a time", "give its seconds, or delete the line")
        if abs(t_s) > MAX_T_S:
            raise self._error(TIME, f"{t_s:.15g} s is beyond {MAX_T_S:g} s", _NOT_MILLISECONDS)
        if t_s < last_s:
            what = f"time goes back from {last_s:.15g} to {t_s:.15g} s"
            raise self._error(TIME, what, "sort the rows by t_s")
        if math.isfinite(last_s) and t_s - last_s > MAX_STEP_S:
            what = f"time leaps by more than a day, from {last_s:.15g} to {t_s:.15g} s"
            raise self._error(TIME, what, f"{_NOT_MILLISECONDS}, and one case a file")
        return t_s

    def _end_wave(self, column: WaveColumn, events: list[Event]) -> None:
        if column.lone:
            what = "the only sample of its wave has no rate"
            raise self._error(self._columns[column.at], what, "add its neighbours or delete it")
        column.end(events)

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
            raise self._error(self._columns[at], what, _mend_number(self._columns[at], cell))
        return value

    def _error(self, column: str, what: str, mend: str) -> InputError:
        shown = "".join(sign if sign.isprintable() else "?" for sign in column[:40])
        place = f", column {shown}" if column else ""
        return InputError(f"{self._name}: line {self._line}{place}: {what}; {mend}")


def _mend(name: str, known: list[str]) -> str:
    near = _OTHER_WORDS.get(name.upper()) or next(
        iter(difflib.get_close_matches(name.upper(), known, n=1)), None
    )
    return f"did you mean {near}?" if near else f"the columns are {TIME} and {', '.join(CHANNELS)}"


def _mend_number(column: str, cell: str) -> str:
    if column == TIME:
        return "write seconds from the start" if _CLOCK.match(cell) else "write its seconds as a number"
    if "," in cell:
        return "write a decimal point"
    return "leave the cell empty when the value is missing"
