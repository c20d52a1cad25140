"""How an alarm light flashes, by priority (IEC 60601-1-8, Table 2).

          colour   flashes        lit
high      red      1.4-2.8 Hz     20-60 % of each
medium    yellow   0.4-0.8 Hz     20-60 % of each
low       cyan     steadily       (yellow where there is no cyan)
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, inf
from typing import Final

from barocast.runtime.alarm.rules import Priority


@dataclass(frozen=True, slots=True)
class Flash:
    """One row of the table."""

    colours: tuple[str, ...]
    """The first that the lamp has is used."""
    hertz: float
    """0: steadily."""
    duty: float
    """Share of each period that it is lit."""


FLASHES: Final = {
    Priority.HIGH: Flash(("red",), 2.0, 0.5),
    Priority.MEDIUM: Flash(("yellow",), 0.6, 0.5),
    Priority.LOW: Flash(("cyan", "yellow"), 0.0, 1.0),
}


def lit(flash: Flash, since_s: float) -> bool:
    """Say whether it is lit, that many seconds after it began; it begins lit."""
    return (since_s * flash.hertz) % 1.0 < flash.duty


def until_change(flash: Flash, since_s: float) -> float:
    """Give the seconds until it is lit or dark next; infinite for a steady one."""
    if flash.hertz == 0.0:
        return inf
    periods = since_s * flash.hertz
    edge = flash.duty if periods % 1.0 < flash.duty else 1.0
    return max(0.0, (floor(periods) + edge - periods) / flash.hertz)
