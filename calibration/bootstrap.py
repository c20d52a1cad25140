"""Intervals from a bootstrap over patients: rows of one patient are never drawn apart.

In: a statistic of row weights, and each row's patient. Out: the value with its 95 % interval. A
statistic that returns several figures has them all on the same draws, so their differences are
paired.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import ArrayLike, NDArray

DRAWS: Final = 1000
LEVEL: Final = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Print as tables do: .871 (.845 to .893)."""
        return f"{_short(self.value)} ({_short(self.low)} to {_short(self.high)})"


def estimate(
    statistic: Callable[[NDArray[np.float64]], ArrayLike],
    patients: NDArray[Any],
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> list[Estimate]:
    """Give each figure of `statistic` (of row weights) with its percentile interval.

    Draws on which a figure does not exist (NaN) are left out for that figure; the interval is NaN when
    it exists on none.
    """
    value = np.atleast_1d(np.asarray(statistic(np.ones(patients.size)), dtype=np.float64))
    drawn = np.array([np.atleast_1d(statistic(w)) for w in draw_weights(patients, draws, seed)])
    return [Estimate(float(v), *_interval(drawn[:, column])) for column, v in enumerate(value)]


def draw_weights(patients: NDArray[Any], draws: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Give, draw by draw, how often each row (n,) was drawn with its patient."""
    names, row = np.unique(patients, return_inverse=True)
    random = np.random.default_rng(seed)
    for _ in range(draws):
        times = np.bincount(random.integers(names.size, size=names.size), minlength=names.size)
        yield times[row].astype(np.float64)


def _interval(drawn: NDArray[np.float64]) -> tuple[float, float]:
    found = drawn[np.isfinite(drawn)]
    if not found.size:
        return float("nan"), float("nan")
    low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _short(figure: float) -> str:
    """Print three decimals; a leading 0 is left out, as in tables of AUROC."""
    text = f"{figure:.3f}"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text
