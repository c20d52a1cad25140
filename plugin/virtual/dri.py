"""A GE/Datex-Ohmeda monitor to talk to over DRI serial: the other side of runtime.sessions.dri, sans-IO.

It sends nothing until it is asked, then displayed values at the interval wanted and the waves wanted once
a second, and goes on until told to stop; trends come only once displayed values were asked for. As real
ones do it stamps everything with whole seconds, cuts its waves where its clock happens to fall (a packet
of 101 samples now and then, the next one of 99), marks a cuff pressure of more than 60 s, gives CO2 as a
share of the ambient pressure, and drops a request for more than 600 samples/s.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from barocast.plugin.virtual.dri_objects import MonitorGroups
from barocast.plugin.virtual.uptime import Uptime
from barocast.runtime.decoders.dri_frame import Deframer, Frame, frame
from barocast.runtime.decoders.dri_physiology import BASIC, EXTENDED_1, EXTENDED_2, subrecord
from barocast.runtime.decoders.dri_record import (
    DISPLAYED,
    PHYSIOLOGY,
    REQUEST_LEVELS,
    TREND_10_S,
    TREND_60_S,
    WAVE,
    Record,
    SubRecord,
    build,
    parse,
)
from barocast.runtime.decoders.dri_request import (
    DENY_BASIC,
    EXT1,
    EXT2,
    MAX_RATE_HZ,
    ONCE,
    STOP,
    PhysiologyRequest,
    WaveRequest,
    request_of,
)
from barocast.runtime.decoders.dri_waves import WAVES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from barocast.plugin.virtual.source import Source
    from barocast.runtime.decoders.dri_physiology import Reading

LEVEL: Final = 10
STARTED_S: Final = 1_772_436_600
"""The monitor's date and time when it was switched on: 2 March 2026, 07:30."""
_TRENDS: Final = {TREND_10_S: 10, TREND_60_S: 60}
_CLASS_BITS: Final = {EXTENDED_1: EXT1, EXTENDED_2: EXT2}


@dataclass(slots=True)
class _Subscription:
    """Values being sent."""

    asked: PhysiologyRequest
    next_s: int
    """Seconds since the start at which they are due."""


class VirtualDri:
    """One monitor with one patient; `receive` and `due` give what it sends.

    `sockets` says what is plugged in where: pressure group -> label.
    """

    def __init__(
        self,
        source: Source,
        *,
        sockets: Mapping[str, str] = MappingProxyType({"P1": "ART", "P2": "CVP", "P3": "PA"}),
        started_s: int = STARTED_S,
    ) -> None:
        self._groups = MonitorGroups(source, sockets)
        self._started_s = started_s
        self._deframer = Deframer()
        self._on = Uptime()
        self._second = 0
        """Whole seconds gone by since the monitor was switched on."""
        self._values: dict[int, _Subscription] = {}
        self._waves: tuple[int, ...] = ()
        self._refusing = False
        self._numbers = {PHYSIOLOGY: 0, WAVE: 0}

    def refuse(self, *, on: bool) -> bytes:
        """Forget what was asked for and answer no request, or hear them again (monitor.CanRefuse)."""
        self._refusing = on
        if on:
            self._values, self._waves = {}, ()
        return b""

    def receive(self, data: bytes, now_s: float) -> bytes:
        """Take what the client sent; the answer comes with the next second."""
        self._on.at(now_s)
        for found in self._deframer.feed(data):
            record = parse(found.payload, REQUEST_LEVELS) if isinstance(found, Frame) else None
            if isinstance(record, Record) and not self._refusing:
                self._asked(request_of(record))
        return b""

    def due(self, now_s: float) -> bytes:
        """Give what the seconds that have passed make due."""
        out = b""
        while self._second + 1 <= self._on.at(now_s):
            self._second += 1
            out += self._wave_record() + self._value_records()
        return out

    # What the client says.

    def _asked(self, asked: PhysiologyRequest | WaveRequest | None) -> None:
        if isinstance(asked, WaveRequest):
            known = tuple(kind for kind in asked.waves if kind in WAVES)
            if sum(WAVES[kind].rate_hz for kind in known) <= MAX_RATE_HZ:
                self._waves = known
        elif asked is not None and asked.interval_s == STOP:
            self._values.pop(asked.kind, None)
        elif asked is not None and (asked.kind == DISPLAYED or DISPLAYED in self._values):
            self._values[asked.kind] = _Subscription(asked, self._second + 1)

    # What the monitor says by itself.

    def _wave_record(self) -> bytes:
        if not self._waves:
            return b""
        return self._record(
            WAVE, [SubRecord(kind, self._groups.wave(kind, self._second)) for kind in self._waves]
        )

    def _value_records(self) -> bytes:
        due = [one for one in self._values.values() if one.next_s <= self._second]
        if not due:
            return b""
        readings = self._groups.readings(self._second)
        out = b""
        for one in due:
            out += self._record(PHYSIOLOGY, self._classes(one.asked, readings))
            one.next_s += max(_TRENDS.get(one.asked.kind, one.asked.interval_s), 1)
            if one.asked.interval_s == ONCE:
                del self._values[one.asked.kind]
        return out

    def _classes(self, asked: PhysiologyRequest, readings: list[Reading]) -> list[SubRecord]:
        wanted = [] if asked.classes & DENY_BASIC else [BASIC]
        wanted += [extended for extended, bit in _CLASS_BITS.items() if asked.classes & bit]
        now = self._started_s + self._second
        return [SubRecord(asked.kind, subrecord(asked.kind, each, LEVEL, now, readings)) for each in wanted]

    def _record(self, main: int, subrecords: list[SubRecord]) -> bytes:
        if not subrecords:
            return b""
        number = self._numbers[main]
        self._numbers[main] = (number + 1) % 256
        now = self._started_s + self._second
        return frame(build(Record(main, tuple(subrecords), now, number, LEVEL)))
