"""A virtual Mindray monitor that is queried (Patient Data Share, HL7 2.3.1), whom MindrayPdsSession asks.

    QRY^R02 comes          ORF^R04 with MSA|AA|1203; then, as often as asked for, what was asked for:
    ORU^R01, MSH-10 204    periodic values, without units and time; -100 for one that it does not have
    ORU^R01, MSH-10 503    cuff pressures, each with the time of its measurement (OBX-14)
    ORU^R01, MSH-10 54     physiological alarms: those in `alarms`
    ORU^R01, MSH-10 106    the echo, once a second, query or not

A client that sends nothing for HANG_UP_S is hung up on, and its query is forgotten. To order: `demonstrate`
(MSH-11 T), `refusing` (it hangs up and takes no call), `restart` (query forgotten, its clock begins anew).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

from barocast.plugin.virtual.monitor import Link
from barocast.plugin.virtual.uptime import Uptime
from barocast.runtime.decoders.hl7_codes import ABSENT, NUMERIC
from barocast.runtime.decoders.mllp import Block, MllpDeframer, wrap

if TYPE_CHECKING:
    from barocast.plugin.virtual.source import Source

ECHO_S: Final = 1.0
FASTEST_S: Final = 1.0
"""Between two tellings, whatever is asked for."""
HANG_UP_S: Final = 10.0
"""Without a word of the client's."""
VALUES: Final = "1"
"""What a QRF can ask for."""
ALARMS: Final = "3"
_IDS: Final = {target.channel: code for code, target in NUMERIC["MINDRAY"].items()}
_QRF: Final = re.compile(rb"QRF\|MON\|{4}[^|^]*\^(\d+)\^(\d+)\^([01])\^([\d&]*)")
_GROUP: Final = 2101
"""OBX-4 of a periodic value: the module, which nobody needs."""


@dataclass(frozen=True, slots=True)
class _Wish:
    """One QRF."""

    what: str
    every_s: float
    ids: frozenset[str] | None
    """None: all."""

    def holds(self, what: str, code: str = "") -> bool:
        """Whether this is asked for."""
        return self.what == what and (self.ids is None or code in self.ids)


class VirtualPds:
    """One monitor (monitor.VirtualMonitor, HasDemo, HasLink)."""

    def __init__(
        self, source: Source, *, started: datetime = datetime(2026, 1, 1, tzinfo=timezone.utc)
    ) -> None:
        self._source = source
        self._started = started
        self._deframer = MllpDeframer()
        self._wishes: tuple[_Wish, ...] = ()
        self._processing = "P"
        self._on = Uptime()
        self._booted_s = 0.0
        """When it was started last, in the patient's seconds."""
        self._heard_s: float | None = None
        self._echo_at_s = -math.inf
        self._tell_at_s = -math.inf
        self._cuff: tuple[dict[str, float], datetime] = ({}, started)
        """The last cuff pressures, and when they were measured."""
        self.refusing = False
        self.alarms: list[str] = []
        """OBX-5 of each that is active, such as `10172^**Art-Mean TOO HIGH`."""
        self.queries = 0
        """Queries that came."""

    def receive(self, data: bytes, now_s: float) -> bytes:
        """Take echoes and queries; a query is answered at once."""
        answers = b""
        for found in self._deframer.feed(data):
            self._heard_s = now_s
            if isinstance(found, Block) and b"|QRY^R02|" in found.payload:
                answers += self._begin(found.payload, now_s)
        return answers

    def due(self, now_s: float) -> bytes:
        """Give the echo, and what was asked for."""
        t_s = self._on.at(now_s)
        said = b""
        if now_s >= self._echo_at_s:
            self._echo_at_s = now_s + ECHO_S
            said += self._sent("106", [])
        if self._wishes and now_s >= self._tell_at_s:
            self._tell_at_s = now_s + min(wish.every_s for wish in self._wishes)
            said += self._told(t_s)
        return said

    def demonstrate(self, *, on: bool) -> None:
        """Enter or leave the training mode."""
        self._processing = "T" if on else "P"

    def link(self, now_s: float) -> Link:
        """Give the state of the line; a client that went silent is hung up on."""
        if self._heard_s is not None and now_s - self._heard_s >= HANG_UP_S:
            self._forget()
            return Link.SHUT
        return Link.SHUT if self.refusing else Link.UP

    def restart(self, now_s: float) -> None:
        """Begin again with the time of the first start; the patient is the same."""
        self._booted_s = self._on.at(now_s)
        self._forget()

    def _forget(self) -> None:
        self._wishes, self._heard_s, self._deframer = (), None, MllpDeframer()

    def _begin(self, query: bytes, now_s: float) -> bytes:
        self.queries += 1
        self._wishes = tuple(_wish(*found) for found in _QRF.findall(query))
        self._tell_at_s = now_s
        return self._sent("1203", ["MSA|AA|1203"], kind="ORF^R04")

    def _told(self, t_s: float) -> bytes:
        values = {_IDS[name]: value for name, value in self._source.numerics(t_s).items() if name in _IDS}
        wished = {code: value for code, value in values.items() if self._wished(VALUES, code)}
        cuff = {code: value for code, value in wished.items() if _is_cuff(code)}
        if cuff != self._cuff[0]:
            self._cuff = (cuff, self._started + timedelta(seconds=t_s - self._booted_s))
        told = self._sent("204", [_row(code, value) for code, value in wished.items() if code not in cuff])
        if cuff:
            stamp = f"||APERIODIC|{self._cuff[1]:%Y%m%d%H%M%S}"
            told += self._sent("503", [_row(code, value) + stamp for code, value in cuff.items()])
        if self._wished(ALARMS):
            told += self._sent("54", [f"OBX||CE|2|1|{alarm}||||||F" for alarm in self.alarms])
        return told

    def _wished(self, what: str, code: str = "") -> bool:
        return any(wish.holds(what, code) for wish in self._wishes)

    def _sent(self, message_id: str, rows: list[str], kind: str = "ORU^R01") -> bytes:
        header = rf"MSH|^~\&|||||||{kind}|{message_id}|{self._processing}|2.3.1|"
        return wrap("".join(line + "\r" for line in (header, *rows)).encode())


def _wish(what: bytes, every: bytes, whole: bytes, ids: bytes) -> _Wish:
    named = None if whole == b"1" else frozenset(ids.decode().split("&"))
    return _Wish(what.decode(), max(float(every), FASTEST_S), named)


def _is_cuff(code: str) -> bool:
    return NUMERIC["MINDRAY"][code].channel.startswith("NIBP_")


def _row(code: str, value: float) -> str:
    shown = ABSENT["MINDRAY"] if math.isnan(value) else value
    return f"OBX||NM|{code}^{NUMERIC['MINDRAY'][code].channel}|{_GROUP}|{shown:g}||||||F"
