"""OBX segments to rows with their time, and one row's number to a Sample.

    OBX|set|type|code|path|value|unit|range|flags|||status|||time|...
        1   2    3    4    5     6    7     8       11       14
The set id (1) is often empty or repeated and means nothing here. Time: OBX-14, else the OBR-7 above it,
else MSH-7, else none. A row whose status says that there is no result is missing, whatever it carries;
some gateways flag every row X, values too: `valued_x` says to take those.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import timezone
from typing import TYPE_CHECKING

from barocast.runtime.decoders import hl7_codes, units
from barocast.runtime.decoders.hl7_time import epoch_s, zone_of
from barocast.runtime.domain import Reason, Sample
from barocast.runtime.tracks import CHANNELS, plausible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from barocast.runtime.decoders.hl7_codes import Coded
    from barocast.runtime.decoders.hl7_message import Message, Segment
    from barocast.runtime.decoders.target import Target

NO_RESULT = frozenset({"X", "N", "D", "W"})
"""HL7 table 0085: cannot be obtained, not asked for, deleted, wrong."""
MAX_MAGNITUDE = 1e12
"""Of a value in any unit; what is larger is damage, and arithmetic on it overflows."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", re.ASCII)
_NULL = '""'  # HL7's explicit null
_MDIL_UNIT = re.compile(r"([0-9a-f]{4})-([0-9a-f]{4})")


@dataclass(frozen=True, slots=True)
class Row:
    """One OBX."""

    kind: str
    """OBX-2: `NM`, `NA`, `TX`, ..."""
    coded: Coded
    path: str
    """OBX-4, the containment path, such as `1.13.1.1`; with it a code is unique."""
    value: str
    unit: str | None
    """A name of `units`, None when unknown."""
    unit_text: str
    """What the feed wrote."""
    status: str
    t_s: float | None
    """Epoch seconds."""
    end_s: float | None
    """OBR-8: where a wave's stretch ends."""

    @property
    def place(self) -> str:
        """The channel part of the path, sortable; empty when the path is not dotted."""
        parts = self.path.split(".")
        return ".".join(part.zfill(4) for part in parts[:3]) if len(parts) > 3 else ""  # noqa: PLR2004 - MDS, VMD, channel


def rows(message: Message) -> Iterator[Row]:
    """Give every OBX in order, each with the time that holds for it."""
    header = message.header
    zone = zone_of(header.field(7)) or timezone.utc
    sent = epoch_s(header.field(7))
    started, ended = sent, None
    mindray = _may_be_mindray(message)
    for segment in message.segments[1:]:
        if segment.name == "OBR":
            started, ended = epoch_s(segment.field(7), zone), epoch_s(segment.field(8), zone)
            started = sent if started is None else started
        elif segment.name == "OBX":
            t_s = epoch_s(segment.field(14), zone)
            yield _row(message, segment, started if t_s is None else t_s, ended, mindray=mindray)


def number(text: str) -> tuple[float, Reason | None]:
    """Read a value: blanks and thousands commas dropped; NaN and why when it is not a number."""
    plain = "".join(text.split())
    if plain in ("", _NULL):
        return math.nan, Reason.MISSING
    if _GROUPED.fullmatch(plain):
        plain = plain.replace(",", "")
    value = float(plain) if _NUMBER.fullmatch(plain) else math.nan
    return (value, None) if abs(value) <= MAX_MAGNITUDE else (math.nan, Reason.CODE)


def sample(row: Row, target: Target | None, *, valued_x: bool, training: bool) -> Sample:
    """Give the row's number in its channel's unit, or as it came when it has no channel."""
    value, reason = number(row.value)
    if row.status in NO_RESULT and not (valued_x and row.status == "X" and reason is None):
        value, reason = math.nan, Reason.MISSING
    unit = row.unit or row.unit_text
    if target is not None:
        value, unit, reason = _canonical(row, target.channel, value, reason)
    if reason is None and training:
        reason = Reason.TEST
    channel = target.channel if target is not None else None
    return Sample(channel, row.coded.code, row.t_s, value, unit, reason is None, reason)


def _canonical(
    row: Row, channel: str, value: float, reason: Reason | None
) -> tuple[float, str, Reason | None]:
    wanted = CHANNELS[channel].unit
    if reason is not None:
        return value, wanted, reason
    unit = wanted if row.coded.system in hl7_codes.UNITLESS_SYSTEMS and not row.unit_text else row.unit
    scale = units.to_canonical(channel, unit)
    if scale is None:
        return value, row.unit or row.unit_text, Reason.UNIT
    value = value * scale[0] + scale[1]
    return value, wanted, None if plausible(channel, value) else Reason.RANGE


def _row(message: Message, segment: Segment, t_s: float | None, end_s: float | None, *, mindray: bool) -> Row:
    unit = message.components(segment.field(6))
    return Row(
        kind=segment.field(2).upper(),
        coded=hl7_codes.identify(message.components(segment.field(3)), mindray=mindray),
        path=segment.field(4),
        value=segment.field(5),
        unit=_unit(unit),
        unit_text=next((part for part in (*unit[1:2], unit[0]) if part), ""),
        status=segment.field(11).upper(),
        t_s=t_s,
        end_s=end_s,
    )


def _unit(components: list[str]) -> str | None:
    code = components[0].lower()
    hexadecimal = _MDIL_UNIT.fullmatch(code)
    if hexadecimal:
        return units.BY_MDC.get(int(hexadecimal[1] + hexadecimal[2], 16))
    if code.isascii() and code.isdigit() and len(code) == len("266016"):
        return units.BY_MDC.get(int(code))
    return next((unit for text in components[:2] if (unit := units.unit_of_text(text))), None)


def _may_be_mindray(message: Message) -> bool:
    sender = message.header.field(3) + message.header.field(4)
    return not sender or "MINDRAY" in sender.upper()
