"""Series -> one token per patch of time, in the width of the language model.

    values, mask (B, C, time) -> patches (B, C, P, 2 x patch) -> linear by channel -> sum of channels

A channel's patches are embedded by its own weights, mask beside values, so that a gap is seen as a gap.
A channel of which the window holds nothing puts a learned token in place of its sum: "not connected" is
something else than "just lost". Channels add up to one token, so that more of them cost nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from barocast.export.fusion.settings import TeacherSettings


class Patches(nn.Module):
    """Embed standardized values; `spread` is the language model's own spread of token embeddings."""

    def __init__(self, settings: TeacherSettings, width: int, spread: float) -> None:
        super().__init__()
        channels, seen = len(settings.channels), 2 * settings.patch
        self.patch = settings.patch
        self.embed = nn.Parameter(torch.randn(channels, seen, width) * spread * seen**-0.5)
        self.absent = nn.Parameter(torch.randn(channels, width) * spread)
        self.hidden = nn.Parameter(torch.randn(width) * spread)
        self.place = nn.Parameter(torch.randn(settings.patches, width) * spread * 0.1)

    def forward(self, values: Tensor, mask: Tensor, hidden: Tensor | None = None) -> Tensor:
        """Give (B, P, width); of patches in `hidden` (B, P) bool nothing is seen but that they are hidden."""
        both = torch.cat([self._cut(values), self._cut(mask)], dim=-1)  # (B, C, P, 2 patch)
        if hidden is not None:
            both = both.masked_fill(hidden[:, None, :, None], 0.0)
        absent = (mask.amax(dim=-1) == 0).to(both.dtype)  # (B, C)
        tokens = torch.einsum("bcpk,ckw->bpw", both, self.embed) + (absent @ self.absent).unsqueeze(1)
        if hidden is not None:
            tokens = tokens + hidden.unsqueeze(-1) * self.hidden
        placed: Tensor = tokens + self.place
        return placed

    def _cut(self, series: Tensor) -> Tensor:
        return series.reshape(*series.shape[:2], -1, self.patch)
