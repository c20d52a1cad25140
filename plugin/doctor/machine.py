"""The machine: Python, engine, serial ports, loudspeaker, clock, disk, memory, heat."""

from __future__ import annotations

import contextlib
import platform
import shutil
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

import onnxruntime
from serial.tools import list_ports

from barocast.plugin.audit.keeping import UNSET_BEFORE
from barocast.plugin.clock import boot_id, synced, wall_s, wall_time
from barocast.plugin.doctor.finding import Finding, bad, good
from barocast.plugin.health.machine import (
    ROOT,
    memory_free_bytes,
    power_mode,
    temperatures,
    throttling,
)
from barocast.plugin.sinks.sound import SoundSink
from barocast.runtime.engines import CPU

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

DISK_MIN_MB: Final = 500
"""Below this a day's log and an upgrade no longer fit."""
MEMORY_MIN_MB: Final = 400
"""What one bed may take (requirement RUN-06)."""
HOT_C: Final = 95.0
"""A Jetson Orin slows itself at 99."""


def box() -> list[Finding]:
    """Say what runs on what."""
    text = f"barocast {version('barocast')}, Python {platform.python_version()}, {platform.platform()}"
    return [Finding("box", ok=sys.maxsize > 1 << 32, text=text)]


def engine() -> list[Finding]:
    """Say what can run the model; which one does, the bundle's finding says."""
    providers = onnxruntime.get_available_providers()
    text = f"onnxruntime {onnxruntime.__version__}, providers {', '.join(providers)}"
    return [Finding("engine", ok=CPU in providers, text=text)]


def ports() -> list[Finding]:
    """List the serial ports."""
    by_id = sorted(str(path) for path in Path("/dev/serial/by-id").glob("*"))
    found = by_id or sorted(port.device for port in list_ports.comports())
    return [good("ports", f"serial: {', '.join(found) or 'none found'}")]


def sound(args: Namespace) -> list[Finding]:
    """Try the device of --sound-device; a missing loudspeaker is said, not hidden."""
    if not args.sound_device:
        return [good("sound", "none tested; name a device with --sound-device")]
    with contextlib.closing(SoundSink(args.sound_device)) as sink:
        test = sink.self_test()
    return [good("sound", test.text if test.ok else f"NO SOUND: {test.text}")]


def clock() -> list[Finding]:
    """Say what deadlines run on, and whether dates can be believed."""
    info = time.get_clock_info("monotonic")
    deadlines = f"deadlines run on {info.implementation}, resolution {info.resolution:g} s"
    return [Finding("clock", ok=info.monotonic, text=deadlines), _wall()]


def _wall() -> Finding:
    if wall_s() < UNSET_BEFORE:
        return bad("clock", f"the wall clock says {wall_time()}: it was never set; set it")
    how = (
        "follows a reference" if synced() else "follows nothing: set it by hand, and look at it now and then"
    )
    return good("clock", f"the wall clock says {wall_time()} and {how}; boot {boot_id() or 'unknown'}")


def disk() -> list[Finding]:
    """Say how much is free where we stand."""
    free_mb = shutil.disk_usage(Path.cwd()).free >> 20
    return [Finding("disk", ok=free_mb >= DISK_MIN_MB, text=f"{free_mb:,} MB free in {Path.cwd()}")]


def memory(root: Path = ROOT) -> list[Finding]:
    """Say how much is left."""
    free = memory_free_bytes(root)
    if free is None:
        return []
    free_mb = free >> 20
    mend = "" if free_mb >= MEMORY_MIN_MB else f"; a bed may take {MEMORY_MIN_MB}: end what else runs here"
    return [Finding("memory", ok=not mend, text=f"{free_mb:,} MB available{mend}")]


def heat(root: Path = ROOT) -> list[Finding]:
    """Say how warm it is, and what has slowed the processor."""
    return [*_warmth(root), *_slowed(root)]


def _warmth(root: Path) -> Iterator[Finding]:
    if zones := temperatures(root):
        hottest = max(zones, key=lambda zone: zones[zone])
        mend = "; give it air" if zones[hottest] >= HOT_C else ""
        yield Finding("heat", ok=not mend, text=f"hottest: {hottest}, {zones[hottest]:.0f} C{mend}")


def _slowed(root: Path) -> Iterator[Finding]:
    slowed = throttling(root)
    if slowed:
        words = ", ".join(f"{what} {count:.0f}" for what, count in slowed.items())
        mend = "; give it air or a lower power mode" if "cooling" in slowed else " since it was started"
        yield Finding("heat", ok="cooling" not in slowed, text=f"the processor was slowed: {words}{mend}")
    if mode := power_mode(root):
        yield good("heat", f"nvpmodel {mode}; latencies hold for the mode in which they were taken")
