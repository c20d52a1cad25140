"""OBX segments to what they say: numbers as Samples, waves with the rows that explain them, and the others.

    OBX|set|type|code|path|value|unit|range|flags|||status|||time|...
        1   2    3    4    5     6    7     8       11       14
The set id (1) is often empty or repeated and means nothing here. Time: OBX-14, else the OBR-7 above it,
else MSH-7, else none. A row whose status says that there is no result is missing, whatever it carries;
some gateways flag every row X, values too: `valued_x` says to take those.

A gateway repeats the same rows with other values, so a Term is read once and remembered, as a number is.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from barocast.runtime.decoders.hl7_term import remember, terms_of
from barocast.runtime.decoders.hl7_time import Times
from barocast.runtime.domain import Reason, Sample

if TYPE_CHECKING:
    from barocast.runtime.decoders.hl7_message import Message
    from barocast.runtime.decoders.hl7_term import Term

MAX_MAGNITUDE: Final = 1e12
"""Of a value in any unit; what is larger is damage, and arithmetic on it overflows."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", re.ASCII)
_NULL = '""'  # HL7's explicit null
_NO_NUMBER: Final = (math.nan, Reason.CODE)
_MISSING: Final = (math.nan, Reason.MISSING)


class _Numbers(dict[str, "tuple[float, Reason | None]"]):
    """What a value's text says: read once, and remembered while there is room."""

    def __missing__(self, text: str) -> tuple[float, Reason | None]:
        return remember(self, text, _read_number(text), len(text))


_NUMBERS = _Numbers()


class Row(NamedTuple):
    """One OBX that is more than a number."""

    term: Term
    value: str
    t_s: float | None
    """Epoch seconds."""
    end_s: float | None
    """OBR-8: where a wave's stretch ends."""


@dataclass(frozen=True, slots=True)
class Wave:
    """An NA row and the rows that explain it."""

    row: Row
    facets: dict[str, Row] = field(default_factory=dict)

    def facet(self, name: str) -> float:
        """Give a facet's number, NaN without one."""
        return number(self.facets[name].value)[0] if name in self.facets else math.nan


class Told:
    """What the rows of a message say, each kind in order."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self.terms: list[Term] = []
        """Of the samples."""
        self.waves: list[Wave] = []
        self.others: list[Row] = []
        self._by_path: dict[str, Wave] = {}
        self._ahead: dict[str, dict[str, Row]] = {}
        """Path of a wave that has not come yet -> its facets."""

    @property
    def astray(self) -> int:
        """How many facets explain a wave that is not in the message, though others are."""
        return sum(map(len, self._ahead.values())) if self.waves else 0

    def wave(self, row: Row) -> None:
        """Take an NA row."""
        path = row.term.path
        self.waves.append(Wave(row, self._ahead.pop(path, {})))
        if path:
            self._by_path[path] = self.waves[-1]

    def explains(self, name: str, row: Row) -> bool:
        """Put a facet on its wave; False for a row that stands by itself so far.

        By its path, for the scale of another wave makes false pressures; only one without is the last wave's.
        """
        path, parent = row.term.path, row.term.parent
        wave = self._by_path.get(parent or path)
        if wave is None and not parent and self.waves:
            wave = self.waves[-1]
        if wave is not None:
            wave.facets[name] = row
        elif parent:
            self._ahead.setdefault(parent, {})[name] = row
        return wave is not None


def read(message: Message, *, valued_x: bool, training: bool) -> Told:
    """Read the OBX, each with the time that holds for it.

    Rows without type and value are left out: they tell the containment, which OBX-4 tells as well.
    """
    known_terms = terms_of(message.separators.component, mindray=_may_be_mindray(message))
    times = Times(message.header.field(7))
    known, t_s = "", times.of("")
    told = Told()
    for fields in message.body:
        value = fields[5]
        if fields[0] == "OBR":
            times.group(fields[7], fields[8])
            known, t_s = "", times.of("")
        elif (value or fields[2]) and fields[0] == "OBX":
            if fields[14] != known:  # most rows of a message repeat one stamp
                known, t_s = fields[14], times.of(fields[14])
            term = known_terms[fields[2], fields[3], fields[4], fields[6], fields[11]]
            if term.kind == "NA":
                told.wave(Row(term, value, t_s, times.ended_s))
            elif term.facet and told.explains(term.facet, Row(term, value, t_s, times.ended_s)):
                continue
            elif term.kind == "NM" or (not term.kind and value.strip()):
                told.terms.append(term)
                told.samples.append(_sample(term, value, t_s, valued_x=valued_x, training=training))
            else:
                told.others.append(Row(term, value, t_s, times.ended_s))
    return told


def number(text: str) -> tuple[float, Reason | None]:
    """Read a value: blanks and thousands commas dropped; NaN and why when it is not a number."""
    return _NUMBERS[text]


def _sample(term: Term, text: str, t_s: float | None, *, valued_x: bool, training: bool) -> Sample:
    """Give a row's number in its channel's unit, or as it came when it has no channel."""
    value, reason = _NUMBERS[text]
    unit = term.unit
    if not term.direct:
        value, unit, reason = _converted(term, value, reason, valued_x=valued_x)
    elif reason is None and not term.low <= value <= term.high:
        reason = Reason.RANGE
    if training and reason is None:
        reason = Reason.TEST
    return Sample(term.channel, term.code, t_s, value, unit, reason is None, reason)


def _converted(
    term: Term, value: float, reason: Reason | None, *, valued_x: bool
) -> tuple[float, str, Reason | None]:
    """Give a number that is not to be taken as it stands, in which unit it is, and what forbids it."""
    if term.no_result and not (valued_x and term.status == "X" and reason is None):
        value, reason = _MISSING
    elif value == term.absent:
        value, reason = _NO_NUMBER
    if reason is not None or term.channel is None:
        return value, term.unit, reason
    if term.scale is None:
        return value, term.told_unit, Reason.UNIT
    value = value * term.scale[0] + term.scale[1]
    return value, term.unit, None if term.low <= value <= term.high else Reason.RANGE


def _read_number(text: str) -> tuple[float, Reason | None]:
    plain = "".join(text.split())
    if plain in ("", _NULL):
        return _MISSING
    if _GROUPED.fullmatch(plain):
        plain = plain.replace(",", "")
    value = float(plain) if _NUMBER.fullmatch(plain) else math.nan
    return (value, None) if abs(value) <= MAX_MAGNITUDE else _NO_NUMBER


def _may_be_mindray(message: Message) -> bool:
    sender = message.header.field(3) + message.header.field(4)
    return not sender or "MINDRAY" in sender.upper()
