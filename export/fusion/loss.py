"""What a teacher is corrected by: cross-entropy of its risks and outcomes, pinball loss of its quantiles.

Hypotension is weighted without moving what the network is asked for. To multiply a loss by more where the
outcome was low (IOHFuseLM: 11-fold) tilts the outcome's distribution, and the honest answer with it: risks
would be too high, and the band too low. So the risks are never weighted. The quantiles are, by stretching
the mmHg scale below 65 on both sides of the pinball loss: quantiles pass through a rising map unchanged,
so the best answer stays the true quantile, while an error among low pressures costs more. (The
threshold-weighted CRPS of Gneiting and Ranjan 2011, by its chaining function, Allen et al. 2023.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from barocast.calibration.events import HYPOTENSION
from barocast.calibration.forecast_error import QUANTILE_LEVELS
from barocast.export.losses import cross_entropy

if TYPE_CHECKING:
    from barocast.export.fusion.network import Teacher, TeacherAnswer


@dataclass(frozen=True, slots=True)
class TeacherLoss:
    """The loss as a function of a network and a batch (fusion.lesson)."""

    distilled_share: float = 0.5
    """Weight of soft targets against labels; labels alone count where a batch has no soft target."""
    quantile_weight: float = 0.03
    """Per mmHg of pinball loss."""
    low_weight: float = 3.0
    """How many times a mmHg below 65 counts in the pinball loss."""
    outcome_weight: float = 0.2

    def __call__(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        """Give the mean loss of a batch."""
        answer: TeacherAnswer = model(batch["series"], batch["mask"], batch["trend"], batch["text"])
        return self.of(answer, batch)

    def of(self, answer: TeacherAnswer, batch: dict[str, Tensor]) -> Tensor:
        """Give the mean loss of an answer to a batch."""
        risk = cross_entropy(answer.logits, batch["labels"])
        if torch.isfinite(batch["soft"]).any():
            distilled = cross_entropy(answer.logits, batch["soft"])
            risk = risk + self.distilled_share * (distilled - risk)
        band = low_weighted_pinball(answer.quantiles, batch["future"], self.low_weight)
        outcomes = cross_entropy(answer.outcomes, batch["outcomes"])
        return risk + self.quantile_weight * band + self.outcome_weight * outcomes


def straight_loss(model: Teacher, batch: dict[str, Tensor]) -> Tensor:
    """Give the loss of what the teacher says past the language model; nothing else of it learns."""
    answer = model.straight(batch["series"], batch["mask"], batch["trend"])
    return TeacherLoss().of(answer, batch)


def low_weighted_pinball(quantiles: Tensor, future: Tensor, low_weight: float) -> Tensor:
    """Give the mean over the observed steps of quantiles (B, 3, steps) against future (B, steps), mmHg."""
    levels = torch.tensor(QUANTILE_LEVELS, device=quantiles.device)[:, None]
    error = _stretched(future, low_weight).unsqueeze(1) - _stretched(quantiles, low_weight)
    known = torch.isfinite(error)
    error = torch.where(known, error, torch.zeros_like(error))
    return torch.maximum(levels * error, (levels - 1) * error).sum() / known.sum().clamp(min=1)


def _stretched(mmhg: Tensor, low_weight: float) -> Tensor:
    return mmhg + (low_weight - 1) * (mmhg - HYPOTENSION.below_mmhg).clamp(max=0)
