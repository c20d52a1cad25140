"""Ours: half an hour of MAP sampled whole, given what shall come of it.

In: half hours of training patients; then, for each new one, MAP at the landmark and the minutes until the
onset that is asked for, or none. Out: (n, 180) mmHg: the window and the 15 min that follow, a new course of
pressure from its slow fall to its texture. What is asked for is a wish: the label is found anew by whoever
makes a row of it. Whether a fall was treated is unknown in the cohort, so no condition can ask for that.

The denoiser works on the half hour's discrete cosine transform, in which slow and fast parts are nearly
uncorrelated. Some patients' pressure moves ten times as much as others', so each band of periods is divided
by its own size, and the sizes are columns of their own: what is left is of one size for everybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from barocast.export.diffusion.denoiser import sampled
from barocast.export.diffusion.half_hours import AHEAD_STEPS, STRETCH_STEPS
from barocast.export.diffusion.residual import in_range
from barocast.runtime.timeline import STEP_S

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from barocast.export.diffusion.denoiser import Denoiser

ONSET_WAVES: Final = 4
ASKED: Final = 2 + ONSET_WAVES
"""Columns of a condition that say the outcome: a fall, none, and when."""
CONDITIONS: Final = ASKED + 2
"""And MAP at the landmark, with its square."""
BANDS: Final = ((1, 12), (12, 60), (60, STRETCH_STEPS))
"""Of the transform: periods longer than 5 min, of 1 to 5 min, and shorter than 1 min."""
LEAST_MMHG: Final = 0.01
"""A band that does not move at all has a size all the same."""
VECTOR: Final = len(BANDS) + STRETCH_STEPS
LEVEL_CENTRE: Final = 80.0
LEVEL_SCALE: Final = 15.0
AHEAD_MIN: Final = AHEAD_STEPS * STEP_S / 60


@dataclass(frozen=True, slots=True)
class Asked:
    """What shall come of each new half hour."""

    level: NDArray[np.float32]
    """(n,) MAP at the landmark, mmHg."""
    minutes: NDArray[np.float32]
    """(n,) until the onset, NaN for none within 15 min."""

    def __len__(self) -> int:
        return len(self.level)


def conditions(asked: Asked) -> Tensor:
    """Give (n, CONDITIONS): the outcome in front, which guidance strengthens, then the level."""
    fall = np.isfinite(asked.minutes)[:, None]
    turn = np.pi * np.nan_to_num(asked.minutes)[:, None] / AHEAD_MIN * np.arange(1, ONSET_WAVES + 1)
    level = ((asked.level - LEVEL_CENTRE) / LEVEL_SCALE)[:, None]
    columns = [fall, ~fall, np.where(fall, np.cos(turn), 0), level, level**2]
    return torch.from_numpy(np.concatenate(columns, axis=1).astype(np.float32))


def vectors(mmhg: NDArray[np.float32]) -> Tensor:
    """Give (n, VECTOR) of half hours (n, STRETCH_STEPS) without gaps: how much each band moves, then how."""
    parts = mmhg @ _cosines()
    sizes = [_size(parts[:, start:stop]) for start, stop in BANDS]
    shapes = [parts[:, start:stop] / size for (start, stop), size in zip(BANDS, sizes, strict=True)]
    return torch.from_numpy(
        np.concatenate([*(np.log(size) for size in sizes), parts[:, :1], *shapes], axis=1)
    )


def stretches(vectors: Tensor) -> NDArray[np.float32]:
    """Give the half hours (n, STRETCH_STEPS), mmHg, of `vectors` (n, VECTOR)."""
    sizes, mean, shape = np.split(vectors.numpy(), [len(BANDS), len(BANDS) + 1], axis=1)
    bands = [shape[:, start - 1 : stop - 1] for start, stop in BANDS]
    moved = [band / _size(band) * np.exp(size[:, None]) for band, size in zip(bands, sizes.T, strict=True)]
    return np.asarray(np.concatenate([mean, *moved], axis=1) @ _cosines().T, dtype=np.float32)


def new_stretches(denoiser: Denoiser, asked: Asked, guidance: float, seed: int) -> NDArray[np.float32]:
    """Give (n, STRETCH_STEPS) mmHg, one for each that is asked for; NaN where it left 20 to 200 mmHg."""
    random = torch.Generator().manual_seed(seed)
    return in_range(stretches(sampled(denoiser, conditions(asked), random, guidance)))


def _size(band: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give the root mean square of each row's band, (n, 1), mmHg."""
    size = np.sqrt((band**2).mean(axis=1, keepdims=True))
    return np.asarray(np.maximum(size, LEAST_MMHG), dtype=np.float32)


def _cosines() -> NDArray[np.float32]:
    """Give the orthonormal DCT-II, (time, frequency)."""
    at = np.arange(STRETCH_STEPS)
    basis: NDArray[np.float64] = np.cos(np.pi * (at[:, None] + 0.5) * at / STRETCH_STEPS) * np.sqrt(
        2 / STRETCH_STEPS
    )
    basis[:, 0] /= np.sqrt(2)
    return basis.astype(np.float32)
