"""BIS monitors (A-2000, VISTA) in binary mode: serial bytes to packets, to depth-of-anaesthesia samples.

    BA AB | seq u16 | length u16 | kind u16 | payload (length bytes) | sum u16        little-endian
    payload  routing u32 | message id u32 | seq u16 | length u16 | body               kind 1, data
    body     sensor 48 B | trend of channel 1, channel 2, both combined | spectra     ids 34, 35 (hex)
    trend    BSR 0.1 % | SEF95 0.01 Hz | bits | BIS 0.1 | two alternatives | power 0.01 dB | EMG 0.01 dB
             | SQI i32 0.1 % | artefacts u32                                           24 B, 36 with extras

In: any bytes in any chunking. Out: of each second one Sample of every quantity in TREND, from the combined
block, and Corrupts with one of REASONS. `sum` adds the bytes after BA AB: a weak check, so message length
and body size must fit too. A BIS of poor signal quality keeps its value and is `invalid`; a demonstration
sensor's values are `demo`, a simulator's `test`. Other messages, acknowledgements among them, are sound
packets without events. The monitor tells no time: `t_s` is None.

Source: Aspect Medical, A-2000 / BIS VISTA serial port technical specification, binary protocol.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from struct import pack, unpack_from
from typing import TYPE_CHECKING, Final, TypeAlias

from barocast.runtime.decoders.tally import Tally
from barocast.runtime.domain import Corrupt, Reason, Sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from barocast.runtime.domain import Event, FeedCounts

SYNC: Final = b"\xba\xab"
DATA: Final = 1
ACK: Final = 2
NAK: Final = 3

PROCESSED: Final = 0x34
"""Message id: trend values, once a second."""
PROCESSED_AND_SPECTRA: Final = 0x35

MAX_PAYLOAD: Final = 2048
"""Bytes. The longest message, a page of history, has 1036; a longer one is a damaged length."""
MAX_GARBAGE: Final = 4096
"""Bytes. A longer stretch outside packets is told in pieces, so that a wrong baud rate shows at once."""

REASONS: Final = ("garbage", "cut short", "header", "sum", "message")
"""Outside any packet; the end before the sum; an impossible length or kind; wrong sum; a sound packet whose
message does not fit into it or is not laid out as its id says."""

TRUSTED_SQI: Final = 50.0
"""Percent. Below it the monitor itself shows BIS hollow: the index is then mostly artefact."""

_HEADER: Final = 8
_MESSAGE_HEADER: Final = 12
_SENSOR: Final = 48
_COMBINED: Final = 2  # of the three trend blocks
_STRIDES: Final = {
    (PROCESSED, 120): 24,
    (PROCESSED, 156): 36,
    (PROCESSED_AND_SPECTRA, 364): 24,
    (PROCESSED_AND_SPECTRA, 400): 36,
}
"""(message id, bytes of its body) -> bytes of a trend block; the longer ones carry extra variables."""
_SENSOR_TYPES: Final = {5: Reason.DEMO, 13: Reason.DEMO, 8: Reason.TEST, 9: Reason.TEST, 17: Reason.TEST}
"""Sensor type (tens of byte 2 of the body) -> why it measures no patient."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """One field of a trend block."""

    code: str
    channel: str | None
    unit: str
    offset: int
    """Bytes from the start of the block."""
    layout: str
    counts_per_unit: int
    high: float
    """Largest value in `unit`; what is outside 0 to `high` is a code in place of a number."""


TREND: Final = (
    Quantity("BIS", "BIS", "1", 6, "<h", 10, 100.0),
    Quantity("SQI", None, "%", 16, "<i", 10, 100.0),
    Quantity("EMG", None, "dB", 14, "<h", 100, 100.0),
    Quantity("BSR", None, "%", 0, "<h", 10, 100.0),
    Quantity("SEF95", None, "Hz", 2, "<h", 100, 30.0),
)


@dataclass(frozen=True, slots=True)
class Packet:
    """A sound packet."""

    offset: int
    """Bytes from the start of the stream to its BA."""
    kind: int
    """DATA, ACK or NAK."""
    seq: int
    """An acknowledgement repeats that of the packet it answers."""
    payload: bytes


Found: TypeAlias = "Packet | Corrupt"


def packet(kind: int, seq: int, payload: bytes = b"") -> bytes:
    """Wrap `payload` for the wire. Raises ValueError when it is longer than MAX_PAYLOAD."""
    if len(payload) > MAX_PAYLOAD:
        raise ValueError(f"payload of {len(payload)} bytes; a BIS packet carries at most {MAX_PAYLOAD}")
    body = pack("<HHH", seq, len(payload), kind) + payload
    return SYNC + body + pack("<H", sum(body) & 0xFFFF)


def message(routing: int, message_id: int, body: bytes = b"", seq: int = 0) -> bytes:
    """Give the payload of a data packet."""
    return pack("<IIHH", routing, message_id, seq, len(body)) + body


def message_id(payload: bytes) -> int | None:
    """Give the id of the message that fills `payload`, None when it does not fill it."""
    if len(payload) < _MESSAGE_HEADER:
        return None
    _, found, _, length = unpack_from("<IIHH", payload)
    return int(found) if length == len(payload) - _MESSAGE_HEADER else None


def _judged(data: bytes, at: int, offset: int) -> Packet | str:
    """Judge what starts with SYNC at `at`: a packet, `open` while more must come, or a reason."""
    if len(data) < at + _HEADER:
        return "open"
    seq, length, kind = unpack_from("<HHH", data, at + 2)
    if length > MAX_PAYLOAD or not DATA <= kind <= NAK:
        return "header"
    end = at + _HEADER + length
    if len(data) < end + 2:
        return "open"
    if sum(data[at + 2 : end]) & 0xFFFF != unpack_from("<H", data, end)[0]:
        return "sum"
    return Packet(offset, kind, seq, data[at + _HEADER : end])


class Deframer:
    """Cuts a serial stream into packets; holds at most one unfinished packet.

    After a packet that is no good the search goes on right behind its SYNC, for its length may be what is
    damaged and sound packets may lie inside.
    """

    def __init__(self) -> None:
        self._held = b""
        self._at = 0
        """Offset in the stream of the first byte held, or of the next to come."""
        self._lost = 0
        """Bytes just before the place reached that belong to no packet and are not yet told."""
        self._why = "garbage"

    def feed(self, data: bytes) -> list[Found]:
        """Take the next bytes; give what they complete."""
        return self._scan(self._held + data, final=False)

    def close(self) -> list[Found]:
        """Tell what the end of the stream leaves unfinished."""
        found = self._scan(self._held, final=True)
        self._tell(self._at, found)
        return found

    def _scan(self, data: bytes, *, final: bool) -> list[Found]:
        found: list[Found] = []
        at = 0
        while (at := self._skip(data, at, found, final=final)) < len(data):
            judged = _judged(data, at, self._at + at) if data.startswith(SYNC, at) else "open"
            if judged == "open" and not final:
                break
            self._tell(self._at + at, found)
            if isinstance(judged, Packet):
                found.append(judged)
                at += _HEADER + len(judged.payload) + 2
            else:
                self._why = "cut short" if judged == "open" else judged
                self._lost = len(SYNC)
                at += len(SYNC)
        self._held = data[at:]
        self._at += at
        return found

    def _skip(self, data: bytes, at: int, found: list[Found], *, final: bool) -> int:
        """Pass over bytes outside packets; give the index of the next SYNC, or of what may become one."""
        start = data.find(SYNC, at)
        stop = len(data) if start < 0 else start
        if start < 0 and not final and data.endswith(SYNC[:1], at):
            stop -= 1
        self._lost += stop - at
        while self._lost >= MAX_GARBAGE:
            self._tell(self._at + stop, found, MAX_GARBAGE)
        return stop

    def _tell(self, end: int, found: list[Found], most: int = MAX_GARBAGE) -> None:
        """Report the first bytes of the lost stretch that reaches up to offset `end`."""
        length = min(self._lost, most)
        if length:
            found.append(Corrupt(end - self._lost, length, self._why))
            self._why = "garbage"
        self._lost -= length


class BisDecoder:
    """One monitor's stream (runtime.session.Decoder)."""

    def __init__(self) -> None:
        self._deframer = Deframer()
        self._tally = Tally()

    @property
    def counts(self) -> FeedCounts:
        """What was seen so far."""
        return self._tally.counts

    def feed(self, data: bytes) -> list[Event]:
        """Take the next bytes; give the samples of the messages they complete."""
        return [event for _, events in self.packets(data) for event in events]

    def close(self) -> list[Event]:
        """Report an unfinished packet."""
        return [event for _, events in self._read(self._deframer.close()) for event in events]

    def packets(self, data: bytes) -> Iterator[tuple[Packet | None, list[Event]]]:
        """Take the next bytes; give each packet (None for a Corrupt) with its events."""
        self._tally.took(data)
        return self._read(self._deframer.feed(data))

    def _read(self, found: list[Found]) -> Iterator[tuple[Packet | None, list[Event]]]:
        for item in found:
            if isinstance(item, Corrupt):
                yield None, self._tally.gave([item])
            else:
                self._tally.framed()
                yield item, self._tally.gave(_events(item))


def _events(found: Packet) -> list[Event]:
    if found.kind != DATA:
        return []
    kind, body = message_id(found.payload), found.payload[_MESSAGE_HEADER:]
    if kind is None:
        return [Corrupt(found.offset, len(found.payload), "message")]
    if kind not in (PROCESSED, PROCESSED_AND_SPECTRA):
        return []
    stride = _STRIDES.get((kind, len(body)))
    if stride is None:
        return [Corrupt(found.offset, len(found.payload), "message")]
    return list(_samples(body, _SENSOR + _COMBINED * stride))


def _samples(body: bytes, at: int) -> list[Sample]:
    """Read the trend block at `at`."""
    sensor = _sensor_reason(body)
    bis, sqi, *others = (_sample(quantity, body, at, sensor) for quantity in TREND)
    return [with_quality(bis, sqi), sqi, *others]


def _sensor_reason(body: bytes) -> Reason | None:
    _, converter, sensor, connected = body[:4]
    if not (converter and connected):
        return Reason.DISCONNECTED
    return _SENSOR_TYPES.get(sensor // 10)


def _sample(quantity: Quantity, body: bytes, at: int, sensor: Reason | None) -> Sample:
    value = unpack_from(quantity.layout, body, at + quantity.offset)[0] / quantity.counts_per_unit
    reason = sensor
    if not 0 <= value <= quantity.high:
        value, reason = math.nan, sensor or Reason.CODE
    return Sample(quantity.channel, quantity.code, None, value, quantity.unit, reason is None, reason)


def with_quality(bis: Sample, sqi: Sample) -> Sample:
    """Give `bis` marked `invalid` unless `sqi` vouches for it; an unknown quality vouches for nothing."""
    if not bis.valid or (sqi.valid and sqi.value >= TRUSTED_SQI):
        return bis
    return replace(bis, valid=False, reason=Reason.INVALID)
