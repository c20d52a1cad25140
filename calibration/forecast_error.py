"""How far a forecast of MAP lies from what followed: error, pinball loss, and what its band holds.

In: observed MAP (...), mmHg, NaN where missing; forecasts of the same shape, quantiles with their level in
front. Out: the loss of each step, or its mean over the steps that have an observation; NaN without any.

`crps` is what three quantiles tell of the CRPS, twice their mean pinball loss: 11 % below the CRPS of a
perfect normal forecast, and the CRPS itself of a single number. The two are not compared on equal terms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

QUANTILE_LEVELS: Final = (0.1, 0.5, 0.9)


def mean_absolute_error(observed: Floats, forecast: Floats) -> float:
    """Give the mean absolute error, mmHg."""
    return mean_of_observed(np.abs(observed - forecast))


def crps(observed: Floats, quantiles: Floats, levels: tuple[float, ...] = QUANTILE_LEVELS) -> float:
    """Give twice the mean pinball loss of quantiles (level, ...), mmHg: the mean of `crps_steps`."""
    return mean_of_observed(crps_steps(observed, quantiles, levels))


def coverage(observed: Floats, low: Floats, high: Floats) -> float:
    """Give the share of observations inside the band."""
    return mean_of_observed(inside(observed, low, high))


def mean_width(observed: Floats, low: Floats, high: Floats) -> float:
    """Give the mean width of the band, mmHg, over the same steps as its coverage."""
    return mean_of_observed(np.where(np.isfinite(observed), high - low, np.nan))


def crps_steps(
    observed: Floats, quantiles: Floats, levels: tuple[float, ...] = QUANTILE_LEVELS
) -> NDArray[np.float64]:
    """Give each step's mean pinball loss over the levels, twice.

    It tends to the CRPS as levels fill 0 to 1 (Gneiting and Raftery 2007); with a single level of 0.5, or
    equal quantiles, it is the absolute error.
    """
    losses = [_pinball(observed, q, level) for q, level in zip(quantiles, levels, strict=True)]
    return np.asarray(2 * np.mean(losses, axis=0))


def inside(observed: Floats, low: Floats, high: Floats) -> NDArray[np.float64]:
    """Give 1 where the observation lies in the band, 0 where not, NaN without one."""
    held = (observed >= low) & (observed <= high)
    return np.where(np.isfinite(observed), held.astype(np.float64), np.nan)


def mean_of_observed(losses: Floats) -> float:
    """Give the mean of what is not NaN; NaN without any."""
    seen = losses[np.isfinite(losses)]
    return float(seen.mean()) if seen.size else float("nan")


def _pinball(observed: Floats, quantile: Floats, level: float) -> NDArray[np.float64]:
    error = observed - quantile
    return np.asarray(np.maximum(level * error, (level - 1) * error))
