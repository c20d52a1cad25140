"""The only place that reads a clock: monotonic for every deadline, wall time for display and log."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timezone


@dataclass(frozen=True, slots=True)
class Clock:
    """Monotonic seconds since it was made; `speed` > 1 lets simulated time run faster."""

    speed: float = 1.0
    """Seconds told per second passed."""
    _started: float = field(default_factory=time.monotonic)

    def __call__(self) -> float:
        """Give the time, seconds."""
        return (time.monotonic() - self._started) * self.speed

    def sleep(self, seconds: float) -> None:
        """Wait `seconds` of this clock."""
        time.sleep(seconds / self.speed)


def wall_s() -> float:
    """Give seconds since 1970, for what is written to disk."""
    return time.time()


def wall_time() -> str:
    """Give date and time for a log line, ISO 8601, UTC."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")
