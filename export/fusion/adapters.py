"""A frozen language model, tuned for one kind of token: low-rank changes to matrices, shifts to norms.

The pretrained weights are kept once and stay as they are; text and series may each bring changes of their
own. After Hu et al. 2021 (LoRA); that the norms are worth tuning, Zhou et al. 2023 (GPT4TS). A fresh
adapter changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.func import functional_call

if TYPE_CHECKING:
    from barocast.export.language.trunk import Trunk


class Adapter(nn.Module):
    """Changes to every parameter of a trunk's decoder."""

    def __init__(self, trunk: Trunk, rank: int) -> None:
        super().__init__()
        self.down, self.up, self.shift = nn.ParameterDict(), nn.ParameterDict(), nn.ParameterDict()
        for name, weight in trunk.decoder.named_parameters():
            key = _key(name)
            if weight.ndim == 1:
                self.shift[key] = nn.Parameter(torch.zeros_like(weight))
            else:
                rows, columns = weight.shape
                self.down[key] = nn.Parameter(torch.randn(rank, columns) * columns**-0.5)
                self.up[key] = nn.Parameter(torch.zeros(rows, rank))

    def forward(self, trunk: Trunk, tokens: Tensor, seen: Tensor) -> Tensor:
        """Give the trunk's states (B, T, width) under these changes."""
        changed = {f"decoder.{name}": weight for name, weight in self.changed(trunk).items()}
        states: Tensor = functional_call(trunk, changed, (tokens, seen))
        return states

    def changed(self, trunk: Trunk) -> dict[str, Tensor]:
        """Give every weight of the trunk's decoder as these changes leave it."""
        return {name: self._changed(name, weight) for name, weight in trunk.decoder.named_parameters()}

    def _changed(self, name: str, weight: Tensor) -> Tensor:
        key = _key(name)
        changed: Tensor = weight + (self.shift[key] if key in self.shift else self.up[key] @ self.down[key])
        return changed


def _key(name: str) -> str:
    """Give the name as a ParameterDict can hold it."""
    return name.replace(".", "/")
