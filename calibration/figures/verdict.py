"""What an interval says about an aim: met, missed, or too few patients to tell."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from barocast.calibration.bootstrap import Estimate


class Verdict(str, Enum):
    """The word that is printed."""

    MET = "met"
    MISSED = "missed"
    UNCLEAR = "too few patients to tell"

    def __str__(self) -> str:
        """Print the word."""
        return self.value


@dataclass(frozen=True, slots=True)
class Aim:
    """A range that a figure ought to lie in."""

    low: float
    high: float
    leans_up: bool = False
    """Whether the figure cannot be negative: its draws lie above it, as it lies above the truth."""


AIMS: Final[Mapping[str, Aim]] = MappingProxyType(
    {
        "slope": Aim(0.85, 1.15),
        "observed_expected": Aim(0.85, 1.15),
        "ici": Aim(0.0, 0.02, leans_up=True),
        "coverage_80": Aim(0.75, 0.85),
    }
)
"""Figure -> what a release aims at on patients it never saw."""


def verdict(found: Estimate, aim: Aim) -> Verdict:
    """Judge by the interval, not by the value: only an interval inside the aim shows that it was met.

    A figure that leans upwards is missed only where the lower end of the basic bootstrap interval
    (Davison and Hinkley 1997), twice the value less the upper end, lies beyond the aim too.
    """
    if not np.isfinite([found.low, found.high]).all():
        return Verdict.UNCLEAR
    if aim.low <= found.low and found.high <= aim.high:
        return Verdict.MET
    low = 2 * found.value - found.high if aim.leans_up else found.low
    return Verdict.MISSED if found.high < aim.low or low > aim.high else Verdict.UNCLEAR
