"""The only place that reads a clock: monotonic for every deadline, wall time for display and log."""

from __future__ import annotations

import ctypes
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

TIMESYNCD: Final = Path("/run/systemd/timesync")
"""Where systemd-timesyncd keeps `synchronized`, a file that is there once it has set the clock."""
LEAP_S: Final = 0.1
"""Most that a play moves on between two readings, wall seconds; twice what a bed waits (serve.READ_S)."""
BUSY_S: Final = 0.5
"""How long a machine may be too busy for one end of a play alone, wall seconds."""
_TIME_ERROR: Final = 5
"""What adjtimex(2) gives while nothing disciplines the clock."""
_TIMEX_BYTES: Final = 256
"""More than any Linux's `struct timex` takes (208 on 64 bits)."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Monotonic seconds since it was made."""

    _started: float = field(default_factory=time.monotonic)

    def __call__(self) -> float:
        """Give the time, seconds."""
        return time.monotonic() - self._started

    def sleep(self, seconds: float) -> None:
        """Wait `seconds`."""
        time.sleep(seconds)


class PlayClock:
    """Seconds of a play that both ends of a line share, `speed` of them for each of the wall's.

    A machine that stops for longer than LEAP_S between two readings stops the play with it: neither end
    finds the other silent for minutes because a busy host held both up. `wall` gives monotonic seconds.
    """

    def __init__(self, speed: float, wall: Callable[[], float] = time.monotonic) -> None:
        """Begin at 0."""
        self.speed: Final = speed
        self._wall, self._lock = wall, threading.Lock()
        self._now_s, self._read_s = 0.0, wall()

    def __call__(self) -> float:
        """Give the time, seconds; any thread may ask."""
        with self._lock:
            read_s = self._wall()
            self._now_s += min(read_s - self._read_s, LEAP_S) * self.speed
            self._read_s = read_s
            return self._now_s

    def silence_s(self, usual_s: float) -> float:
        """Give the silence that a monitor is told by, seconds of this clock: longer where time runs fast."""
        return max(usual_s, BUSY_S * self.speed)

    def sleep(self, seconds: float) -> None:
        """Wait `seconds` of this clock, or longer."""
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
