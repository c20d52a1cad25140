"""The text branch: a patient's token ids -> a few aspects that the series may look at.

Small on purpose. It is taught apart (export.texts), on patients of whom only the burden of hypotension
is known, and frozen before the rest of the network learns.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

ASPECTS: Final = 8
"""Tokens that a text is summed up in before the series looks at it; a little over one per section."""
TEXT_MASKED: Final = -30.0
"""Added to the attention score of padding: finite, so that an empty text stays a number."""


class TextEncoder(nn.Module):
    """Token ids -> a few aspects of the patient, each by its own attention over the text's tokens.

    A short convolution joins `haemoglobin 8.9 low` to one meaning before the aspects look at it. Each
    aspect is one number, what it adds to the burden that the encoder was taught to predict: a bottleneck
    on purpose, since through anything wider 120 patients are known by name and memorised.
    """

    places: Tensor
    gain: Tensor

    def __init__(self, vocabulary: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width, padding_idx=0)
        self.neighbours = nn.Conv1d(width, width, kernel_size=5, padding=2, groups=width)
        self.mix = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)
        self.aspects = nn.Linear(width, ASPECTS)
        self.burden = nn.Linear(width, ASPECTS, bias=False)
        self.register_buffer("places", torch.eye(ASPECTS))
        self.register_buffer("gain", torch.ones(()))

    def forward(self, text: Tensor) -> tuple[Tensor, Tensor]:
        """Give aspect tokens (B, ASPECTS, ASPECTS), 0 without text, and whether there is text (B, 1)."""
        seen = (text != 0).to(torch.float32).unsqueeze(-1)  # (B, token, 1)
        aspects = self.gain * self._measure(text, seen)
        return aspects.unsqueeze(-1) * self.places, seen.amax(dim=1)

    def settle(self, text: Tensor) -> None:
        """Set the gain so that the burden of these texts has a standard deviation of 1, and freeze."""
        with torch.no_grad():
            self.gain.copy_(1 / self.predict_burden(text).std().clamp(min=1e-3))
        self.eval().requires_grad_(requires_grad=False)

    def predict_burden(self, text: Tensor) -> Tensor:
        """Give (B,): how hypotensive such patients' cases were, standardized. Pretraining only."""
        return self._measure(text, (text != 0).to(torch.float32).unsqueeze(-1)).sum(dim=-1)

    def _measure(self, text: Tensor, seen: Tensor) -> Tensor:
        token = self.embedding(text) * seen
        context = self.neighbours(token.transpose(1, 2)).transpose(1, 2)
        features = self.norm(token + self.mix(functional.gelu(context))) * seen
        weight = torch.softmax(self.aspects(features) + TEXT_MASKED * (1 - seen), dim=1)
        measured: Tensor = (weight * self.burden(features)).sum(dim=1)  # (B, ASPECTS)
        return measured
