"""The only place that reads a clock: monotonic for every deadline, wall time for display and log."""

from __future__ import annotations

import ctypes
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

TIMESYNCD: Final = Path("/run/systemd/timesync")
"""Where systemd-timesyncd keeps `synchronized`, a file that is there once it has set the clock."""
_TIME_ERROR: Final = 5
"""What adjtimex(2) gives while nothing disciplines the clock."""
_TIMEX_BYTES: Final = 256
"""More than any Linux's `struct timex` takes (208 on 64 bits)."""


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


def boottime_s() -> float:
    """Give seconds since boot, through suspension, untouched by whoever sets the clock."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def boot_id() -> str:
    """Name this boot of the machine, within which alone `boottime_s` can be compared; empty off Linux."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


def synced() -> bool:
    """Whether the wall clock follows a reference: as timesyncd says where it runs, else as the kernel says.

    False also where neither can be asked, as in a unit with ProtectClock.
    """
    if TIMESYNCD.is_dir():
        return (TIMESYNCD / "synchronized").exists()
    asked = ctypes.create_string_buffer(_TIMEX_BYTES)  # all zero: read, and change nothing
    try:
        state: int = ctypes.CDLL(None).adjtimex(asked)
    except (AttributeError, OSError):
        return False
    return 0 <= state < _TIME_ERROR


def utc_now() -> datetime:
    """Give this box's wall clock."""
    return datetime.now(timezone.utc)
