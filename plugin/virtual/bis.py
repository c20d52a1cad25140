"""A BIS monitor to talk to: the other side of runtime.sessions.bis, sans-IO.

It acknowledges a request for trend values and sends them once a second until they are revoked; anything
else it refuses. It tells no time.
"""

from __future__ import annotations

from struct import pack_into
from typing import TYPE_CHECKING, Final

from barocast.plugin.virtual.uptime import Uptime
from barocast.runtime.decoders.bis import PROCESSED
from barocast.runtime.decoders.bis_packet import ACK, DATA, NAK, Deframer, Packet, message, packet, split
from barocast.runtime.sessions.bis import SEND_PROCESSED, STOP_PROCESSED

if TYPE_CHECKING:
    from barocast.plugin.virtual.source import Source

SENSOR: Final = bytes((10, 1, 21, 1))
"""Revision, converter plugged in, a Quatro of type 2, connected."""
_TRENDS_AT: Final = 48
_TREND: Final = 24
_BODY: Final = _TRENDS_AT + 3 * _TREND


class VirtualBis:
    """One monitor on one forehead."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._on = Uptime()
        self._deframer = Deframer()
        self._sending = False
        self._seq = 0

    def receive(self, data: bytes, now_s: float) -> bytes:
        """Take requests; give their acknowledgements."""
        del now_s
        asked = [found for found in self._deframer.feed(data) if isinstance(found, Packet)]
        return b"".join(packet(self._answer(one), one.seq) for one in asked if one.kind == DATA)

    def due(self, now_s: float) -> bytes:
        """Give the trend values of the seconds that have passed."""
        seconds = self._on.passed(now_s)
        return b"".join(self._trend(second) for second in seconds) if self._sending else b""

    def _answer(self, asked: Packet) -> int:
        told = split(asked.payload)
        if told is None or told[0] not in (SEND_PROCESSED, STOP_PROCESSED):
            return NAK
        self._sending = told[0] == SEND_PROCESSED
        return ACK

    def _trend(self, second: int) -> bytes:
        body = bytearray(_BODY)
        body[: len(SENSOR)] = SENSOR
        index = round(10 * self._source.numerics(second)["BIS"])
        for at in range(_TRENDS_AT, _BODY, _TREND):
            pack_into("<hhhh", body, at, 0, 1250, 0, index)
            pack_into("<hi", body, at + 14, 3200, 950)
        self._seq = self._seq % 0xFFFF + 1
        return packet(DATA, self._seq, message(0, PROCESSED, bytes(body)))
