"""A Llama decoder without its table of words: embeddings in, hidden states out.

    tokens (B, T, width) -> [RMS norm, rotary grouped-query attention, +] [RMS norm, SwiGLU, +] x layers
                         -> RMS norm -> (B, T, width)

After Touvron et al. 2023 (Llama: RMS norm, SwiGLU), Su et al. 2021 (rotary positions: the halves of a
head turn against each other) and Ainslie et al. 2023 (query heads share keys and values). The shape of
every step is known from the input's alone, so that the graph can be exported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

ALL: Final = slice(None)
LAST: Final = slice(-1, None)
"""Tokens by their place."""


@dataclass(frozen=True, slots=True)
class LlamaShape:
    """What fixes the size of every weight, and how positions turn."""

    width: int
    heads: int
    """Query heads."""
    key_heads: int
    """Heads of keys and of values; divides `heads`."""
    hidden: int
    """Width inside the feed-forward network."""
    vocabulary: int
    depth: int
    """Layers of the whole model; a trunk holds the first of them."""
    rotary_base: float = 10_000.0
    epsilon: float = 1e-5
    """Under the root of the RMS norms."""

    @property
    def head_width(self) -> int:
        """Width of one head."""
        return self.width // self.heads


SMOLLM2_135M: Final = LlamaShape(
    width=576,
    heads=9,
    key_heads=3,
    hidden=1536,
    vocabulary=49_152,
    depth=30,
    rotary_base=100_000.0,
)
"""Allal et al. 2025, SmolLM2; the figures are those in the head of its GGUF file."""
WORDS_ALONE: Final = LlamaShape(width=64, heads=1, key_heads=1, hidden=64, vocabulary=49_152, depth=0)
"""SmolLM2's vocabulary and nothing behind it."""
TINY: Final = LlamaShape(width=32, heads=2, key_heads=1, hidden=64, vocabulary=300, depth=4)
"""For tests."""


class Llama(nn.Module):
    """The first `layers` layers and the norm that ends the whole model."""

    def __init__(self, shape: LlamaShape, layers: int) -> None:
        super().__init__()
        self.shape = shape
        self.layers = nn.ModuleList(LlamaLayer(shape) for _ in range(layers))
        self.norm = nn.RMSNorm(shape.width, eps=shape.epsilon)

    def forward(self, tokens: Tensor, positions: Tensor, allowed: Tensor) -> Tensor:
        """Take tokens (B, T, width), positions (B, T), allowed (B, 1, T, T) bool: query row, key column."""
        turn = _turn(positions, self.shape).to(tokens.dtype)
        for layer in self.layers:
            tokens = layer(tokens, turn, allowed)
        normed: Tensor = self.norm(tokens)
        return normed

    def last(self, tokens: Tensor, positions: Tensor, allowed: Tensor) -> Tensor:
        """Give the last token's state (B, width); the last layer, often the only one, computes no other."""
        turn = _turn(positions, self.shape).to(tokens.dtype)
        for number, layer in enumerate(self.layers, start=1):
            tokens = layer(tokens, turn, allowed, LAST if number == len(self.layers) else ALL)
        normed: Tensor = self.norm(tokens[:, -1])
        return normed


class LlamaLayer(nn.Module):
    """Look at the tokens before, then think; both are added to the tokens."""

    def __init__(self, shape: LlamaShape) -> None:
        super().__init__()
        self.attention_norm = nn.RMSNorm(shape.width, eps=shape.epsilon)
        self.attention = GroupedAttention(shape)
        self.think_norm = nn.RMSNorm(shape.width, eps=shape.epsilon)
        self.think = GatedFeedForward(shape)

    def forward(self, tokens: Tensor, turn: Tensor, allowed: Tensor, asking: slice = ALL) -> Tensor:
        """Give the `asking` ones of the tokens (B, T, width) after this layer; they may look at all."""
        tokens = tokens[:, asking] + self.attention(self.attention_norm(tokens), turn, allowed, asking)
        thought: Tensor = self.think(self.think_norm(tokens))
        return tokens + thought


class GroupedAttention(nn.Module):
    """Attention whose query heads share fewer heads of keys and values."""

    def __init__(self, shape: LlamaShape) -> None:
        super().__init__()
        self.shared_by = shape.heads // shape.key_heads
        self.head_width = shape.head_width
        self.query = nn.Linear(shape.width, shape.heads * shape.head_width, bias=False)
        self.key = nn.Linear(shape.width, shape.key_heads * shape.head_width, bias=False)
        self.value = nn.Linear(shape.width, shape.key_heads * shape.head_width, bias=False)
        self.out = nn.Linear(shape.heads * shape.head_width, shape.width, bias=False)

    def forward(self, tokens: Tensor, turn: Tensor, allowed: Tensor, asking: slice = ALL) -> Tensor:
        """Give what to add to the `asking` ones of the tokens."""
        query = _turned(self._split(self.query(tokens[:, asking])), turn[..., asking, :])
        key = _turned(self._split(self.key(tokens)), turn).repeat_interleave(self.shared_by, dim=1)
        value = self._split(self.value(tokens)).repeat_interleave(self.shared_by, dim=1)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=allowed[..., asking, :])
        added: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return added

    def _split(self, tokens: Tensor) -> Tensor:
        heads = tokens.reshape(*tokens.shape[:2], -1, self.head_width)
        return heads.transpose(1, 2)  # (B, head, T, head width)


class GatedFeedForward(nn.Module):
    """SwiGLU: one projection, switched by another, projected back."""

    def __init__(self, shape: LlamaShape) -> None:
        super().__init__()
        self.gate = nn.Linear(shape.width, shape.hidden, bias=False)
        self.up = nn.Linear(shape.width, shape.hidden, bias=False)
        self.down = nn.Linear(shape.hidden, shape.width, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Give what to add to the tokens."""
        added: Tensor = self.down(functional.silu(self.gate(tokens)) * self.up(tokens))
        return added


def _turn(positions: Tensor, shape: LlamaShape) -> Tensor:
    """Give cosine and sine of each position's angles, (2, B, 1, T, head width / 2)."""
    step = torch.arange(0, shape.head_width, 2, device=positions.device) / shape.head_width
    angles = positions[:, None, :, None] * shape.rotary_base**-step
    return torch.stack([angles.cos(), angles.sin()])


def _turned(heads: Tensor, turn: Tensor) -> Tensor:
    """Turn each pair (i, i + half) of a head (B, head, T, head width) by its position's angle."""
    first, second = heads.chunk(2, dim=-1)
    cosine, sine = turn
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], dim=-1)
