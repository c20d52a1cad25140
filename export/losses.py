"""How far answers lie from what was observed or told, over what is known: NaN in a target is never learned.

In: answers and targets (B, ...), each target broadcast to its answer. Out: a scalar whose gradient is finite
whatever the target holds; 0 where nothing is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from barocast.calibration.forecast_error import QUANTILE_LEVELS

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


def mean_distance(said: Tensor, told: Tensor, distance: Callable[[Tensor], Tensor]) -> Tensor:
    """Give the mean distance from what was told, over what is not NaN; 0 where all is."""
    told = told.expand_as(said)
    known = torch.isfinite(told)
    apart = torch.where(known, torch.nan_to_num(told) - said, 0.0)
    return distance(apart).sum() / known.sum().clamp(min=1)


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Give the mean cross-entropy of logits with probabilities, 0 and 1 among them."""
    known = torch.isfinite(target)
    if not known.any():
        return logits.sum() * 0
    return functional.binary_cross_entropy_with_logits(logits[known], target[known])


def pinball(quantiles: Tensor, future: Tensor) -> Tensor:
    """Give the mean pinball loss of quantiles (B, level, step) for what followed (B, step), mmHg."""
    levels = torch.tensor(QUANTILE_LEVELS)[None, :, None]
    return mean_distance(
        quantiles, future[:, None], lambda apart: torch.maximum(levels * apart, (levels - 1) * apart)
    )
