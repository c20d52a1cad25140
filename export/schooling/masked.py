"""Masked-patch pretraining: patches of a window are hidden and have to be told from the rest.

    batch    series, mask  (n, C, steps) as ModelInput
             hidden        (n, P) bool: patches of every channel that the network must not see
             target        (n, C, steps) standardized, 0 where nothing was measured
             weight        (n, C, steps) of each hidden valid sample, 0 elsewhere

A patch in which nothing was measured is never hidden, and one patch always stays in sight. Weights are scaled
over the whole batch, so that the loss is a mean over rows: it may be shared out among processes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

import numpy as np
import torch

from barocast.calibration.events import HYPOTENSION
from barocast.runtime.errors import InputError, SettingsError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor, nn

FEWEST_PATCHES: Final = 2
"""With a valid sample, that a window needs: one to hide and one to see."""
SD_FLOOR: Final = 1e-3


@dataclass(frozen=True, slots=True)
class MaskedSettings:
    """What is hidden, and how it counts."""

    steps: int = 2000
    batch: int = 256
    """Windows a step, drawn anew each time."""
    patch: int = 3
    """Samples of a patch; divides the window."""
    hidden_share: float = 0.4
    """Of a window's patches with a valid sample."""
    hypotensive_weight: float = 1.0
    """Of a sample below the event's threshold, beside 1 for any other."""
    pressure: int = 0
    """Which channel is MAP, mmHg."""
    seed: int = 0


class MaskedSource:
    """Windows with patches hidden; build it with masked_source."""

    def __init__(
        self, series: NDArray[np.float32], mask: NDArray[np.float32], settings: MaskedSettings
    ) -> None:
        self.steps = settings.steps
        self._settings, self._series = settings, series
        self._valid = np.asarray(mask > 0)
        self._measured = np.asarray(_patches(self._valid, settings.patch).any(axis=(1, 3)))
        self._usable = np.flatnonzero(self._measured.sum(axis=1) >= FEWEST_PATCHES)
        self._centre, self._sd = _standard(series, self._valid)

    def __len__(self) -> int:
        """Count the windows that something can be hidden in."""
        return len(self._usable)

    def batch(self, step: int) -> dict[str, Tensor]:
        """Give the windows of a step, hidden as the seed and the step say."""
        random = np.random.default_rng((self._settings.seed, step))
        drawn = random.choice(self._usable, self._settings.batch)
        series, valid = self._series[drawn], self._valid[drawn]
        hidden = self._hidden(self._measured[drawn], random)
        arrays = {
            "series": series,
            "mask": valid.astype(np.float32),
            "hidden": hidden,
            "target": np.where(valid, (series - self._centre) / self._sd, 0).astype(np.float32),
            "weight": self._weight(series, valid, hidden),
        }
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    def _hidden(self, measured: NDArray[np.bool_], random: np.random.Generator) -> NDArray[np.bool_]:
        """Give (n, P): the share of the measured patches, at least one, never all."""
        count = measured.sum(axis=1)
        hide = np.clip(np.round(self._settings.hidden_share * count), 1, count - 1)
        order = np.where(measured, random.random(measured.shape), 2.0).argsort(axis=1).argsort(axis=1)
        return np.asarray(order < hide[:, None])

    def _weight(
        self, series: NDArray[np.float32], valid: NDArray[np.bool_], hidden: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        counted = valid & hidden.repeat(self._settings.patch, axis=1)[:, None]
        weight = counted.astype(np.float32)
        low = series[:, self._settings.pressure] < HYPOTENSION.below_mmhg
        weight[:, self._settings.pressure][low] *= self._settings.hypotensive_weight
        return weight * np.float32(len(weight) / weight.sum())


class _Reconstructing(Protocol):
    def reconstruct(self, series: Tensor, mask: Tensor, hidden: Tensor) -> Tensor: ...


def masked_source(
    series: NDArray[np.float32], mask: NDArray[np.float32], settings: MaskedSettings
) -> MaskedSource:
    """Give the source of windows (n, C, steps); what lies under the mask is never read.

    Raises SettingsError for a patch or a share that cannot be meant, InputError where no window can be used.
    """
    if series.shape[-1] % settings.patch:
        raise SettingsError(
            f"pretraining: {series.shape[-1]} steps do not divide into patches of {settings.patch}"
        )
    if not 0 < settings.hidden_share < 1 or settings.hypotensive_weight <= 0:
        raise SettingsError("pretraining: hidden_share must lie between 0 and 1, hypotensive_weight above 0")
    source = MaskedSource(np.where(mask > 0, series, np.float32(0)), mask, settings)
    if not len(source):
        raise InputError(
            f"pretraining: none of {len(series)} windows has {FEWEST_PATCHES} patches with a valid sample; "
            f"look at the masks, or give other windows"
        )
    return source


def masked_loss(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    """Give the weighted squared error of the hidden valid samples, in variances of their channel."""
    told = cast("_Reconstructing", model).reconstruct(batch["series"], batch["mask"], batch["hidden"])
    error = torch.where(batch["weight"] > 0, told - batch["target"], 0)
    return (batch["weight"] * error.square()).sum() / len(error)


def _patches(samples: NDArray[Any], patch: int) -> NDArray[Any]:
    """Give (n, C, P, patch)."""
    return samples.reshape(*samples.shape[:2], -1, patch)


def _standard(
    series: NDArray[np.float32], valid: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give mean and standard deviation of each channel's valid samples, (C, 1)."""
    counts = np.maximum(valid.sum(axis=(0, 2)), 1)
    mean = series.sum(axis=(0, 2), where=valid, dtype=np.float64) / counts
    spread = np.square(series - mean[:, None]).sum(axis=(0, 2), where=valid) / counts
    return mean[:, None], np.sqrt(spread)[:, None] + SD_FLOOR
