"""The realtime bytes of MEDIBUS, bit 7 set, to wave chunks. They may stand between any two ASCII bytes.

    1101 ssss              sync: a group begins; s: which of streams 1-4 have a value in it
    1100 cccc  1100 aaaa   sync command and argument: c 4 (5): streams 5-8 (9-12) with a value; F: damaged
    10 llllll  10 hhhhhh   value = h << 6 | l, one pair per stream, in order
Which trace a stream carries is what the host last configured; the device does not repeat it. So values are
dropped until `expect` says, and never guessed. A device's value x of 0 to `bins` is low + x (high - low) /
bins; larger ones are NaN. Chunks hold CHUNK values, fewer where damage or a new configuration ends them;
the bytes tell no time.

Source: Draeger, MEDIBUS Protocol Definition, "Realtime data".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.runtime.decoders.medibus_codes import TRACES
from barocast.runtime.decoders.units import to_canonical
from barocast.runtime.domain import Corrupt, WaveChunk
from barocast.runtime.tracks import CHANNELS

if TYPE_CHECKING:
    from barocast.runtime.domain import Event

MAX_STREAMS: Final = 12
CHUNK: Final = 16
"""Values a chunk: half a second of a capnogram."""
REASON: Final = "realtime"
"""Of Corrupt: bytes outside a group, half a pair, or a value too many, up to the next sync."""
MAX_LOST: Final = 1024
"""Bytes. A longer damage is told in pieces."""

_SYNC, _COMMAND, _VALUE = 0xD0, 0xC0, 0x80
_MORE_STREAMS: Final = {0xC4: 4, 0xC5: 8}
_DAMAGED: Final = 0xCF
_TRACE: Final = re.compile(r"([0-9A-F]{2})([ \d]{8})([ \d.-]{5})([ \d.-]{5})([0-9A-F]{3})")
TRACE_LENGTH: Final = 23


@dataclass(frozen=True, slots=True)
class Trace:
    """One trace that a device offers."""

    code: int
    """TRACES."""
    interval_us: int
    low: float
    """At 0."""
    high: float
    """At `bins`."""
    bins: int


@dataclass(frozen=True, slots=True)
class Stream:
    """One trace as the host asked for it: every `multiplier`-th value."""

    trace: Trace
    multiplier: int

    @property
    def rate_hz(self) -> float:
        """Values per second."""
        return 1e6 / (self.trace.interval_us * self.multiplier)


def traces(text: str) -> tuple[Trace, ...] | None:
    """Read the answer to REALTIME_CONFIGURATION, None when it is not one."""
    if len(text) % TRACE_LENGTH:
        return None
    items = [_TRACE.fullmatch(text[at : at + TRACE_LENGTH]) for at in range(0, len(text), TRACE_LENGTH)]
    found = [_trace(item) for item in items if item is not None]
    offered = [trace for trace in found if trace is not None]
    return tuple(offered) if len(offered) == len(items) else None


def _trace(item: re.Match[str]) -> Trace | None:
    code, interval, low, high, bins = item.groups()
    try:
        trace = Trace(int(code, 16), int(interval), _number(low), _number(high), int(bins, 16))
    except ValueError:
        return None
    return trace if trace.interval_us > 0 and trace.bins > 0 else None


def _number(text: str) -> float:
    """Read `-  10`: the sign stands left, blanks between."""
    return float(text.replace(" ", ""))


class Realtime:
    """The realtime half of one device's stream."""

    def __init__(self) -> None:
        self._streams: tuple[Stream, ...] = ()
        self._values: list[list[float]] = []
        self._group: list[int] | None = None
        """Streams whose value is still to come; None outside a group."""
        self._damaged = False
        self._half: tuple[int, int] | None = None
        """First byte of a pair, and its offset."""
        self._lost_at = self._lost = 0
        """Where damage began, and bytes given up since then that are not yet told."""

    def expect(self, streams: tuple[Stream, ...]) -> list[Event]:
        """Tell what the host has configured, stream 1 first; give what is left of before."""
        events = self.flush()
        self._streams, self._values = streams[:MAX_STREAMS], [[] for _ in streams[:MAX_STREAMS]]
        self._group = self._half = None
        return events

    def feed(self, data: bytes, offsets: range) -> list[Event]:
        """Take realtime bytes, each with its offset in the stream; give what they complete."""
        events: list[Event] = []
        for octet, offset in zip(data, offsets, strict=True) if self._streams else ():
            if octet & 0xF0 == _SYNC:
                self._begin(octet, events)
            elif self._group is None or not self._take(octet, offset, events):
                self._lose(offset, events)
        return events

    def flush(self) -> list[Event]:
        """Give the chunks that are begun, and tell what was lost."""
        events = [event for at, values in enumerate(self._values) if values for event in self._chunk(at)]
        if self._lost:
            events.append(Corrupt(self._lost_at, self._lost, REASON))
        self._lost = 0
        return events

    def _begin(self, sync: int, events: list[Event]) -> None:
        if self._half is not None:
            self._lose(self._half[1], events)
        if self._lost:
            events += self.flush()
        self._group = [at for at in range(4) if sync >> at & 1]
        self._half, self._damaged = None, False

    def _lose(self, offset: int, events: list[Event]) -> None:
        """Give up a byte, and what follows up to the next sync."""
        if not self._lost:
            events += self.flush()
            self._lost_at = offset
        self._lost += 1
        self._group = self._half = None
        if self._lost == MAX_LOST:
            events += self.flush()

    def _take(self, octet: int, offset: int, events: list[Event]) -> bool:
        """Take one byte of a group; say whether it had a place."""
        if self._half is None:
            self._half = octet, offset
            return octet & 0xF0 == _COMMAND or octet & 0xC0 == _VALUE
        (first, _), self._half = self._half, None
        if first & 0xF0 == _COMMAND:
            return self._command(first, octet)
        return octet & 0xC0 == _VALUE and self._value(first & 0x3F | (octet & 0x3F) << 6, events)

    def _command(self, command: int, argument: int) -> bool:
        if self._group is not None and command in _MORE_STREAMS:
            self._group += [_MORE_STREAMS[command] + at for at in range(4) if argument >> at & 1]
        self._damaged |= command == _DAMAGED
        return argument & 0xF0 == _COMMAND

    def _value(self, count: int, events: list[Event]) -> bool:
        at = self._group.pop(0) if self._group else MAX_STREAMS
        if at >= len(self._streams):
            return False
        trace = self._streams[at].trace
        value = trace.low + count * (trace.high - trace.low) / trace.bins
        self._values[at].append(np.nan if self._damaged or count > trace.bins else value)
        if len(self._values[at]) == CHUNK:
            events += self._chunk(at)
        return True

    def _chunk(self, at: int) -> list[Event]:
        stream, values = self._streams[at], np.array(self._values[at])
        self._values[at] = []
        code = stream.trace.code
        unit, channel = TRACES.get(code, ("", None))
        scale = to_canonical(channel, unit) if channel else None
        if channel and scale:
            values, unit = values * scale[0] + scale[1], CHANNELS[channel].unit
        return [WaveChunk(channel, f"RT/{code:02X}", None, stream.rate_hz, values, unit)]
