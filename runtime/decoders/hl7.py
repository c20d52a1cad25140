"""HL7 v2 observations to events: ORU^R01 and ORU^W01 of every gateway whose codes hl7_codes knows.

    bytes -> mllp (or hl7_file) -> hl7_message -> hl7_rows, hl7_waves, hl7_alarms -> events
An answered query (ORF^R04) reads as ORU^R01, a reported alarm (ORU^R40) gives a DeviceAlarm. Other message
types are sound frames without events. A message without a usable header is Corrupt `header`, one of more
than hl7_message.MAX_SEGMENTS also Corrupt `too many rows`; for waves see hl7_waves. A value of a training or
debugging message (MSH-11) is marked `test`, an alarm of one is none. One channel gets one value per time: of
several sources the better ranked with a valid value speaks (arterial lines: arterial.py), the others keep
their code and lose the channel. A stream is of one bed: what another one measures is Corrupt `another bed`
(hl7_bed).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from barocast.runtime.decoders import hl7_alarms, hl7_rows, hl7_waves
from barocast.runtime.decoders.arterial import LineChoice
from barocast.runtime.decoders.hl7_bed import ANOTHER_BED, Bed
from barocast.runtime.decoders.hl7_message import split
from barocast.runtime.decoders.hl7_sources import settled
from barocast.runtime.decoders.mllp import MllpDeframer
from barocast.runtime.decoders.tally import Tally
from barocast.runtime.domain import Corrupt, WaveChunk

if TYPE_CHECKING:
    from barocast.runtime.decoders.hl7_message import Message
    from barocast.runtime.decoders.hl7_rows import Told
    from barocast.runtime.decoders.mllp import Block, Found
    from barocast.runtime.domain import Event, FeedCounts

VALUED_X_SENDERS = ("PAT_DEVICE_PHILIPS",)
"""MSH-3 of gateways that flag every row X, valued ones too (Philips IntelliBridge)."""

_OBSERVATIONS = frozenset({("ORU", "R01"), ("ORU", "W01"), ("ORU", ""), ("ORF", "R04"), ("ORF", "")})
_ALARM = ("ORU", "R40")
_NOT_CARE = frozenset({"T", "D"})  # MSH-11: training, debugging


class Deframer(Protocol):
    """Bytes to message blocks."""

    def feed(self, data: bytes) -> list[Found]:
        """Take the next bytes."""

    def close(self) -> list[Found]:
        """Report what is open."""


class Hl7Decoder:
    """One gateway's stream. `valued_x`: take values flagged X; None takes them from VALUED_X_SENDERS."""

    def __init__(self, deframer: Deframer | None = None, *, valued_x: bool | None = None) -> None:
        self._deframer = MllpDeframer() if deframer is None else deframer
        self._valued_x = valued_x
        self._tally = Tally()
        self._bed = Bed()
        self._numeric_line = LineChoice()
        self._wave_line = LineChoice(self._numeric_line)

    @property
    def counts(self) -> FeedCounts:
        """What was seen so far."""
        return self._tally.counts

    def forget_patient(self) -> None:
        """Hear another patient at the same bed (hl7_bed)."""
        self._bed.forget_patient()

    def feed(self, data: bytes) -> list[Event]:
        """Take the next bytes; give the events of the messages they complete."""
        return [event for found in self.unwrap(data) for event in self.read(found)[1]]

    def close(self) -> list[Event]:
        """Report an unfinished block; of a bare file, read the last message."""
        return [event for found in self._deframer.close() for event in self.read(found)[1]]

    def unwrap(self, data: bytes) -> list[Found]:
        """Take the next bytes; give the blocks they complete, for `read`."""
        self._tally.took(data)
        return self._deframer.feed(data)

    def read(self, found: Found) -> tuple[Message | None, list[Event]]:
        """Give a block's message (None when unusable) and its events."""
        if isinstance(found, Corrupt):
            return None, self._tally.gave([found])
        message = split(found.payload)
        if message is None:
            return None, self._tally.gave([Corrupt(found.offset, len(found.payload), "header")])
        self._tally.framed()
        events = self._events(message, found)
        if message.dropped:
            events.append(Corrupt(found.offset, len(found.payload), "too many rows"))
        return message, self._tally.gave(events)

    def _events(self, message: Message, block: Block) -> list[Event]:
        kind = message.kind()
        training = message.header.field(11)[:1].upper() in _NOT_CARE
        ours = self._bed.hears(message)
        if not ours and (kind in _OBSERVATIONS or kind == _ALARM):
            return [Corrupt(block.offset, len(block.payload), ANOTHER_BED)]
        if kind in _OBSERVATIONS:
            return self._observations(message, block, training=training)
        return [*hl7_alarms.reported(message)] if kind == _ALARM and not training else []

    def _observations(self, message: Message, block: Block, *, training: bool) -> list[Event]:
        told = hl7_rows.read(message, valued_x=self._takes_x(message), training=training)
        events = settled(told.terms, told.samples, self._numeric_line)
        if told.waves:
            events += self._chunks(told, message, block, training=training)
        if told.others and not training:
            events += [alarm for row in told.others if (alarm := hl7_alarms.told(row, message.separators))]
        return events

    def _chunks(self, told: Told, message: Message, block: Block, *, training: bool) -> list[Event]:
        signs = message.separators
        read = [(wave.row, hl7_waves.chunk(wave, signs, training=training)) for wave in told.waves]
        usable = [(row.term, found) for row, found in read if isinstance(found, WaveChunk)]
        chunks = settled([term for term, _ in usable], [chunk for _, chunk in usable], self._wave_line)
        unusable = [Corrupt(block.offset, len(row.value), why) for row, why in read if isinstance(why, str)]
        return [*chunks, *unusable, *[Corrupt(block.offset, 0, "wave facet")] * told.astray]

    def _takes_x(self, message: Message) -> bool:
        if self._valued_x is not None:
            return self._valued_x
        return message.header.field(3).upper().startswith(VALUED_X_SENDERS)
