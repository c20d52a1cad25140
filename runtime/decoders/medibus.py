"""Draeger MEDIBUS: serial bytes to samples of ventilation, gases and monitoring.

    answers to 24 and 2B (hex): items of 6 characters: code (2 hexadecimal digits), value (4, blanks allowed)

In: any bytes in any chunking. Out: a Sample of each item, WaveChunks of realtime streams, and Corrupts: those
of medibus_message and medibus_realtime, and `items` for measured data that are none. Realtime bytes (bit 7
set) are taken out first, wherever they stand. A value of blanks or dashes is `missing`. Where several items
measure one channel the better ranked speaks, the others lose the channel. The device tells no time.

Source: Draeger, MEDIBUS Protocol Definition, "Data response".
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

from barocast.runtime.decoders import medibus_codes as codes
from barocast.runtime.decoders import medibus_realtime as realtime
from barocast.runtime.decoders.arterial import LineChoice
from barocast.runtime.decoders.bis import with_quality
from barocast.runtime.decoders.medibus_message import Deframer
from barocast.runtime.decoders.sources import Candidate, settled
from barocast.runtime.decoders.tally import Tally
from barocast.runtime.decoders.units import to_canonical
from barocast.runtime.domain import Corrupt, Reason, Sample
from barocast.runtime.tracks import CHANNELS, plausible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from barocast.runtime.decoders.medibus_message import Found, Message
    from barocast.runtime.domain import Event, FeedCounts

_RUNS: Final = re.compile(rb"[\x00-\x7f]+|[\x80-\xff]+")
_ITEM: Final = 6  # characters
_NUMBER: Final = re.compile(r" *[+-]?(\d+\.?\d*|\.\d+) *", re.ASCII)


class MedibusDecoder:
    """One device's stream (runtime.sessions.session.Decoder)."""

    def __init__(self) -> None:
        self._deframer = Deframer()
        self._realtime = realtime.Realtime()
        self._line = LineChoice()
        self._tally = Tally()
        self._at = 0
        """Offset in the stream of the next byte."""

    @property
    def counts(self) -> FeedCounts:
        """What was seen so far; frames are messages."""
        return self._tally.counts

    def feed(self, data: bytes) -> list[Event]:
        """Take the next bytes; give the events that they complete."""
        return [event for _, events in self.messages(data) for event in events]

    def close(self) -> list[Event]:
        """Give the waves that are begun; report an unfinished message."""
        events = self._tally.gave(self._realtime.flush())
        return events + [event for item in self._deframer.close(self._at) for event in self._read(item)[1]]

    def expect(self, streams: tuple[realtime.Stream, ...]) -> list[Event]:
        """Tell which realtime streams the host has configured; give the values of before."""
        return self._tally.gave(self._realtime.expect(streams))

    def messages(self, data: bytes) -> Iterator[tuple[Message | None, list[Event]]]:
        """Take the next bytes; give each message (None for anything else) with its events."""
        self._tally.took(data)
        for run in _RUNS.finditer(data):
            offsets = range(self._at, self._at + len(run[0]))
            self._at = offsets.stop
            if run[0][0] & 0x80:
                yield None, self._tally.gave(self._realtime.feed(run[0], offsets))
                continue
            for item in self._deframer.feed(run[0], offsets.start):
                yield self._read(item)

    def _read(self, item: Found) -> tuple[Message | None, list[Event]]:
        if isinstance(item, Corrupt):
            return None, self._tally.gave([item])
        self._tally.framed()
        page = None if item.command else codes.PAGES.get(item.code)
        return item, self._tally.gave([] if page is None else self._measured(item, page))

    def _measured(self, message: Message, page: int) -> list[Event]:
        items = _items(message.data.decode("ascii"))
        if items is None:
            return [Corrupt(message.offset, len(message.data), "items")]
        return _vouched(settled([_candidate(page, code, value) for code, value in items], self._line))


def _items(text: str) -> list[tuple[int, str]] | None:
    """Cut measured data into (code, value), None when they are no items."""
    parts = [text[at : at + _ITEM] for at in range(0, len(text), _ITEM)]
    if not all(re.fullmatch(r"[0-9A-F]{2}[ -~]{4}", part) for part in parts):
        return None
    return [(int(part[:2], 16), part[2:]) for part in parts]


def _candidate(page: int, code: int, shown: str) -> Candidate:
    measured = codes.MEASURED.get((page, code), codes.Measured(""))
    value, reason = _value(shown)
    unit, channel = measured.unit, None
    if measured.target is not None:
        channel = measured.target.channel
        factor, shift = to_canonical(channel, unit) or (math.nan, 0.0)
        value, unit = value * factor + shift, CHANNELS[channel].unit
        reason = reason or (None if plausible(channel, value) else Reason.RANGE)
    sample = Sample(channel, f"{page}/{code:02X}", None, value, unit, reason is None, reason)
    return Candidate(measured.target, "", sample)


def _value(shown: str) -> tuple[float, Reason | None]:
    if not shown.strip(" -"):
        return math.nan, Reason.MISSING
    return (float(shown), None) if _NUMBER.fullmatch(shown) else (math.nan, Reason.CODE)


def _vouched(events: list[Event]) -> list[Event]:
    """Mark a BIS whose signal quality, in the same answer, is poor."""
    samples = {event.code: event for event in events if isinstance(event, Sample)}
    sqi = samples.get(codes.SQI)
    return [
        with_quality(event, sqi) if sqi and isinstance(event, Sample) and event.code == codes.BIS else event
        for event in events
    ]
