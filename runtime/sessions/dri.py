"""The client's side of a GE/Datex-Ohmeda DRI serial line, sans-IO.

    connecting --request--> silent --values--> subscribed --none for SILENCE_S--> silent, asked again

There is no association: a monitor sends what it was last asked for until it is told to stop, restarts
or loses the cable, and does not say so. So the requests are sent again, for ever, whenever values fail to
come; likewise the request for the arterial wave. Which wave that is the labels of the first values
tell; when another line takes over the old wave is stopped first.

19200 baud, 8 data bits, even parity, RTS/CTS (115200 from CARESCAPE software 3 on). When nothing comes,
parity and the RTS/CTS wiring are what to look at: a line whose CTS is blocked gives values, no waves.

Source: GE Healthcare, S/5 Computer Interface Specification, "Transmission requests".
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Final

from barocast.runtime.decoders.dri import DriDecoder
from barocast.runtime.decoders.dri_frame import frame
from barocast.runtime.decoders.dri_record import DISPLAYED, PHYSIOLOGY, build
from barocast.runtime.decoders.dri_request import EXT1, EXT2, STOP, PhysiologyRequest, WaveRequest, record_of

if TYPE_CHECKING:
    from barocast.runtime.decoders.dri_record import Record
    from barocast.runtime.domain import Event, FeedCounts

INTERVAL_S: Final = 5
"""Between displayed values: the shortest that the specification grants."""
SILENCE_S: Final = 10.0
"""Without values (or the wave asked for), seconds after which a request is taken for lost: two intervals."""
CLASSES: Final = EXT1 | EXT2
"""Sockets 7 and 8, the second saturation, BIS; the basic class comes by itself."""


class DriSession:
    """One line to one monitor (runtime.sessions.session.Session)."""

    def __init__(self, *, interval_s: int = INTERVAL_S) -> None:
        self._decoder = DriDecoder()
        self._values = PhysiologyRequest(DISPLAYED, interval_s, CLASSES)
        self._patience_s = max(SILENCE_S, 2.0 * interval_s)
        self._status = "connecting"
        self._ask_at_s = -inf
        """When to ask for values (again)."""
        self._wave: int | None = None
        """Type of the wave asked for."""
        self._ask_wave_at_s = -inf

    @property
    def counts(self) -> FeedCounts:
        """What was seen so far."""
        return self._decoder.counts

    @property
    def status(self) -> str:
        """Say in one word: `connecting`, `silent`, `subscribed` or `released`."""
        return self._status

    def receive(self, data: bytes, now_s: float) -> tuple[list[Event], bytes]:
        """Take what the monitor sent; nothing of it needs an answer at once."""
        events: list[Event] = []
        for record, seen in self._decoder.records(data):
            events += seen
            if record is not None:
                self._heard(record, now_s)
        return events, b""

    def due(self, now_s: float) -> bytes:
        """Give the requests that are due."""
        if self._status == "released":
            return b""
        return self._values_due(now_s) + self._wave_due(now_s)

    def release(self) -> bytes:
        """Stop everything that was asked for; nothing is due after it."""
        asked = self._ask_at_s > -inf and self._status != "released"
        self._status = "released"
        if not asked:
            return b""
        return _sent(WaveRequest(())) + _sent(PhysiologyRequest(DISPLAYED, STOP, CLASSES))

    def _heard(self, record: Record, now_s: float) -> None:
        kinds = [seen.kind for seen in record.subrecords]
        if record.main == PHYSIOLOGY and DISPLAYED in kinds:
            self._ask_at_s = now_s + self._patience_s
            if self._status != "released":
                self._status = "subscribed"
        elif record.main != PHYSIOLOGY and self._wave in kinds:
            self._ask_wave_at_s = now_s + SILENCE_S

    def _values_due(self, now_s: float) -> bytes:
        if now_s < self._ask_at_s:
            return b""
        if self._ask_at_s > -inf:
            self._status = "silent"
        self._ask_at_s = now_s + self._patience_s
        return _sent(self._values)

    def _wave_due(self, now_s: float) -> bytes:
        wanted = self._decoder.arterial_wave
        if self._status != "subscribed" or wanted is None:
            return b""
        if wanted == self._wave and now_s < self._ask_wave_at_s:
            return b""
        changed = self._wave not in (None, wanted)
        self._wave = wanted
        self._ask_wave_at_s = now_s + SILENCE_S
        return (_sent(WaveRequest(())) if changed else b"") + _sent(WaveRequest((wanted,)))


def _sent(asked: PhysiologyRequest | WaveRequest) -> bytes:
    return frame(build(record_of(asked)))
