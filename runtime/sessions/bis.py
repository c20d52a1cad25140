"""The host's side of a BIS monitor's binary protocol, sans-IO.

    asking --acknowledged--> receiving --nothing for SILENCE_S--> asking
      |  ^
      '--'  not answered within ANSWER_S, or refused

One request starts the trend values, once a second, until it is revoked. A monitor that was switched off and
on, or whose cable was pulled, has forgotten it: whenever values stay out the request is sent again, for
ever. The monitor acknowledges requests; what it sends is not acknowledged, for it repeats nothing and the
next second's values are better than last second's.

Source: Aspect Medical, A-2000 / BIS VISTA serial port technical specification, binary protocol.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from barocast.runtime.decoders.bis import PROCESSED, PROCESSED_AND_SPECTRA, BisDecoder
from barocast.runtime.decoders.bis_packet import ACK, DATA, message, packet, split

if TYPE_CHECKING:
    from barocast.runtime.decoders.bis_packet import Packet
    from barocast.runtime.domain import Event, FeedCounts

ANSWER_S: Final = 3.0
"""Longest wait for an acknowledgement, or for the first values after one."""
SILENCE_S: Final = 5.0
"""Longest silence while receiving: five values missed in a row."""

ROUTING: Final = 4
"""The part of the monitor that measures."""
SEND_PROCESSED: Final = 0x73
STOP_PROCESSED: Final = 0x74
WITHOUT_SPECTRA: Final = b"\x00"


class BisSession:
    """One monitor's connection (runtime.sessions.session.Session)."""

    def __init__(self) -> None:
        self._decoder = BisDecoder()
        self._status = "connecting"
        self._ask_at = float("-inf")
        self._asked: int | None = None
        """Sequence number of the request that waits for its acknowledgement."""
        self._seq = 0
        self._released = False

    @property
    def counts(self) -> FeedCounts:
        """What was seen so far."""
        return self._decoder.counts

    @property
    def status(self) -> str:
        """`connecting`, `acknowledged`, `receiving`, `silent`, `refused` or `released`."""
        return self._status

    def receive(self, data: bytes, now_s: float) -> tuple[list[Event], bytes]:
        """Take what the monitor sent; give the events. There is nothing to reply."""
        events: list[Event] = []
        for found, seen in self._decoder.packets(data):
            events += seen
            if found is not None and not self._released:
                self._heard(found, now_s)
        return events, b""

    def due(self, now_s: float) -> bytes:
        """Give the request whenever values are missing."""
        if self._released or now_s < self._ask_at:
            return b""
        if self._status == "receiving":
            self._status = "silent"
        self._ask_at = now_s + ANSWER_S
        request = self._request(SEND_PROCESSED, WITHOUT_SPECTRA)
        self._asked = self._seq
        return request

    def release(self) -> bytes:
        """Revoke the request; nothing is due after it."""
        begun = self._seq > 0 and not self._released
        self._released, self._status = True, "released"
        return self._request(STOP_PROCESSED) if begun else b""

    def _heard(self, found: Packet, now_s: float) -> None:
        if found.kind == DATA:
            told = split(found.payload)
            if told is not None and told[0] in (PROCESSED, PROCESSED_AND_SPECTRA):
                self._status, self._asked, self._ask_at = "receiving", None, now_s + SILENCE_S
        elif found.seq == self._asked:
            self._asked = None
            self._status = "acknowledged" if found.kind == ACK else "refused"
            self._ask_at = now_s + ANSWER_S

    def _request(self, message_id: int, body: bytes = b"") -> bytes:
        self._seq = self._seq % 0xFFFF + 1
        return packet(DATA, self._seq, message(ROUTING, message_id, body))
