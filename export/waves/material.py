"""Windows as the network takes them (waves in their units, features, leads, labels), and batches of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from barocast.export.waves.morphology import NAMES, morphology
from barocast.export.waves.network import MODALITIES, columns
from barocast.export.waves.windows import LEADS_S, capnogram, plethysm, pressure

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor

    from barocast.export.waves.windows import Windows

SAID_EVERY: Final = 5000


@dataclass(frozen=True, slots=True)
class Material:
    """What the network is fed, n rows."""

    waves: dict[str, NDArray[np.float16]]
    """Modality -> (n, samples) in its units, NaN where missing; rounded by less than the archive was."""
    features: NDArray[np.float32]
    """(n, len(NAMES)), NaN where unknown."""
    lead: NDArray[np.int64]
    """(n,) place among LEADS_S."""
    label: NDArray[np.float32]
    """(n,)"""

    def __len__(self) -> int:
        return len(self.label)

    @property
    def present(self) -> NDArray[np.float32]:
        """(n, modality) 1 where any feature of the modality is known."""
        known = [np.isfinite(self.features[:, columns(one.names)]).any(axis=1) for one in MODALITIES.values()]
        return np.stack(known, axis=1).astype(np.float32)

    def take(self, rows: NDArray[Any]) -> Material:
        """Give some rows, by index or by mask."""
        waves = {name: wave[rows] for name, wave in self.waves.items()}
        return Material(waves, self.features[rows], self.lead[rows], self.label[rows])

    def beside(self, other: Material) -> Material:
        """Give these rows and the other's."""
        return Material(
            {name: np.concatenate([wave, other.waves[name]]) for name, wave in self.waves.items()},
            np.concatenate([self.features, other.features]),
            np.concatenate([self.lead, other.lead]),
            np.concatenate([self.label, other.label]),
        )


def find_features(windows: Windows, say: Callable[[str], None] = lambda _: None) -> NDArray[np.float32]:
    """Compute every window's features, (n, len(NAMES)), some 10 ms a window."""
    found = np.empty((len(windows), len(NAMES)), dtype=np.float32)
    for row, (abp, pleth, co2) in enumerate(zip(windows.abp, windows.pleth, windows.co2, strict=True)):
        found[row] = morphology(pressure(abp), plethysm(pleth), capnogram(co2))
        if row % SAID_EVERY == 0:
            say(f"features: {row:,} of {len(windows):,} windows")
    return found


def make_material(windows: Windows, features: NDArray[np.float32]) -> Material:
    """Put windows and their features as the network takes them."""
    waves = {
        "abp": [pressure(row).astype(np.float16) for row in windows.abp],
        "pleth": [plethysm(row).astype(np.float16) for row in windows.pleth],
        "co2": [capnogram(row).astype(np.float16) for row in windows.co2],
    }
    return Material(
        {name: np.stack(rows) for name, rows in waves.items()},
        features,
        np.searchsorted(LEADS_S, windows.lead_s),
        windows.label.astype(np.float32),
    )


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of a Material as tensors."""

    waves: dict[str, Tensor]
    """Modality -> (B, samples) in its units, NaN where missing."""
    features: Tensor
    """(B, len(NAMES)), NaN where unknown."""
    present: Tensor
    """(B, modality) of 0 and 1."""
    lead: Tensor
    """(B,) int64."""
    label: Tensor
    """(B,)"""


def batch_of(material: Material, rows: NDArray[np.intp]) -> Batch:
    """Give some rows as tensors."""
    some = material.take(rows)
    return Batch(
        {name: torch.from_numpy(wave.astype(np.float32)) for name, wave in some.waves.items()},
        torch.from_numpy(some.features),
        torch.from_numpy(some.present),
        torch.from_numpy(some.lead),
        torch.from_numpy(some.label),
    )
