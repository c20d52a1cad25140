r"""One HL7 v2 message: bytes to the segments that the bedside reads.

    MSH|^~\&|app|facility|...  CR  OBR|...  CR  OBX|...  CR         segments end in CR; LF and CRLF accepted
       123456                                                      1 field, 2-6 component, repetition,
                                                                   escape, subcomponent: as MSH-1/2 say
Charset by MSH-18; without one, an unknown one, or bytes that it cannot decode: Latin-1, which decodes
anything. Only MSH, OBR and OBX are kept: PID, PV1 and NTE hold a person's identity and end here, but for
the hashes of hl7_bed.
Some Mindray monitors send one bar too many after MSH-2; their header is moved back into place.
Messages come once a second from every bed, so a field is neither stripped nor taken apart before it is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from barocast.runtime.decoders.hl7_bed import NAMING, NOBODYS, Whose, whose

FALLBACK = "latin-1"
CHARSETS = MappingProxyType(
    {
        "ASCII": "ascii",
        "8859/1": "latin-1",
        **{f"8859/{part}": f"iso8859-{part}" for part in (2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15)},
        "UNICODE UTF-8": "utf-8",
        "UTF-8": "utf-8",
        "GB 18030-2000": "gb18030",
        "BIG-5": "big5",
        "KS X 1001": "euc-kr",
    }
)
"""HL7 table 0211 -> codec. Those that keep ASCII bytes as they are: the bars stay findable."""

MAX_HEADER = 4096
"""Bytes looked at for MSH-18; real headers have some 300."""
KEPT = frozenset({"OBR", "OBX"})
MAX_KIND = 64
"""Characters of MSH-9 that are looked at; the longest legal one has some 20."""
LAST_FIELD = 14
"""The last one that is read: OBX-14, the time of the observation."""
MAX_SEGMENTS = 8192
"""Of one message; the others are dropped. The largest snapshots have some hundreds of rows."""
_TYPE = re.compile(r"[A-Z]{3}\^[A-Z]\d\d")
_ESCAPES = "FSRET"  # field, component, repetition, escape, subcomponent: HL7 2.6 chapter 2.7


@dataclass(frozen=True, slots=True)
class Separators:
    """MSH-1 and MSH-2."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"


@dataclass(frozen=True, slots=True)
class Header:
    """MSH, numbered as HL7 numbers it: `header.field(9)` is MSH-9."""

    fields: tuple[str, ...]
    """From field 0, the segment's name; field 1 is the separator itself."""

    def field(self, number: int) -> str:
        """Give a field without its surrounding blanks, empty when absent."""
        return self.fields[number].strip() if number < len(self.fields) else ""


@dataclass(frozen=True, slots=True)
class Message:
    """A message with a usable header."""

    separators: Separators
    charset: str
    """The Python codec that decoded it."""
    header: Header
    body: list[list[str]]
    """Fields 0 to LAST_FIELD at least of the KEPT segments in order, absent ones empty, blanks kept."""
    dropped: int = 0
    """Segments beyond MAX_SEGMENTS."""
    whose: Whose = NOBODYS
    """Whose it is; tells nobody's name."""
    acknowledges: bool = False
    """It holds an MSA: it answers a message."""

    def kind(self) -> tuple[str, str]:
        """Give MSH-9: (message code, trigger event), such as ("ORU", "R01")."""
        return _kind(self.header.field(9)[:MAX_KIND], self.separators.component)


@lru_cache(maxsize=64)  # a gateway sends a few
def _kind(text: str, separator: str) -> tuple[str, str]:
    code, event, *_ = [*components(text, separator), "", ""]
    return code.upper(), event.upper()


def components(text: str, separator: str) -> list[str]:
    """Split a field, blanks around each component stripped."""
    return [part.strip() for part in text.split(separator)]


def split(payload: bytes) -> Message | None:
    """Give the message, or None where there is no header to understand the rest by."""
    payload = payload.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n\0 \t")
    separators = _separators(payload[: len("MSH|^~\\&|")])
    if separators is None:
        return None
    first = re.split(rb"[\r\n]", payload[:MAX_HEADER], maxsplit=1)[0]
    header = _header(first.decode(FALLBACK), separators)
    text, charset = _decoded(payload, header.field(18), separators)
    lines = text.replace("\n", "\r").split("\r")  # CRLF leaves an empty one
    if not first.isascii():
        header = _header(lines[0], separators)
    told = [line.lstrip() for line in lines]
    kept = [line for line in told if line[:3] in KEPT]
    naming = whose([line for line in told if line[:3] in NAMING], separators)
    answers = any(line[:3] == "MSA" for line in told)
    bars = separators.field * LAST_FIELD
    body = [(line + bars).split(separators.field, LAST_FIELD + 1) for line in kept[:MAX_SEGMENTS]]
    return Message(separators, charset, header, body, len(kept) - len(body), naming, answers)


def unescape(text: str, separators: Separators) -> str:
    r"""Replace the separators' escapes (\F\ \S\ \R\ \E\ \T\); others stay as they are."""
    signs = (
        separators.field,
        separators.component,
        separators.repetition,
        separators.escape,
        separators.subcomponent,
    )
    table = dict(zip(_ESCAPES, signs, strict=True))
    mark = re.escape(separators.escape)
    return re.sub(f"{mark}([{_ESCAPES}]){mark}", lambda found: table[found[1]], text)


@lru_cache(maxsize=16)  # of one gateway they never change
def _separators(first: bytes) -> Separators | None:
    """Read MSH-1/2: distinct printable signs; the last ones of MSH-2 may be missing."""
    head = first.decode(FALLBACK)
    if len(head) < len("MSH|^") or not head.startswith("MSH"):
        return None
    signs = head[3] + head[4:8].split(head[3])[0]
    usable = len(signs) == len(set(signs)) and all(sign > " " and not sign.isalnum() for sign in signs)
    if len(signs) < len("|^") or not usable:
        return None
    return Separators(*(signs + "|^~\\&"[len(signs) :]))


def _decoded(payload: bytes, declared: str, separators: Separators) -> tuple[str, str]:
    name = declared.split(separators.repetition, maxsplit=1)[0].strip().upper()
    charset = CHARSETS.get(name, FALLBACK)
    try:
        return payload.decode(charset), charset
    except UnicodeDecodeError:
        return payload.decode(FALLBACK), FALLBACK


def _header(line: str, separators: Separators) -> Header:
    fields = line.split(separators.field)
    fields.insert(1, separators.field)
    _realign(fields, separators)
    return Header(tuple(fields))


def _realign(header: list[str], separators: Separators) -> None:
    """Take out the empty MSH-3 of a header whose message type stands one field late."""
    late = len(header) > 10 and not header[3] and not header[9]  # noqa: PLR2004 - HL7's own field numbers
    if late and _TYPE.match(header[10].replace(separators.component, "^")):
        del header[3]
