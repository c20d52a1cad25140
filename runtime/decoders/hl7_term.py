"""What an OBX row is about, apart from its value and time: OBX-2, 3, 4, 6 and 11 -> Term.

type|code^mnemonic^system|path|unit^text^system|status  ->  channel, scale to its unit, plausible range
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from barocast.runtime.decoders import hl7_codes, units
from barocast.runtime.decoders.hl7_message import components
from barocast.runtime.tracks import CHANNELS

if TYPE_CHECKING:
    from barocast.runtime.decoders.target import Target

NO_RESULT: Final = frozenset({"X", "N", "D", "W"})
"""HL7 table 0085: cannot be obtained, not asked for, deleted, wrong."""
MAX_KNOWN: Final = 4096
"""Terms, or numbers, that are remembered; a unit of many beds sends some hundreds."""
MAX_CHARS: Final = 256
"""Of the text that one was read from: bounds what is remembered to a few megabytes."""
_MDIL_UNIT = re.compile(r"([0-9a-f]{4})-([0-9a-f]{4})")


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """The unchanging part of a row, one object however often it comes: equal to itself only."""

    kind: str
    """OBX-2: `NM`, `NA`, `TX`, ..."""
    system: str
    """As in hl7_codes.Coded."""
    code: str
    mnemonic: str
    path: str
    """OBX-4, the containment path, such as `1.13.1.1`; with it a code is unique."""
    parent: str
    """The path without its last part."""
    place: str
    """The channel part of the path, sortable; empty when the path is not dotted."""
    facet: str | None
    """What the row tells of the wave that it explains (hl7_codes.FACETS)."""
    status: str
    """OBX-11."""
    no_result: bool
    """The status says that there is none."""
    target: Target | None
    """The channel that the code claims, and its rank there."""
    channel: str | None
    """The target's."""
    unit: str
    """The channel's, once it has one, else the feed's."""
    told_unit: str
    """A name of `units`, else what the feed wrote."""
    known_unit: str | None
    """A name of `units`."""
    scale: tuple[float, float] | None
    """(factor, offset) to the channel's unit; None without a channel, or without a way there."""
    low: float
    """Lowest plausible value, in the channel's unit."""
    high: float
    absent: float
    """The number that this system sends for a value it does not have; NaN where there is none."""
    direct: bool
    """A number that the row carries is the channel's, in its unit, as it stands."""


_About: TypeAlias = "tuple[str, str, str, str, str]"
"""OBX-2, 3, 4, 6 and 11 as they stand."""
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


def remember(known: dict[_Key, _Value], key: _Key, value: _Value, chars: int) -> _Value:
    """Keep what was read from `chars` characters, if they are few; once it is too much all is forgotten."""
    if chars <= MAX_CHARS:
        if len(known) >= MAX_KNOWN:
            known.clear()
        known[key] = value
    return value


class Terms(dict[_About, Term]):
    """The terms of all rows so far: a gateway repeats them in every message, so each is read once.

    `mindray`: the sender may mean its own ids.
    """

    def __init__(self, separator: str, *, mindray: bool) -> None:
        super().__init__()
        self._separator, self._mindray = separator, mindray

    def __missing__(self, about: _About) -> Term:
        term = _read(about, self._separator, mindray=self._mindray)
        return remember(self, about, term, sum(map(len, about)))


@lru_cache(maxsize=16)
def terms_of(separator: str, *, mindray: bool) -> Terms:
    """Give the terms of senders of one kind."""
    return Terms(separator, mindray=mindray)


def _read(about: _About, separator: str, *, mindray: bool) -> Term:
    kind, code, path, unit, status = (field.strip() for field in about)
    kind, status = kind.upper(), status.upper()
    coded = hl7_codes.identify(components(code, separator), mindray=mindray)
    table = hl7_codes.WAVE if kind == "NA" else hl7_codes.NUMERIC
    target = table.get(coded.system, {}).get(coded.code)
    absent = hl7_codes.ABSENT.get(coded.system, math.nan)
    known, written = _units(components(unit, separator))
    if not written and coded.system in hl7_codes.UNITLESS_SYSTEMS and target is not None:
        known = CHANNELS[target.channel].unit
    track = CHANNELS[target.channel] if target is not None else None
    scale = units.to_canonical(track.name, known) if track is not None else None
    return Term(
        kind=kind,
        system=coded.system,
        code=coded.code,
        mnemonic=coded.mnemonic,
        path=path,
        parent=path.rpartition(".")[0],
        place=_place(path),
        facet=hl7_codes.FACETS.get(coded.mnemonic) or hl7_codes.FACETS.get(coded.code),
        status=status,
        no_result=status in NO_RESULT,
        target=target,
        channel=target.channel if target is not None else None,
        unit=track.unit if track is not None else known or written,
        told_unit=known or written,
        known_unit=known,
        scale=scale,
        low=track.low if track is not None else -math.inf,
        high=track.high if track is not None else math.inf,
        absent=absent,
        direct=scale == (1.0, 0.0) and status not in NO_RESULT and math.isnan(absent),
    )


def _place(path: str) -> str:
    """Give MDS, VMD and channel of a path that goes on to the metric."""
    parts = path.split(".", 3)
    return ".".join(part.zfill(4) for part in parts[:3]) if len(parts) > 3 else ""  # noqa: PLR2004 - and the metric


def _units(told: list[str]) -> tuple[str | None, str]:
    """Give the name of the unit that OBX-6 tells, and what the feed wrote."""
    return _unit(told), next((part for part in (*told[1:2], told[0]) if part), "")


def _unit(told: list[str]) -> str | None:
    code = told[0].lower()
    hexadecimal = _MDIL_UNIT.fullmatch(code)
    if hexadecimal:
        return units.BY_MDC.get(int(hexadecimal[1] + hexadecimal[2], 16))
    if code.isascii() and code.isdigit() and len(code) == len("266016"):
        return units.BY_MDC.get(int(code))
    return next((unit for text in told[:2] if (unit := units.unit_of_text(text))), None)
