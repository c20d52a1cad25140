"""Pulse oximeters that print a line a second: Masimo ASCII 1 (Rad, Radical) and Nonin's printer format.

    MM/DD/YY HH:MM:SS SN=0000000000 SPO2=098% BPM=064 PI=11.82% DESAT=-- # PIDELTA=+-- ALARM=0000 EXC=000000
    SPO2=098 HR=064
In: any bytes in any chunking. Out: a Sample of every measurement in FIELDS that a line holds, in its order,
and Corrupts `line` or `too long`. The line has no checksum: it must fit the grammar to the letter (SpO2 and
rate have exactly three places), which finds lost bytes but not a digit turned into another.

Dashes are NaN and `missing`. EXC is a set of bits; what each means for the values is EXCEPTIONS: those that
leave the values standing are low perfusion (000004), Masimo SET (000800), the two "life expired" bits
(002000 cable, 040000 sensor) and low confidence in SpCO (200000) and SpMet (400000). `t_s` is the
oximeter's own clock, which knows no time zone and is read as UTC; Nonin prints none.

Source: Masimo Rad-8 and Radical-7 operator's manuals, "Serial interface"; Nonin 9840 operator's manual.
"""

from __future__ import annotations

import math
import re
from datetime import datetime, timezone
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from barocast.runtime.decoders.tally import Tally
from barocast.runtime.domain import Corrupt, Reason, Sample
from barocast.runtime.tracks import plausible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from barocast.runtime.domain import Event, FeedCounts

MAX_LINE: Final = 256
"""Bytes. The fullest line, a Radical-7's, has 135; more without an end is no such line."""

FIELDS: Final[Mapping[str, tuple[str | None, str]]] = MappingProxyType(
    {
        "SPO2": ("SPO2", "%"),
        "BPM": ("PR", "1/min"),
        "HR": ("PR", "1/min"),
        "PI": (None, "%"),
        "SPCO": (None, "%"),
        "SPMET": (None, "%"),
        "DESAT": (None, "1"),
        "PIDELTA": (None, "1"),
        "PVI": (None, "1"),
    }
)
"""Field -> (channel, unit). Nonin's HR is a pulse rate too."""

EXCEPTIONS: Final = (
    (0x000001, Reason.DISCONNECTED),  # no sensor
    (0x000020, Reason.DISCONNECTED),  # sensor off the patient
    (0x001000, Reason.DISCONNECTED),  # no cable
    (0x020000, Reason.CALIBRATING),  # sensor calibrating
    (0x000008, Reason.UNAVAILABLE),  # pulse search
    (0x000002, Reason.INVALID),  # defective sensor
    (0x000010, Reason.INVALID),  # interference
    (0x000040, Reason.INVALID),  # ambient light
    (0x000080, Reason.INVALID),  # unrecognized sensor
    (0x000100, Reason.INVALID),  # incompatible sensor
    (0x000400, Reason.INVALID),  # low signal IQ
    (0x004000, Reason.INVALID),  # incompatible cable
    (0x008000, Reason.INVALID),  # unrecognized cable
    (0x010000, Reason.INVALID),  # defective cable
    (0x080000, Reason.INVALID),  # emitter temperature out of range
    (0x100000, Reason.INVALID),  # sensor current limit exceeded
)
"""Bit of EXC -> why the values must not be used; of several the first."""

_VALUE: Final = r"[+-]?(?:\d{1,3}(?:\.\d{1,2})?|-{1,5}|-{1,3}\.-{1,2})%?"
_LINE: Final = re.compile(
    rf"(?:(?P<time>\d\d/\d\d/\d\d \d\d:\d\d:\d\d) +)?(?:SN=[0-9-]{{1,12}} +)?"
    rf"SPO2=(?:\d{{3}}|---)%? +(?:BPM|HR)=(?:\d{{3}}|---)"
    rf"(?: +(?:#|(?:PI|SPCO|SPMET|DESAT|PIDELTA|PVI)={_VALUE}))*"
    r"(?: +ALARM=[0-9A-F]{2,6})?(?: +EXC=(?P<exc>[0-9A-F]{3,6}))? *",
    re.ASCII,
)
_FIELD: Final = re.compile(rf"({'|'.join(FIELDS)})=([^ %]*)")


class MasimoDecoder:
    """One oximeter's stream (runtime.sessions.session.Decoder)."""

    def __init__(self) -> None:
        self._tally = Tally()
        self._rest = b""
        self._at = 0
        """Offset in the stream of the first byte of `_rest`."""

    @property
    def counts(self) -> FeedCounts:
        """What was seen so far; frames are lines."""
        return self._tally.counts

    def feed(self, data: bytes) -> list[Event]:
        """Take the next bytes; give the samples of the lines they complete."""
        self._tally.took(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        events = [event for line in lines for event in self._line(line, ended=True)]
        while len(self._rest) > MAX_LINE:
            events.append(self._given_up(MAX_LINE))
        return self._tally.gave(events)

    def close(self) -> list[Event]:
        """Read the last line, which need not end in a line end."""
        rest, self._rest = self._rest, b""
        return self._tally.gave(list(self._line(rest, ended=False)))

    def _given_up(self, length: int) -> Corrupt:
        corrupt = Corrupt(self._at, length, "too long")
        self._rest = self._rest[length:]
        self._at += length
        return corrupt

    def _line(self, raw: bytes, *, ended: bool) -> Iterator[Event]:
        offset, self._at = self._at, self._at + len(raw) + ended
        while len(raw) > MAX_LINE:
            yield Corrupt(offset, MAX_LINE, "too long")
            offset, raw = offset + MAX_LINE, raw[MAX_LINE:]
        text = raw.strip(b"\r\0 ").decode("ascii", errors="replace")
        if not text:
            return
        found = _LINE.fullmatch(text)
        if found is None:
            yield Corrupt(offset, len(raw), "line")
            return
        self._tally.framed()
        yield from _samples(text, found["time"], int(found["exc"] or "0", 16))


def _samples(text: str, time: str | None, exceptions: int) -> Iterator[Sample]:
    t_s = _epoch_s(time)
    excepted = next((reason for bit, reason in EXCEPTIONS if exceptions & bit), None)
    for code, shown in _FIELD.findall(text):
        channel, unit = FIELDS[code]
        value, reason = _value(shown)
        reason = reason or excepted or _range(channel, value)
        yield Sample(channel, code, t_s, value, unit, reason is None, reason)


def _value(shown: str) -> tuple[float, Reason | None]:
    return (math.nan, Reason.MISSING) if shown.endswith("-") else (float(shown), None)


def _range(channel: str | None, value: float) -> Reason | None:
    return None if channel is None or plausible(channel, value) else Reason.RANGE


def _epoch_s(text: str | None) -> float | None:
    """Give seconds since 1970, None for a date that does not exist."""
    try:
        return datetime.strptime(text or "", "%m/%d/%y %H:%M:%S").replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        return None
