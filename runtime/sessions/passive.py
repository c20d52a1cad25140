"""A feed that is only listened to, sans-IO: bytes in, events out, never a word back.

    connecting --a sound frame--> receiving <--a sound frame-- silent
                                      '-- none for `silent_after_s` --^
Noise alone is no life sign: a wrong baud rate stays `connecting`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from barocast.runtime.domain import Event, FeedCounts
    from barocast.runtime.sessions.session import Decoder

SILENT_AFTER_S: Final = 5.0
"""Five lines of a device that prints one a second."""


class PassiveSession:
    """One listen-only connection (runtime.sessions.session.Session)."""

    def __init__(self, decoder: Decoder, silent_after_s: float = SILENT_AFTER_S) -> None:
        self._decoder = decoder
        self._silent_after_s = silent_after_s
        self._heard_s: float | None = None
        self._now_s = 0.0

    @property
    def counts(self) -> FeedCounts:
        """What was seen so far."""
        return self._decoder.counts

    @property
    def status(self) -> str:
        """`connecting` before the first sound frame, then `receiving` or `silent`."""
        if self._heard_s is None:
            return "connecting"
        return "silent" if self._now_s - self._heard_s > self._silent_after_s else "receiving"

    def receive(self, data: bytes, now_s: float) -> tuple[list[Event], bytes]:
        """Take what the device sent; give the events."""
        self._now_s = now_s
        frames = self._decoder.counts.frames
        events = self._decoder.feed(data)
        if self._decoder.counts.frames > frames:
            self._heard_s = now_s
        return events, b""

    def due(self, now_s: float) -> bytes:
        """Send nothing: nobody listens."""
        self._now_s = now_s
        return b""

    def release(self) -> bytes:
        """Send nothing: nobody listens."""
        return b""
