"""Seconds that something took, many times over -> percentiles. No clock in here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

SHARES: Final = (0.5, 0.99, 0.999)


@dataclass(frozen=True, slots=True)
class Spread:
    """How long `n` of them took, ms."""

    n: int
    p50_ms: float
    p99_ms: float
    p999_ms: float
    """NaN where too few were seen to say (fewer than 1,000), as is p99 of fewer than 100."""


def spread(seconds: Sequence[float]) -> Spread:
    """Give the percentiles, each a duration that was really seen (the nearest rank, rounded up)."""
    ordered = sorted(seconds)
    return Spread(len(ordered), *(1000 * _percentile(ordered, share) for share in SHARES))


def beds_per_core(cpu_s_per_bed_s: float) -> float:
    """Give the beds that keep one core busy all the time; NaN where the cost is not known."""
    return 1 / cpu_s_per_bed_s if cpu_s_per_bed_s > 0 else math.nan


def _percentile(ordered: Sequence[float], share: float) -> float:
    if len(ordered) * (1 - share) < 1 - 1e-9:  # not one is expected to lie above it
        return math.nan
    return ordered[math.ceil(share * len(ordered) - 1e-9) - 1]
