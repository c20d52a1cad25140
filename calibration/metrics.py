"""What is said of a forecast: discrimination, calibration, error of the MAP quantiles.

In: labels (n,) of 0 and 1, probabilities (n,) or any scores where only order counts, optional
weights (n,) such as how often a bootstrap drew each row. Out: plain floats; NaN where the figure
does not exist (no positives, say). Rows with an unknown label are left out by the caller.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

QUANTILE_LEVELS: Final = (0.1, 0.5, 0.9)
CLIP: Final = 1e-6
"""Probabilities are kept this far from 0 and 1 where a logit is taken."""
SMOOTH_SPAN: Final = 0.75
"""Share of rows in each local regression of the smooth calibration curve (Austin and Steyerberg 2019)."""
SMOOTH_POINTS: Final = 50
NEWTON_STEPS: Final = 50


@dataclass(frozen=True, slots=True)
class Ranking:
    """Rows sorted once by falling score, so that each bootstrap draw costs one running sum."""

    order: NDArray[np.intp]
    labels: NDArray[np.float64]
    """(n,) in that order."""
    tie_ends: NDArray[np.intp]
    """Last row of each group of equal scores."""

    def auroc(self, weights: Floats | None = None) -> float:
        """Give the area under the ROC curve; ties count half."""
        hits, misses = self._counts(weights)
        if not (hits[-1] and misses[-1]):
            return float("nan")
        return float(np.trapezoid(hits, misses) / (hits[-1] * misses[-1]))

    def auprc(self, weights: Floats | None = None) -> float:
        """Give the average precision (the step-wise area under precision and recall)."""
        hits, misses = self._counts(weights)
        if not hits[-1]:
            return float("nan")
        seen = np.maximum(hits + misses, CLIP)
        return float(np.sum(np.diff(hits) * (hits / seen)[1:]) / hits[-1])

    def _counts(self, weights: Floats | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        w = np.ones(self.order.size) if weights is None else weights[self.order]
        hits, misses = np.cumsum(w * self.labels), np.cumsum(w * (1 - self.labels))
        return _from_zero(hits[self.tie_ends]), _from_zero(misses[self.tie_ends])


def rank(labels: Floats, scores: Floats) -> Ranking:
    """Sort rows (n,) by falling score."""
    order = np.argsort(-scores, kind="stable")
    tie_ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, [True]))
    return Ranking(order, np.asarray(labels, dtype=np.float64)[order], tie_ends)


def auroc(labels: Floats, scores: Floats, weights: Floats | None = None) -> float:
    """Give the area under the ROC curve; ties count half."""
    return rank(labels, scores).auroc(weights)


def auprc(labels: Floats, scores: Floats, weights: Floats | None = None) -> float:
    """Give the average precision."""
    return rank(labels, scores).auprc(weights)


def brier(labels: Floats, p: Floats, weights: Floats | None = None) -> float:
    """Give the mean squared difference of probability and label."""
    return float(np.average((p - labels) ** 2, weights=weights))


def scaled_brier(labels: Floats, p: Floats, weights: Floats | None = None) -> float:
    """Give 1 - Brier / Brier of the prevalence: 1 is perfect, 0 no better than the prevalence."""
    prevalence = float(np.average(labels, weights=weights))
    spread = prevalence * (1 - prevalence)
    return 1 - brier(labels, p, weights) / spread if spread else float("nan")


def observed_expected(labels: Floats, p: Floats, weights: Floats | None = None) -> float:
    """Give observed over expected events: 1 is calibrated in the large, above 1 the risk was too low."""
    return float(np.average(labels, weights=weights) / np.average(p, weights=weights))


def calibration_line(labels: Floats, p: Floats, weights: Floats | None = None) -> tuple[float, float]:
    """Give slope and intercept of the labels' logit on the forecast's logit (Cox 1958); 1 and 0 are ideal."""
    design = np.stack([logit(p), np.ones_like(p)], axis=1)
    slope, intercept = fit_logistic(design, labels, weights)
    return float(slope), float(intercept)


def calibration_in_the_large(labels: Floats, p: Floats, weights: Floats | None = None) -> float:
    """Give the intercept with the slope held at 1; 0 is ideal."""
    (shift,) = fit_logistic(np.ones((p.size, 1)), labels, weights, offset=logit(p))
    return float(shift)


def calibration_curve(labels: Floats, p: Floats) -> tuple[Floats, NDArray[np.float64]]:
    """Give (risk, smoothed observed frequency) at quantiles of the risk: local lines, tricube weights."""
    at = np.unique(np.quantile(p, np.linspace(0, 1, SMOOTH_POINTS)))
    return at, np.array([_local_line(labels, p, x) for x in at])


def ici(labels: Floats, p: Floats) -> float:
    """Give the integrated calibration index: mean distance of the smooth curve from the diagonal."""
    at, observed = calibration_curve(labels, p)
    return float(np.mean(np.abs(np.interp(p, at, observed) - p)))


def ece(labels: Floats, p: Floats, bins: int = 10) -> float:
    """Give the expected calibration error over bins of equal mass. Never quoted alone."""
    groups = np.array_split(np.argsort(p, kind="stable"), bins)
    gaps = [abs(labels[g].mean() - p[g].mean()) * g.size for g in groups if g.size]
    return float(sum(gaps) / p.size)


def mean_absolute_error(observed: Floats, forecast: Floats) -> float:
    """Give the mean absolute error over the steps with an observation."""
    return float(np.nanmean(np.abs(observed - forecast)))


def crps(observed: Floats, quantiles: Floats, levels: tuple[float, ...] = QUANTILE_LEVELS) -> float:
    """Give the CRPS of a forecast by its quantiles (level, ...): twice the mean pinball loss.

    With a single level of 0.5 this is the absolute error, so a point forecast compares fairly.
    """
    losses = [_pinball(observed, q, level) for q, level in zip(quantiles, levels, strict=True)]
    return float(2 * np.nanmean(losses))


def coverage(observed: Floats, low: Floats, high: Floats) -> float:
    """Give the share of observations inside the band."""
    seen = np.isfinite(observed)
    return float(((observed >= low) & (observed <= high))[seen].mean())


def logit(p: Floats) -> NDArray[np.float64]:
    """Give log-odds, of probabilities kept off 0 and 1."""
    kept = np.clip(p, CLIP, 1 - CLIP)
    return np.asarray(np.log(kept / (1 - kept)))


def sigmoid(x: Floats) -> NDArray[np.float64]:
    """Give the probability of log-odds."""
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -60, 60))))


def fit_logistic(
    design: Floats, labels: Floats, weights: Floats | None = None, offset: Floats | float = 0.0
) -> NDArray[np.float64]:
    """Give the maximum-likelihood coefficients of a small logistic regression (Newton's method)."""
    w = np.ones(labels.size) if weights is None else weights
    beta = np.zeros(design.shape[1])
    for _ in range(NEWTON_STEPS):
        p = sigmoid(design @ beta + offset)
        curvature = (design * (w * p * (1 - p))[:, None]).T @ design
        step = np.linalg.lstsq(curvature, design.T @ (w * (labels - p)), rcond=None)[0]
        beta = beta + step
        if np.abs(step).max() < CLIP:
            break
    return beta


def _from_zero(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate(([0.0], counts))


def _local_line(labels: Floats, p: Floats, x: float) -> float:
    distance = np.abs(p - x)
    reach = max(float(np.quantile(distance, SMOOTH_SPAN)), CLIP)
    w = np.clip(1 - (distance / reach) ** 3, 0, None) ** 3
    centre, level = np.average(p, weights=w), np.average(labels, weights=w)
    spread = np.average((p - centre) ** 2, weights=w)
    slope = np.average((p - centre) * (labels - level), weights=w) / spread if spread > CLIP**2 else 0.0
    return float(np.clip(level + slope * (x - centre), 0, 1))


def _pinball(observed: Floats, quantile: Floats, level: float) -> NDArray[np.float64]:
    error = observed - quantile
    return np.asarray(np.maximum(level * error, (level - 1) * error))
