"""Counts of yes and no: the interval of one share, and the test of two on the same units.

Both take units as independent. Rows of one patient are not; where units are rows, the patient bootstrap's
interval is the one to read, and these stand beside it because readers ask for them.
"""

from __future__ import annotations

import math
from typing import Final

Z_95: Final = 1.959963984540054
"""Two-sided 95 % point of the normal distribution."""


def wilson(successes: float, trials: float) -> tuple[float, float]:
    """Give the 95 % score interval of a share (Wilson 1927); NaN without trials."""
    if not trials:
        return float("nan"), float("nan")
    share, spread = successes / trials, Z_95**2 / trials
    centre = share + spread / 2
    half = math.sqrt(spread * (share * (1 - share) + spread / 4))
    low, high = ((centre + side * half) / (1 + spread) for side in (-1, 1))
    return max(low, 0.0), min(high, 1.0)


def mcnemar(only_first: int, only_second: int) -> float:
    """Give the exact two-sided p of McNemar's test, from the two counts of units that disagree.

    The binomial tail in whole numbers, so that thousands of units neither overflow nor round.
    """
    units, fewer = only_first + only_second, min(only_first, only_second)
    tail = term = 1
    for k in range(fewer):
        term = term * (units - k) // (k + 1)
        tail += term
    return min(1.0, 2 * tail / (1 << units))
