"""Where the text meets the series: each token of the series looks at each token of the text.

    tokens + gate * out(attention(query: tokens, keys and values: text))

The residual keeps the series as it is, and the text is the value that is added: also on a flat series two
texts differ. (IOHFuseLM lets the text choose among patches and puts the result in its own place; on equal
patches every text then says the same.) A gate of 0 adds exactly nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn import functional

from barocast.export.attention import zeroed

if TYPE_CHECKING:
    from barocast.export.fusion.settings import TeacherSettings


class Crossing(nn.Module):
    """Token-level cross-attention with a residual and a gate; its output projection starts at zero."""

    def __init__(self, settings: TeacherSettings, width: int) -> None:
        super().__init__()
        self.heads = settings.heads
        self.norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, settings.width)
        self.key = nn.Linear(settings.text_width, settings.width)
        self.value = nn.Linear(settings.text_width, settings.width)
        self.out = zeroed(nn.Linear(settings.width, width))
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, tokens: Tensor, text: Tensor, seen: Tensor, gate: Tensor) -> Tensor:
        """Take tokens (B, n, width), text (B, T, text width), seen (B, T) bool, gate (B, 1); give tokens."""
        nothing = ~seen.any(dim=1, keepdim=True)  # an empty text is looked at in full, and its gate is 0
        allowed = (seen | nothing)[:, None, None, :]
        mixed = functional.scaled_dot_product_attention(
            self._split(self.query(self.norm(tokens))),
            self._split(self.key(text)),
            self._split(self.value(text)),
            attn_mask=allowed,
        )
        added: Tensor = self.dropout(self.out(mixed.transpose(1, 2).flatten(2)))
        return tokens + gate.unsqueeze(-1) * added

    def _split(self, tokens: Tensor) -> Tensor:
        return tokens.reshape(*tokens.shape[:2], self.heads, -1).transpose(1, 2)  # (B, head, n, width / head)
