"""Log-odds and the regression on them: what calibrators apply and what calibration figures are read from.

numpy alone, since the bedside imports this; rows (n,) of labels 0 and 1, or counts gathered in cells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

CLIP: Final = 1e-6
"""Probabilities are kept this far from 0 and 1 where a logit is taken."""
FARTHEST: Final = 60.0
"""Log-odds beyond which a probability is 0 or 1 to the last digit."""
NEWTON_STEPS: Final = 50
LONGEST_STEP: Final = 5.0
"""Of one Newton step; without events the true answer lies at infinity, and is given up after NEWTON_STEPS."""
SINGULAR: Final = 1e-12
"""A determinant below it, or a share of the largest singular value: the points do not tell a line."""


def logit(p: Floats) -> NDArray[np.float64]:
    """Give log-odds, of probabilities kept off 0 and 1."""
    kept = np.clip(p, CLIP, 1 - CLIP)
    return np.asarray(np.log(kept / (1 - kept)))


def sigmoid(x: Floats) -> NDArray[np.float64]:
    """Give the probability of log-odds."""
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -FARTHEST, FARTHEST))))


def fit_logistic(
    design: Floats, labels: Floats, weights: Floats | None = None, offset: Floats | float = 0.0
) -> NDArray[np.float64]:
    """Give the maximum-likelihood coefficients of a small logistic regression (Newton's method).

    NaN where there is no single answer: labels are all the same or told apart without an error (it lies at
    infinity), or columns of the design do not differ.
    """
    w = np.ones(labels.size) if weights is None else weights
    if (w * labels).sum() in {0.0, w.sum()}:
        return np.full(design.shape[1], np.nan)
    beta = np.zeros(design.shape[1])
    for _ in range(NEWTON_STEPS):
        p = sigmoid(design @ beta + offset)
        curvature = (design * (w * p * (1 - p))[:, None]).T @ design
        step, _, rank, _ = np.linalg.lstsq(curvature, design.T @ (w * (labels - p)), rcond=SINGULAR)
        if rank < beta.size:
            break
        beta = beta + step
        if np.abs(step).max() < CLIP:
            return np.asarray(beta)
    return np.full(beta.size, np.nan)


def fit_lines(x: Floats, total: Floats, events: Floats) -> NDArray[np.float64]:
    """Give (draw, 2) slope and intercept of many logistic regressions on one x, all at once.

    `x` (cell,) log-odds; `total` and `events` (draw, cell) counts. NaN where a draw has no answer.
    """
    line = np.tile([1.0, 0.0], (len(total), 1))
    for _ in range(NEWTON_STEPS):
        p = sigmoid(line[:, :1] * x + line[:, 1:])
        step = _newton_step(x, events - total * p, total * p * (1 - p))
        line = line + np.clip(step, -LONGEST_STEP, LONGEST_STEP)
        if not (np.abs(step) >= CLIP).any():
            break
    line[(np.abs(step) >= CLIP).any(axis=1)] = np.nan
    return line


def fit_shifts(x: Floats, total: Floats, events: Floats) -> NDArray[np.float64]:
    """Give (draw,) intercepts with the slope held at 1; arguments as for `fit_lines`."""
    shift = np.zeros(len(total))
    for _ in range(NEWTON_STEPS):
        p = sigmoid(x + shift[:, None])
        with np.errstate(invalid="ignore", divide="ignore"):
            step = (events - total * p).sum(axis=1) / (total * p * (1 - p)).sum(axis=1)
        shift = shift + np.clip(step, -LONGEST_STEP, LONGEST_STEP)
        if not (np.abs(step) >= CLIP).any():
            break
    shift[np.abs(step) >= CLIP] = np.nan
    return shift


def _newton_step(x: Floats, surplus: Floats, curvature: Floats) -> NDArray[np.float64]:
    """Solve the two by two system of every draw; NaN where it has no single answer."""
    by_slope, by_shift = surplus @ x, surplus.sum(axis=1)
    xx, x1, one = curvature @ x**2, curvature @ x, curvature.sum(axis=1)
    determinant = xx * one - x1**2
    determinant = np.where(determinant > SINGULAR, determinant, np.nan)
    slope = (one * by_slope - x1 * by_shift) / determinant
    shift = (xx * by_shift - x1 * by_slope) / determinant
    return np.stack([slope, shift], axis=1)
