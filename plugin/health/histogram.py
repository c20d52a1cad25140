"""How long something takes, over and over: counts in fixed buckets, and quantiles as an upper bound.

    Histogram(bounds).observe(seconds)      a microsecond, and no memory however long it runs
    at_most(buckets, 0.99)                  the bound below which 99 % lie; infinite beyond the last

A quantile is never interpolated: "at most 0.1 s" is true, "0.083 s" would be a guess.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from barocast.plugin.health.exposition import Sample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from barocast.plugin.health.exposition import Labels

SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Bounds that hold the promises of requirement ALM-06 (0.2, 0.5, 1 s) and the engine's deadline (2 s)."""


class Histogram:
    """Written by one thread; may be read from any."""

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        """`bounds` rise."""
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count one."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def samples(self, labels: Labels) -> tuple[Sample, ...]:
        """Give its samples, cumulative, as Prometheus has them."""
        counts = list(accumulate(list(self._counts)))
        buckets = [
            Sample(count, {**labels, "le": "+Inf" if math.isinf(bound) else f"{bound:g}"}, "_bucket")
            for bound, count in zip((*self._bounds, math.inf), counts, strict=True)
        ]
        return (*buckets, Sample(self._sum, labels, "_sum"), Sample(counts[-1], labels, "_count"))


def at_most(buckets: dict[str, float], share: float) -> float:
    """Give the least bound below which `share` of all lie; NaN where nothing was counted.

    `buckets`: bound as Prometheus writes it -> cumulative count, as Readings.by gives it.
    """
    total = buckets.get("+Inf", 0.0)
    if not total > 0:
        return math.nan
    return min(float(bound) for bound, count in buckets.items() if count >= share * total)
