"""What the machine tells of itself: heat, throttling, memory, descriptors, disk. Each reading, or nothing.

    temperatures(root)   zone -> degrees C                 /sys/class/thermal/thermal_zone*
    throttling(root)     what slows the processor -> count or state; empty where nothing does or is known
    power_mode(root)     a Jetson's nvpmodel, as `0`; empty elsewhere
    process()            Process: of this program
    storage(folder)      Storage: of what [storage] folder lies on

`root` stands for /, so that a test can build a Jetson. No command is run and nothing is written.

Sources: kernel Documentation/driver-api/thermal/sysfs-api.rst; for the Jetson's over-current counters the L4T
developer guide, "Orin Series: Over-current event counters" (hwmon oc*_event_cnt). No Jetson was at hand.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from barocast.plugin.audit.keeping import size_of
from barocast.plugin.health.kernel_files import folders, number, text

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path("/")
_MILLI: Final = 1e-3
"""Degrees C in the kernel's unit of temperature."""
_HEAT_C: Final = (-40.0, 150.0)
"""Of a zone that measures: others tell 0 K or nonsense when their part is switched off."""


@dataclass(frozen=True, slots=True)
class Process:
    """This program, now."""

    resident_bytes: int
    descriptors: int


@dataclass(frozen=True, slots=True)
class Storage:
    """A folder and the disk that it lies on, now."""

    used_bytes: int
    """By the folder."""
    free_bytes: int
    """Of the disk."""


def temperatures(root: Path = ROOT) -> dict[str, float]:
    """Give zone -> degrees C; two zones of one type are told apart by the folder's name."""
    found: dict[str, float] = {}
    for zone in folders(root, "sys/class/thermal/thermal_zone*"):
        degrees, name = number(zone / "temp"), text(zone / "type")
        if degrees is not None and _HEAT_C[0] < degrees * _MILLI < _HEAT_C[1]:
            found[zone.name if name in found or not name else name] = degrees * _MILLI
    return found


def throttling(root: Path = ROOT) -> dict[str, float]:
    """Give what has slowed the processor since it was started, or slows it now, each with its count."""
    counters = (
        ("throttled", "sys/devices/system/cpu/cpu0/thermal_throttle", "package_throttle_count"),
        ("over-current", "sys/class/hwmon/hwmon*", "oc*_event_cnt"),
    )
    found = {
        what: sum(count for folder in folders(root, where) for count in _counts(folder, name))
        for what, where, name in counters
    }
    found["cooling"] = sum(_cooled(device) for device in folders(root, "sys/class/thermal/cooling_device*"))
    return {what: count for what, count in found.items() if count > 0}


def power_mode(root: Path = ROOT) -> str:
    """Give the number of a Jetson's power mode."""
    words = text(root / "var/lib/nvpmodel/status")
    return words.removeprefix("pmode:").lstrip("0") or "0" if words.startswith("pmode:") else ""


def memory_free_bytes(root: Path = ROOT) -> int | None:
    """Give what the machine can still hand out, MemAvailable."""
    for line in text(root / "proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) << 10
    return None


def process(root: Path = ROOT) -> Process:
    """Look at this program."""
    pages = text(root / "proc/self/statm").split()
    resident = int(pages[1]) * os.sysconf("SC_PAGE_SIZE") if len(pages) > 1 else 0
    return Process(resident, sum(1 for _ in folders(root, "proc/self/fd/*")))


def storage(folder: Path) -> Storage | None:
    """Look at a folder; None where it is not there."""
    try:
        return Storage(size_of(folder), shutil.disk_usage(folder).free)
    except OSError:
        return None


def _cooled(device: Path) -> float:
    """Whether a cooling device that slows the processor does so now; a fan that turns slows nothing."""
    slows = any(word in text(device / "type").lower() for word in ("processor", "cpu", "gpu", "throttle"))
    return float(slows and (number(device / "cur_state") or 0.0) > 0)


def _counts(folder: Path, name: str) -> Iterator[float]:
    for path in folder.glob(name):
        yield number(path) or 0.0
