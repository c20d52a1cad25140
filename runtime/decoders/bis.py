"""BIS monitors (A-2000, VISTA) in binary mode: packets (bis_packet.py) to depth-of-anaesthesia samples.

    body   sensor 48 B | trend of channel 1, channel 2, both combined | spectra       messages 34, 35 (hex)
    trend  BSR 0.1 % | SEF95 0.01 Hz | bits | BIS 0.1 | two alternatives | power 0.01 dB | EMG 0.01 dB
           | SQI i32 0.1 % | artefacts u32                                           24 B, 36 with extras

In: any bytes in any chunking. Out: of each second one Sample of every quantity in TREND, from the combined
block, and Corrupts: those of bis_packet, and `message` for one that does not fill its packet or is not laid
out as its id says. A BIS of poor signal quality keeps its value and is `invalid`; a demonstration
sensor's values are `demo`, a simulator's `test`. Other messages, acknowledgements among them, are sound
packets without events. The monitor tells no time: `t_s` is None.

Source: Aspect Medical, A-2000 / BIS VISTA serial port technical specification, binary protocol.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from struct import unpack_from
from typing import TYPE_CHECKING, Final

from barocast.runtime.decoders.bis_packet import DATA, Deframer, split
from barocast.runtime.decoders.tally import Tally
from barocast.runtime.domain import Corrupt, Reason, Sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from barocast.runtime.decoders.bis_packet import Found, Packet
    from barocast.runtime.domain import Event, FeedCounts

PROCESSED: Final = 0x34
"""Message id: trend values, once a second."""
PROCESSED_AND_SPECTRA: Final = 0x35

TRUSTED_SQI: Final = 50.0
"""Percent. Below it the monitor itself shows BIS hollow: the index is then mostly artefact."""

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


class BisDecoder:
    """One monitor's stream (runtime.sessions.session.Decoder)."""

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
    message = split(found.payload)
    if message is not None and message[0] not in (PROCESSED, PROCESSED_AND_SPECTRA):
        return []
    stride = _STRIDES.get((message[0], len(message[1]))) if message is not None else None
    if message is None or stride is None:
        return [Corrupt(found.offset, len(found.payload), "message")]
    return list(_samples(message[1], _SENSOR + _COMBINED * stride))


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
