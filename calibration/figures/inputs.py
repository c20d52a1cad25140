"""What the forecasts were fed: the distribution of the input, and how far it has moved from another.

In: Judged rows. Out: histograms over fixed edges, which say nothing of any single patient. `drift` is the
population stability index between two of them: below .1 hardly any, above .25 marked (as credit scoring has
long used it; Siddiqi 2006). It is a reason to look, not a test.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from barocast.calibration.judged import Judged

MARKED: Final = 0.25
LEAST_SHARE: Final = 1e-3
"""Stands for an empty bin, so that one rare value does not make the index infinite."""
EDGES: Final[Mapping[str, tuple[float, ...]]] = MappingProxyType(
    {
        "map_mmhg": (65, 70, 75, 80, 85, 90, 100, 110, 120),
        "map_change_mmhg": (-20, -10, -5, -2, 2, 5, 10, 20),
        "valid_share": (0.75, 0.8, 0.85, 0.9, 0.95, 0.99),
        "risk": (0.02, 0.05, 0.1, 0.2, 0.3, 0.5),
    }
)
"""Input -> inner edges of its bins; the outermost bins are open."""
LOOK_BACK: Final = 90
"""Columns of a window."""


def figures(judged: Judged, column: int) -> dict[str, list[int]]:
    """Give input -> rows in each bin, over the rows with a forecast of horizon `column`."""
    rows = judged.take(judged.answered)
    values = {name: of(rows) for name, of in _VALUES.items()} | {"risk": rows.p[:, column]}
    return {name: _binned(values[name], edges) for name, edges in EDGES.items()}


def drift(reference: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, float]:
    """Give input -> population stability index; NaN where either holds no row."""
    return {name: _index(np.array(reference[name]), np.array(now[name])) for name in EDGES}


def _index(reference: NDArray[np.int64], now: NDArray[np.int64]) -> float:
    if not (reference.sum() and now.sum()):
        return float("nan")
    expected, seen = (np.maximum(counts / counts.sum(), LEAST_SHARE) for counts in (reference, now))
    return float(((seen - expected) * np.log(seen / expected)).sum())


def _binned(values: NDArray[np.float64], edges: tuple[float, ...]) -> list[int]:
    finite = values[np.isfinite(values)]
    counts: list[int] = np.bincount(
        np.searchsorted(edges, finite, side="right"), minlength=len(edges) + 1
    ).tolist()
    return counts


def _windows(judged: Judged) -> NDArray[np.float64]:
    """Give (n, LOOK_BACK) the MAP columns up to each landmark."""
    rows = [
        judged.cases[case].map_mmhg[at + 1 - LOOK_BACK : at + 1]
        for case, at in zip(judged.case.tolist(), judged.at.tolist(), strict=True)
    ]
    return np.array(rows, dtype=np.float64).reshape(len(judged), LOOK_BACK)


def _change(judged: Judged) -> NDArray[np.float64]:
    """Give how far MAP now lies above the mean of its window."""
    windows = _windows(judged)
    seen = np.isfinite(windows)
    return np.asarray(judged.now - np.where(seen, windows, 0).sum(axis=1) / seen.sum(axis=1))


_VALUES: Final[Mapping[str, Callable[[Judged], NDArray[np.float64]]]] = MappingProxyType(
    {
        "map_mmhg": lambda judged: judged.now,
        "map_change_mmhg": _change,
        "valid_share": lambda judged: np.asarray(np.isfinite(_windows(judged)).mean(axis=1)),
    }
)
