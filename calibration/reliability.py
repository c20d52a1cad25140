"""Whether a probability means what it says: Brier, slope, observed over expected, smooth curve, ICI.

In: labels (n,) of 0 and 1, probabilities (n,), optional weights (n,) such as how often a bootstrap drew
each row. Out: plain floats; NaN where the figure does not exist. Rows with an unknown label are left out by
the caller.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration.log_odds import CLIP, fit_logistic, logit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

SMOOTH_SPAN: Final = 0.75
"""Share of rows in each local regression of the smooth calibration curve (Austin and Steyerberg 2019)."""
SMOOTH_POINTS: Final = 50
ECE_BINS: Final = 10


def brier(labels: Floats, p: Floats, weights: Floats | None = None) -> float:
    """Give the mean squared difference of probability and label."""
    return float(np.average((p - labels) ** 2, weights=weights))


def scaled_brier(labels: Floats, p: Floats, weights: Floats | None = None) -> float:
    """Give 1 - Brier / Brier of the prevalence: 1 is perfect, 0 no better than the prevalence."""
    prevalence = float(np.average(labels, weights=weights))
    spread = prevalence * (1 - prevalence)
    return 1 - brier(labels, p, weights) / spread if spread else float("nan")


def log_losses(labels: Floats, p: Floats) -> NDArray[np.float64]:
    """Give each row's log loss in nats, of probabilities kept off 0 and 1."""
    kept = np.clip(p, CLIP, 1 - CLIP)
    return np.asarray(-np.log(np.where(labels == 1, kept, 1 - kept)))


def log_loss(labels: Floats, p: Floats, weights: Floats | None = None) -> float:
    """Give the mean log loss in nats."""
    return float(np.average(log_losses(labels, p), weights=weights))


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


def spiegelhalter_z(labels: Floats, p: Floats) -> float:
    """Give Spiegelhalter's z (1986): beyond 1.96 either way, the Brier score is not that of a calibrated p.

    It takes rows as independent; many rows of few patients make it large by themselves.
    """
    excess, variance = spiegelhalter_terms(labels, p)
    return float(excess.sum() / np.sqrt(variance.sum())) if variance.sum() else float("nan")


def spiegelhalter_terms(labels: Floats, p: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give each row's part of the numerator of z, and of the square of its denominator."""
    return np.asarray((labels - p) * (1 - 2 * p)), np.asarray((1 - 2 * p) ** 2 * p * (1 - p))


@dataclass(frozen=True, slots=True)
class Smoother:
    """Local linear regression with tricube weights (loess, Cleveland 1979), its reach fixed by the rows.

    Fixed, because then every bootstrap draw is smoothed by the same few matrix products.
    """

    at: NDArray[np.float64]
    """(m,) rising risks at which the curve is drawn: quantiles of the rows' risks."""
    reach: NDArray[np.float64]
    """(m,) half width of each regression: SMOOTH_SPAN of the rows lie within."""

    def curve(self, p: Floats, total: Floats, events: Floats) -> NDArray[np.float64]:
        """Give the observed frequency (draw, m), of risks `p` (k,) and their counts (draw, k)."""
        points = [
            _local_line(p - x, reach, total, events) for x, reach in zip(self.at, self.reach, strict=True)
        ]
        return np.stack(points, axis=1)

    def distances(self, p: Floats, curve: Floats) -> NDArray[np.float64]:
        """Give how far each curve (draw, m) lies from the diagonal at risks `p` (k,): (draw, k)."""
        if self.at.size == 1:
            return np.asarray(np.abs(curve - p))
        left = np.clip(np.searchsorted(self.at, p, side="right") - 1, 0, self.at.size - 2)
        share = (p - self.at[left]) / (self.at[left + 1] - self.at[left])
        return np.asarray(np.abs(curve[:, left] * (1 - share) + curve[:, left + 1] * share - p))


def smoother(p: Floats) -> Smoother:
    """Give the smoother that fits rows of these risks (n,), n at least 1."""
    at = np.unique(np.quantile(p, np.linspace(0, 1, SMOOTH_POINTS))).astype(np.float64)
    reach = [max(float(np.quantile(np.abs(p - x), SMOOTH_SPAN)), CLIP) for x in at]
    return Smoother(at, np.array(reach))


def calibration_curve(labels: Floats, p: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give (risk, smoothed observed frequency) at quantiles of the risk."""
    smooth = smoother(p)
    return smooth.at, smooth.curve(p, np.ones((1, p.size)), labels[None])[0]


def calibration_distances(labels: Floats, p: Floats) -> NDArray[np.float64]:
    """Give each row's distance (n,) of the smooth curve from the diagonal.

    Their mean is the ICI, their median and 90 % quantile are E50 and E90 (Austin and Steyerberg 2019).
    """
    smooth = smoother(p)
    return np.asarray(smooth.distances(p, smooth.curve(p, np.ones((1, p.size)), labels[None]))[0])


def ici(labels: Floats, p: Floats) -> float:
    """Give the integrated calibration index: mean distance of the smooth curve from the diagonal."""
    return float(calibration_distances(labels, p).mean())


def ece(labels: Floats, p: Floats) -> float:
    """Give the expected calibration error over ECE_BINS bins of equal mass. Never quoted alone."""
    return _binned_error(labels, p, equal_mass_bins(p))


def ece_equal_width(labels: Floats, p: Floats) -> float:
    """Give the expected calibration error over ECE_BINS bins of equal width. Never quoted alone."""
    return _binned_error(labels, p, equal_width_bins(p))


def equal_mass_bins(p: Floats) -> NDArray[np.intp]:
    """Give each row's bin, 0 to ECE_BINS - 1: as many rows in each as can be."""
    place = np.empty(p.size, dtype=np.intp)
    place[np.argsort(p, kind="stable")] = np.arange(p.size)
    return np.asarray(place * ECE_BINS // p.size)


def equal_width_bins(p: Floats) -> NDArray[np.intp]:
    """Give each row's bin, 0 to ECE_BINS - 1: equal steps in risk."""
    return np.minimum((p * ECE_BINS).astype(np.intp), ECE_BINS - 1)


def _binned_error(labels: Floats, p: Floats, bins: NDArray[np.intp]) -> float:
    return float(np.abs(np.bincount(bins, weights=labels - p)).sum() / p.size)


def _local_line(ahead: Floats, reach: float, total: Floats, events: Floats) -> NDArray[np.float64]:
    """Fit a line through the counts around `ahead` = 0; give its height there, (draw,)."""
    kernel = np.clip(1 - np.abs(ahead / reach) ** 3, 0, None) ** 3
    moments = np.stack([kernel, kernel * ahead, kernel * ahead**2], axis=1)
    one, x, xx = (total @ moments).T
    y, xy = (events @ moments[:, :2]).T
    spread = xx * one - x**2
    with np.errstate(invalid="ignore", divide="ignore"):
        line, level = (xx * y - x * xy) / spread, y / one
    return np.asarray(np.clip(np.where(spread > (CLIP * one) ** 2, line, level), 0, 1))
