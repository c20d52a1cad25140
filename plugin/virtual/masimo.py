"""A pulse oximeter that prints a line a second (Masimo ASCII 1) and hears nothing, sans-IO."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

from barocast.plugin.virtual.uptime import Uptime

if TYPE_CHECKING:
    from barocast.plugin.virtual.source import Source

STARTED: Final = datetime(2026, 3, 2, 7, 30, tzinfo=timezone.utc)


class VirtualMasimo:
    """One oximeter on one finger."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._on = Uptime()

    def receive(self, data: bytes, now_s: float) -> bytes:
        """Hear nothing."""
        del data
        return self.due(now_s)

    def due(self, now_s: float) -> bytes:
        """Give the lines of the seconds that have passed."""
        return b"".join(self._line(second) for second in self._on.passed(now_s))

    def _line(self, second: int) -> bytes:
        shown = self._source.numerics(second)
        stamp = f"{STARTED + timedelta(seconds=second):%m/%d/%y %H:%M:%S}"
        measured = f"SPO2={shown['SPO2']:03.0f}% BPM={shown['PR']:03.0f} PI=02.41% DESAT=-- PIDELTA=+--"
        return f"{stamp} SN=0000000000 {measured} ALARM=0000 EXC=000000\r\n".encode("ascii")
