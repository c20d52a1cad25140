"""Self-supervised first lessons: each encoder learns to name and to complete a wave before it sees any label.

In: a WaveNetwork and windows of training patients, judged or not, and ICU waves. Out: the same network, its
encoders and poolings taught. Stretches of each wave are blanked; from what is left the encoder must (1) tell
the features of the whole wave, (2) draw what is missing. The two heads that ask are thrown away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from barocast.export.waves.network import HEADS, TOKEN, Branch

if TYPE_CHECKING:
    from barocast.export.waves.material import Batch
    from barocast.export.waves.network import WaveNetwork

BLANK_SHARE: Final = 0.15
"""Of a wave, in each blanked stretch."""
BLANKS: Final = 2
DRAWN_WEIGHT: Final = 0.5


class Asked(nn.Module):
    """A branch's encoder and the two heads that ask it; called with rows, gives what its answers cost."""

    def __init__(self, branch: Branch) -> None:
        super().__init__()
        width = branch.modality.width
        self.branch = branch
        self.name = nn.Linear(HEADS * width, len(branch.modality.names))
        self.draw = nn.Linear(width, TOKEN)

    def forward(self, wave: Tensor, features: Tensor, z: Tensor) -> Tensor:
        """Take a wave (B, n), the features as told and standardized; what is unknown costs nothing."""
        branch = self.branch
        whole = branch.standardized(wave)
        blanked = blank(whole)
        tokens = branch.encoder(whole.masked_fill(blanked, 0.0))
        named = self.name(branch.pooling(tokens))
        known = torch.isfinite(features[:, branch.columns])
        told = functional.huber_loss(named[known], z[:, branch.columns][known])
        drawn = self.draw(tokens).flatten(1)
        size = drawn.shape[1]
        hidden = blanked[:, :size] & torch.isfinite(wave[:, :size])
        missing = functional.huber_loss(drawn[hidden], whole[:, :size][hidden])
        return told + DRAWN_WEIGHT * missing


def blank(wave: Tensor) -> Tensor:
    """Give which samples (B, n) to hide: BLANKS stretches in each row."""
    rows, size = wave.shape
    start = torch.rand(rows, BLANKS, 1) * (1 - BLANK_SHARE) * size
    at = torch.arange(size)
    return ((at >= start) & (at < start + BLANK_SHARE * size)).any(dim=1)


class Pretraining(nn.Module):
    """The network's encoders under question."""

    def __init__(self, network: WaveNetwork) -> None:
        super().__init__()
        self.network = network
        self.asked = nn.ModuleDict({name: Asked(branch) for name, branch in network.by_name.items()})

    def loss(self, batch: Batch) -> Tensor:
        """Give the mean cost over the modalities, each asked of the rows where it is present."""
        z, total = self.network.scaled(batch.features), batch.features.new_zeros(())
        for number, (name, asked) in enumerate(self.asked.items()):
            rows = batch.present[:, number] > 0
            if rows.any():
                total = total + asked(batch.waves[name][rows], batch.features[rows], z[rows])
        mean: Tensor = total / len(self.asked)
        return mean
