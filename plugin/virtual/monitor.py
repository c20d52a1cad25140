"""The seam of every virtual monitor: what it hears, what it says, against a clock that is handed in."""

from __future__ import annotations

from typing import Protocol


class VirtualMonitor(Protocol):
    """One end of a cable, sans-IO."""

    def receive(self, data: bytes, now_s: float) -> bytes:
        """Take what the client sent; give the answer. `now_s` is monotonic."""

    def due(self, now_s: float) -> bytes:
        """Give what time alone makes due."""
