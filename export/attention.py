"""The two moves of a transformer layer, each giving what is to be added to the tokens.

Both end in a projection that starts at zero: a new layer changes nothing until it has learned something.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class Attention(nn.Module):
    """Multi-head attention of tokens (B, n, width) to others; its output projection starts at zero."""

    def __init__(self, width: int, source_width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(source_width, 2 * width)
        self.out = zeroed(nn.Linear(width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, source: Tensor) -> Tensor:
        """Give what to add to the tokens."""
        query = self._split(self.query(self.norm(tokens)))
        key, value = self.key_value(source).chunk(2, dim=-1)
        key, value = self._split(key), self._split(value)
        mixed = functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        added: Tensor = self.dropout(self.out(mixed))
        return added

    def _split(self, tokens: Tensor) -> Tensor:
        return tokens.reshape(*tokens.shape[:2], self.heads, -1).transpose(1, 2)  # (B, head, n, width / head)


class FeedForward(nn.Module):
    """The usual perceptron of a transformer layer."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, 2 * width)
        self.narrow = zeroed(nn.Linear(2 * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """Give what to add to the tokens."""
        widened = self.dropout(functional.gelu(self.widen(self.norm(tokens))))
        added: Tensor = self.dropout(self.narrow(widened))
        return added


def zeroed(linear: nn.Linear) -> nn.Linear:
    """Give the layer with weights and bias at 0."""
    nn.init.zeros_(linear.weight)
    if linear.bias is not None:
        nn.init.zeros_(linear.bias)
    return linear
