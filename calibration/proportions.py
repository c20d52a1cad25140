"""Counts of yes and no: the test of two shares on the same units.

It takes units as independent. Rows of one patient are not; where units are rows, the patient bootstrap's
interval is the one to read, and this stands beside it because readers ask for it.
"""

from __future__ import annotations


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
