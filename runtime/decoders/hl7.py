"""HL7 v2 observations to events: ORU^R01 and ORU^W01 of every gateway whose codes hl7_codes knows.

    bytes -> mllp (or hl7_file) -> hl7_message -> hl7_rows, hl7_waves -> Sample | WaveChunk
Other message types are sound frames without events. A message without a usable header is Corrupt
`header`, a wave without a rate Corrupt `wave rate`. A value of a training or debugging message (MSH-11)
is marked `test`. One channel gets one value per time: of several sources the better ranked with a valid
value speaks (arterial lines: arterial.py), the others keep their code and lose the channel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from barocast.runtime.decoders import hl7_codes, hl7_rows, hl7_waves
from barocast.runtime.decoders.arterial import LineChoice
from barocast.runtime.decoders.hl7_message import split
from barocast.runtime.decoders.mllp import MllpDeframer
from barocast.runtime.decoders.sources import Candidate, settled
from barocast.runtime.decoders.tally import Tally
from barocast.runtime.domain import Corrupt

if TYPE_CHECKING:
    from barocast.runtime.decoders.hl7_message import Message
    from barocast.runtime.decoders.hl7_rows import Row
    from barocast.runtime.decoders.mllp import Block, Found
    from barocast.runtime.domain import Event, FeedCounts

VALUED_X_SENDERS = ("PAT_DEVICE_PHILIPS",)
"""MSH-3 of gateways that flag every row X, valued ones too (Philips IntelliBridge)."""

_OBSERVATIONS = frozenset({("ORU", "R01"), ("ORU", "W01"), ("ORU", "")})
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
        self._numeric_line = LineChoice()
        self._wave_line = LineChoice()

    @property
    def counts(self) -> FeedCounts:
        """What was seen so far."""
        return self._tally.counts

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
        events = self._observations(message, found) if message.kind() in _OBSERVATIONS else []
        return message, self._tally.gave(events)

    def _observations(self, message: Message, block: Block) -> list[Event]:
        waves, others = hl7_waves.gather(list(hl7_rows.rows(message)))
        training = message.header.field(11)[:1].upper() in _NOT_CARE
        numerics = [self._numeric(message, row, training=training) for row in others if _measures(row)]
        chunks: list[Candidate] = []
        unusable: list[Event] = []
        for wave in waves:
            target = hl7_codes.WAVE.get(wave.row.coded.system, {}).get(wave.row.coded.code)
            chunk = hl7_waves.chunk(wave, target, message.separators, training=training)
            if chunk is None:
                unusable.append(Corrupt(block.offset, len(wave.row.value), "wave rate"))
            else:
                chunks.append(Candidate(target, wave.row.place, chunk))
        return [*settled(numerics, self._numeric_line), *settled(chunks, self._wave_line), *unusable]

    def _numeric(self, message: Message, row: Row, *, training: bool) -> Candidate:
        target = hl7_codes.NUMERIC.get(row.coded.system, {}).get(row.coded.code)
        valued_x = self._valued_x
        if valued_x is None:
            valued_x = message.header.field(3).upper().startswith(VALUED_X_SENDERS)
        sample = hl7_rows.sample(row, target, valued_x=valued_x, training=training)
        return Candidate(target, row.place, sample)


def _measures(row: Row) -> bool:
    """Say whether a row is a measurement: containment rows have neither a type nor a value."""
    return row.kind == "NM" or (not row.kind and bool(row.value))
