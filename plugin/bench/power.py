"""What a board tells of its power: sensors, and watts out of their readings.

    sensors(root)                every sensor that covers the processor or the whole board
    sensor.read()                its value now, or None
    sensor.watts(readings)       mean power over readings (seconds, value)

Two kinds: a gauge tells power now (INA219/3221 of a Jetson: in*_input mV x curr*_input mA, or power1_input
uW), a counter energy so far (RAPL: energy_uj, which starts again at max_energy_range_uj). `root` stands
for /. Nothing is written and no command is run.

Sources: kernel Documentation/hwmon/ina3221.rst and ina2xx.rst, Documentation/power/powercap/powercap.rst; for
the names of a Jetson's rails, the L4T developer guide, "Jetson Orin: Power Monitor". No Jetson was at hand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

from barocast.plugin.health.kernel_files import folders, number, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT: Final = Path("/")
INA: Final = "sys/bus/i2c/drivers/ina*/*/hwmon/hwmon*"
RAPL: Final = "sys/class/powercap/*-rapl:[0-9]*"
"""Packages, and their parts, which a second colon tells."""
WHOLE_BOARD: Final = ("VDD_IN", "VIN_SYS_5V0", "POM_5V_IN")
"""Rails that everything hangs on; where one is told, the others are parts of it."""
MICRO: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Gauge:
    """Power now."""

    name: str
    files: tuple[Path, ...]
    """Whose product, in millionths, is watts: mV and mA, or uW alone."""

    def read(self) -> float | None:
        """Give watts; None where it cannot be read."""
        found = [value for path in self.files if (value := number(path)) is not None]
        return MICRO * math.prod(found) if len(found) == len(self.files) else None

    def watts(self, readings: Sequence[tuple[float, float]]) -> float:
        """Give the mean."""
        return sum(value for _, value in readings) / len(readings) if readings else math.nan


@dataclass(frozen=True, slots=True)
class Counter:
    """Energy so far."""

    name: str
    file: Path
    range_j: float
    """At which it starts again."""

    def read(self) -> float | None:
        """Give joules; None where it cannot be read, as by anyone but root since CVE-2020-8694."""
        found = number(self.file)
        return None if found is None else MICRO * found

    def watts(self, readings: Sequence[tuple[float, float]]) -> float:
        """Give the mean, over any number of restarts of the counter between two readings of at most one."""
        if len(readings) < 2 or readings[-1][0] <= readings[0][0]:  # noqa: PLR2004 - a difference needs two
            return math.nan
        joules = sum((b - a) % self.range_j for (_, a), (_, b) in pairwise(readings))
        return joules / (readings[-1][0] - readings[0][0])


Sensor = Gauge | Counter


def sensors(root: Path = ROOT) -> list[Sensor]:
    """Give those that can be read now: the whole board where it tells that, else every part that it tells."""
    told: list[Sensor] = [*_gauges(root), *_counters(root)]
    readable = [sensor for sensor in told if sensor.read() is not None]
    board = [sensor for sensor in readable if sensor.name in WHOLE_BOARD]
    return board or readable


def _gauges(root: Path) -> Iterator[Gauge]:
    for folder in folders(root, INA):
        for volts in sorted(folder.glob("in*_input")):
            channel = volts.name.removeprefix("in").removesuffix("_input")
            amperes, label = folder / f"curr{channel}_input", text(folder / f"in{channel}_label")
            if amperes.is_file() and label:  # a channel without a name is not wired
                yield Gauge(label, (volts, amperes))
        if (power := folder / "power1_input").is_file():
            yield Gauge(text(folder / "name") or folder.name, (power,))


def _counters(root: Path) -> Iterator[Counter]:
    for folder in folders(root, RAPL):
        whole = folder.name.count(":") == 1
        limit = number(folder / "max_energy_range_uj")
        if whole and limit:
            yield Counter(text(folder / "name") or folder.name, folder / "energy_uj", MICRO * limit)
