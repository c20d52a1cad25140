"""Intervals from a bootstrap over patients: rows of one patient are never drawn apart.

Two ways to the same draws. `estimate` takes any statistic of row weights and calls it once a draw. Figures
that are made of sums over rows (most are) go through `PatientDraws`: rows are summed once per patient, and
all draws together are one matrix product. `Drawn` arrays hold a figure's value first, then one value a draw;
what is drawn from one PatientDraws is paired, so the difference of two models is a subtraction.

Of fewer than MIN_PATIENTS patients nothing is drawn: figures keep their value and have no interval (NaN),
because draws of one patient are all alike, and an interval without width would look like certainty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import ArrayLike, NDArray

    Drawn: TypeAlias = NDArray[np.float64]

DRAWS: Final = 1000
LEVEL: Final = 0.95
MIN_PATIENTS: Final = 5
"""Fewer tell nothing of how patients differ."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Print as tables do: .871 (.845 to .893)."""
        return f"{_short(self.value)} ({_short(self.low)} to {_short(self.high)})"


@dataclass(frozen=True, slots=True)
class PatientDraws:
    """Which patients each draw holds."""

    row: NDArray[np.intp]
    """(n,) place of each row's patient among the sorted patients."""
    times: NDArray[np.float64]
    """(1 + draws, patient) how often each was drawn; in front, everyone once: the figure itself."""

    def __len__(self) -> int:
        return len(self.times)

    def weights(self) -> Iterator[NDArray[np.float64]]:
        """Give, draw by draw, how often each row (n,) was drawn with its patient."""
        return (times[self.row] for times in self.times)

    def sums(self, columns: NDArray[np.floating[Any]]) -> Drawn:
        """Give the sum of each column (n, k) over the rows drawn: (1 + draws, k)."""
        patients = self.times.shape[1]
        by_patient = [np.bincount(self.row, weights=column, minlength=patients) for column in columns.T]
        return self.times @ np.stack(by_patient, axis=1)

    def counts(
        self, cell: NDArray[np.intp], cells: int, weights: NDArray[np.floating[Any]] | None = None
    ) -> Drawn:
        """Give how many drawn rows lie in each cell (n,), or the sum of their weights: (1 + draws, cells)."""
        patients = self.times.shape[1]
        table = np.bincount(self.row * cells + cell, weights=weights, minlength=patients * cells)
        return np.asarray(self.times @ table.reshape(patients, cells))


def draw_patients(patients: NDArray[Any], draws: int = DRAWS, seed: int = 0) -> PatientDraws:
    """Draw as many patients as there are, with replacement, `draws` times; patients (n,) of the rows.

    No draw is made of fewer than MIN_PATIENTS.
    """
    names, row = np.unique(patients, return_inverse=True)
    random = np.random.default_rng(seed)
    wanted = draws if names.size >= MIN_PATIENTS else 0
    drawn = random.integers(max(names.size, 1), size=(wanted, names.size))
    times = [np.bincount(patients_of, minlength=names.size) for patients_of in drawn]
    return PatientDraws(row, np.array([np.ones(names.size), *times], dtype=np.float64))


def estimate(
    statistic: Callable[[NDArray[np.float64]], ArrayLike],
    patients: NDArray[Any],
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> list[Estimate]:
    """Give each figure of `statistic` (of row weights) with its percentile interval.

    Draws on which a figure does not exist (NaN) are left out for that figure; the interval is NaN when
    it exists on none, and with fewer than MIN_PATIENTS patients.
    """
    weights = draw_patients(patients, draws, seed).weights()
    drawn = np.array([np.atleast_1d(np.asarray(statistic(w), dtype=np.float64)) for w in weights])
    return [interval(column) for column in drawn.T]


def interval(drawn: Drawn) -> Estimate:
    """Give the value (first) and the percentile interval of the draws (the rest) that have the figure."""
    found = drawn[1:][np.isfinite(drawn[1:])]
    if not found.size:
        return Estimate(float(drawn[0]), float("nan"), float("nan"))
    low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(float(drawn[0]), float(low), float(high))


def intervals(drawn: Mapping[str, Drawn]) -> dict[str, Estimate]:
    """Give every named figure with its interval."""
    return {name: interval(values) for name, values in drawn.items()}


def _short(figure: float) -> str:
    """Print three decimals; a leading 0 is left out, as in tables of AUROC."""
    text = f"{figure:.3f}"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text
