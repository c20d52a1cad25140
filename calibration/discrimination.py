"""How well a score tells events from the rest: ROC, precision and recall, and the areas under them.

In: labels (n,) of 0 and 1, any scores (n,) where only order counts, optional weights (n,) such as how often
a bootstrap drew each row. Out: plain floats; NaN where the figure does not exist (no positives, say). Rows
with an unknown label are left out by the caller.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

LEAST: Final = 1e-12
"""Stands for an empty count below a fraction whose numerator is 0 too."""


@dataclass(frozen=True, slots=True)
class OperatingPoints:
    """What every threshold of a score would do: row is called positive where score >= threshold."""

    thresholds: NDArray[np.float64]
    """(k,) falling; the first is infinite and calls nothing."""
    sensitivity: NDArray[np.float64]
    """(k,) rising from 0 to 1; also called recall."""
    specificity: NDArray[np.float64]
    """(k,) falling from 1 to 0."""
    precision: NDArray[np.float64]
    """(k,) positive predictive value; 1 where nothing is called."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """Rows sorted once by falling score, so that each bootstrap draw costs one running sum.

    Both areas are sums over the events alone: of the other rows only those above each event are counted.
    """

    order: NDArray[np.intp]
    """(n,) rows by falling score."""
    labels: NDArray[np.float64]
    """(n,) in that order."""
    tie_ends: NDArray[np.intp]
    """Places behind each group of equal scores."""
    thresholds: NDArray[np.float64]
    """The groups' scores."""
    events: NDArray[np.intp]
    """Rows with an event, in that order."""
    first_events: NDArray[np.intp]
    """Index into `events` of the first of each group that has any."""
    groups: NDArray[np.intp]
    """(2, such groups) places at which they begin and end."""

    def areas(self, weights: Floats | None = None) -> tuple[float, float]:
        """Give the area under the ROC curve (ties count half) and the average precision."""
        if not self.events.size:
            return float("nan"), float("nan")
        drawn = np.ones(self.order.size) if weights is None else weights
        called = _from_zero(np.cumsum(drawn[self.order]))
        before, through = called[self.groups]
        here = np.add.reduceat(drawn[self.events], self.first_events)
        hits = np.cumsum(here)
        with np.errstate(invalid="ignore", divide="ignore"):
            above = (before + through - 2 * hits + here) / 2 / (called[-1] - hits[-1])
            precision = hits / np.maximum(through, LEAST)
            return float(np.sum(here * (1 - above)) / hits[-1]), float(np.sum(here * precision) / hits[-1])

    def auroc(self, weights: Floats | None = None) -> float:
        """Give the area under the ROC curve; ties count half."""
        return self.areas(weights)[0]

    def auprc(self, weights: Floats | None = None) -> float:
        """Give the average precision (the step-wise area under precision and recall)."""
        return self.areas(weights)[1]

    def operating_points(self) -> OperatingPoints:
        """Give sensitivity, specificity and precision at every threshold; NaN where a class is empty."""
        called, hits = _from_zero(self.tie_ends), _from_zero(np.cumsum(self.labels)[self.tie_ends - 1])
        misses = called - hits
        with np.errstate(invalid="ignore", divide="ignore"):
            sensitivity, specificity = hits / hits[-1], 1 - misses / misses[-1]
            precision = np.append([1.0], (hits / called)[1:])
        return OperatingPoints(np.append([np.inf], self.thresholds), sensitivity, specificity, precision)


def rank(labels: Floats, scores: Floats) -> Ranking:
    """Sort rows (n,) by falling score."""
    order = np.argsort(-scores, kind="stable")
    ordered, y = np.asarray(scores, dtype=np.float64)[order], np.asarray(labels, dtype=np.float64)[order]
    tie_ends = 1 + np.flatnonzero(np.append(np.diff(ordered) != 0, [True][: ordered.size]))
    places = np.flatnonzero(y)
    group = np.searchsorted(tie_ends, places, side="right")
    found, first_events = np.unique(group, return_index=True)
    groups = np.stack([np.append([0], tie_ends)[found], tie_ends[found]])
    return Ranking(order, y, tie_ends, ordered[tie_ends - 1], order[places], first_events, groups)


def auroc(labels: Floats, scores: Floats, weights: Floats | None = None) -> float:
    """Give the area under the ROC curve; ties count half."""
    return rank(labels, scores).auroc(weights)


def auprc(labels: Floats, scores: Floats, weights: Floats | None = None) -> float:
    """Give the average precision."""
    return rank(labels, scores).auprc(weights)


def threshold_at(labels: Floats, scores: Floats, specificity: float) -> float:
    """Give the lowest threshold that is at least this specific; infinite where only silence is."""
    points = rank(labels, scores).operating_points()
    return float(points.thresholds[points.specificity >= specificity][-1])


def _from_zero(counts: NDArray[Any]) -> NDArray[np.float64]:
    return np.concatenate(([0.0], counts))
