"""The host's side of a Draeger MEDIBUS line, sans-IO.

    calling --ICC answered--> setting up --> polling
       ^                          |             |
       '---------- nothing heard for SILENCE_S -'

`ICC` opens the line and is repeated until it is answered, for ever. The device may command too: whatever it
asks is answered in the same breath, its wish for our identity before anything is configured. Then one
request at a time: which traces there are, the capnogram among them as a realtime stream, and measured data
of both codepages every POLL_S. What the device does not know (NAK) or does not answer within ANSWER_S is
passed over. NOP keeps the line open while there is nothing else to say.

Source: Draeger, MEDIBUS Protocol Definition, "Initialization" and "Time-outs".
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from barocast.runtime.decoders import medibus_codes as codes
from barocast.runtime.decoders.medibus import MedibusDecoder
from barocast.runtime.decoders.medibus_message import answer, command
from barocast.runtime.decoders.medibus_realtime import Stream, traces

if TYPE_CHECKING:
    from barocast.runtime.decoders.medibus_message import Message
    from barocast.runtime.domain import Event, FeedCounts

SILENCE_S: Final = 3.0
"""Longest silence of the device, which says at least NOP; and the pause between calls."""
ANSWER_S: Final = 10.0
"""Longest wait for an answer, as the definition grants."""
NOP_S: Final = 2.0
"""Longest silence of ours; the device gives up after 3 s."""
POLL_S: Final = 5.0
"""Ventilation changes by breaths: one poll a few breaths."""

WAVES: Final = (0x06, 0x07)
"""Traces worth their place on a slow line: the capnogram, in whichever unit is offered first."""
MULTIPLIER: Final = 2
"""Every second value: 31 Hz of a 16 ms trace, ample for a capnogram."""
POLLED: Final = (codes.DATA_PAGE_1, codes.DATA_PAGE_2)

_ENABLE_FIRST: Final = bytes((0xD0, 0xC1, 0xC1, 0xC0, 0xC0))
"""Sync; of streams 1-4 the first; end of the sequence."""


class MedibusSession:
    """One device's connection (runtime.sessions.session.Session)."""

    def __init__(self) -> None:
        self._decoder = MedibusDecoder()
        self._status = "connecting"
        self._wants: deque[bytes] = deque()
        """Requests still to be made, one after the other."""
        self._waits_for: int | None = None
        """Code of the request that is out."""
        self._called_s = self._heard_s = float("-inf")
        self._sent_s = self._asked_s = self._polled_s = float("-inf")

    @property
    def counts(self) -> FeedCounts:
        """What was seen so far."""
        return self._decoder.counts

    @property
    def status(self) -> str:
        """`connecting`, `associated` (the line is open), `receiving`, `silent` or `released`."""
        return self._status

    def receive(self, data: bytes, now_s: float) -> tuple[list[Event], bytes]:
        """Take what the device sent; give the events and the answers that it waits for."""
        events: list[Event] = []
        replies = b""
        for message, seen in self._decoder.messages(data):
            events += seen
            if message is None or self._status == "released":
                continue
            self._heard_s = now_s
            if message.command:
                replies += answer(message.code)
                self._commanded(message, now_s)
            else:
                events += self._answered(message, now_s)
                replies += _ENABLE_FIRST if message.code == codes.CONFIGURE_REALTIME else b""
        if replies:
            self._sent_s = now_s
        return events, replies

    def due(self, now_s: float) -> bytes:
        """Give what time makes due: a call, the next request, or NOP."""
        if self._status == "released":
            return b""
        if not self._open or now_s - self._heard_s >= SILENCE_S:
            return self._call(now_s)
        if self._waits_for is not None and now_s - self._asked_s >= ANSWER_S:
            self._waits_for = None
        if self._waits_for is None and (request := self._next(now_s)):
            self._waits_for, self._asked_s, self._sent_s = request[1], now_s, now_s
            return request
        return self._nop(now_s)

    def release(self) -> bytes:
        """Close the line; nothing is due after it."""
        was_open, self._status = self._open, "released"
        return command(codes.STOP) if was_open else b""

    @property
    def _open(self) -> bool:
        return self._status in ("associated", "receiving")

    def _call(self, now_s: float) -> bytes:
        if self._open:
            self._status, self._called_s = "silent", float("-inf")
        if now_s - self._called_s < SILENCE_S:
            return b""
        self._called_s = now_s
        return command(codes.ICC)

    def _next(self, now_s: float) -> bytes:
        """Give the request whose turn it is, none while the next poll is not due."""
        if not self._wants and now_s - self._polled_s >= POLL_S:
            self._polled_s = now_s
            self._wants.extend(command(page) for page in POLLED)
        return self._wants.popleft() if self._wants else b""

    def _nop(self, now_s: float) -> bytes:
        if now_s - self._sent_s < NOP_S:
            return b""
        self._sent_s = now_s
        return command(codes.NOP)

    def _commanded(self, message: Message, now_s: float) -> None:
        if message.code == codes.ICC:  # the device has started anew and knows nothing of before
            self._opened(now_s)
        elif message.code == codes.STOP:
            self._status = "silent"
        elif message.code == codes.REALTIME_CHANGED and self._open:
            self._wants.append(command(codes.REALTIME_CONFIGURATION))

    def _opened(self, now_s: float) -> None:
        self._status, self._waits_for, self._polled_s = "associated", None, float("-inf")
        self._heard_s = now_s
        self._wants = deque([command(codes.DEVICE_ID), command(codes.REALTIME_CONFIGURATION)])

    def _answered(self, message: Message, now_s: float) -> list[Event]:
        if message.code == codes.ICC and not self._open:
            self._opened(now_s)
        elif message.code in (self._waits_for, codes.NAK):
            self._waits_for = None
        if message.code == codes.REALTIME_CONFIGURATION:
            return self._configure(message)
        if message.code in codes.PAGES and self._open:
            self._status = "receiving"
        return []

    def _configure(self, message: Message) -> list[Event]:
        """Ask for the first of WAVES that is offered as stream 1, and enable it."""
        offered = {trace.code: trace for trace in traces(message.data.decode("ascii")) or ()}
        chosen = next((offered[code] for code in WAVES if code in offered), None)
        if chosen is None:
            return self._decoder.expect(())
        self._wants.append(command(codes.CONFIGURE_REALTIME, b"%02X%02X" % (chosen.code, MULTIPLIER)))
        return self._decoder.expect((Stream(chosen, MULTIPLIER),))
