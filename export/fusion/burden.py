"""The text side before any series is seen: which descriptions go with long hypotension.

In: patients of whom only the burden of a whole case is known (export.cohort.Burden), thousands where the
series know a hundred. Out: batches and a loss for export.schooling; what is learned is the way from the
language model's states to Teacher.burden, which the heads are told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from barocast.export.texts import VARIANTS

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from barocast.export.fusion.network import Teacher


@dataclass(frozen=True, slots=True)
class BurdenLesson:
    """Training patients' descriptions and burdens, and how they are drawn."""

    texts: NDArray[np.int64]
    """(patient, VARIANTS, text tokens) ids, -1 where nothing stands."""
    burdens: NDArray[np.float32]
    """(patient,) as export.texts.standardized_shares gives them."""
    steps: int
    """Batches in all."""
    rows: int = 64
    """In a batch."""
    seed: int = 0

    def batch(self, step: int) -> dict[str, Tensor]:
        """Give what burden_loss takes: the same for the same step."""
        random = np.random.default_rng((self.seed, step))
        which = random.integers(len(self.burdens), size=self.rows)
        variant = random.integers(VARIANTS, size=self.rows)
        return {
            "text": torch.from_numpy(self.texts[which, variant]),
            "burden": torch.from_numpy(self.burdens[which]),
        }


def burden_loss(model: Teacher, batch: dict[str, Tensor]) -> Tensor:
    """Give the mean squared error of the burdens, standardized."""
    return functional.mse_loss(model.burden(batch["text"]), batch["burden"])
