"""Layers of several networks as one: every product serves all members and heads of an ensemble at once.

Tensors are (member, head, B, token, feature), weights (member, head, 1, in, out); what all members share, or
has no heads, leaves that axis at 1 or out. Nothing is transposed or reshaped between two products.

Attention makes neither keys nor values. With queries x Q, keys s K and values s V of a source s, the scores
are x (Q K') s' and what is added is (a s) (V O): the products in brackets are made here, once. A key's bias
moves all scores of a query alike, which softmax does not see; a value's bias is a constant of the answer.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from barocast.export.attention import Attention, FeedForward


class Product(nn.Module):
    """Features times a weight of each member, and a bias."""

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)
        self.bias = None if bias is None else nn.Parameter(bias)

    def forward(self, features: Tensor) -> Tensor:
        """Give (member, head, B, token, out)."""
        product = features @ self.weight
        return product if self.bias is None else product + self.bias


class StackedAttention(nn.Module):
    """Every member's attention to one source (B, n, s) or (member, 1, B, n, s)."""

    def __init__(self, attentions: Sequence[Attention], entries: Iterable[Tensor]) -> None:
        """`entries`, (s, source_width) each, take the source to what each attention was taught on."""
        super().__init__()
        made = [_composed(*pair) for pair in zip(attentions, entries, strict=True)]
        into, into_bias, out, out_bias = (
            torch.stack(parts).float().unsqueeze(2) for parts in zip(*made, strict=True)
        )
        self.width = attentions[0].norm.weight.numel()
        self.query = Product(into, into_bias)
        self.out = Product(out)
        self.bias = nn.Parameter(out_bias)

    def forward(self, tokens: Tensor, source: Tensor) -> Tensor:
        """Give what to add to the tokens."""
        asked: Tensor = self.query(functional.layer_norm(tokens, (self.width,)))
        mixed = torch.softmax(asked @ source.transpose(-1, -2), dim=-1) @ source
        added: Tensor = self.out(mixed).sum(dim=1, keepdim=True) + self.bias
        return added


class StackedFeedForward(nn.Module):
    """Every member's perceptron."""

    def __init__(self, parts: Sequence[FeedForward]) -> None:
        super().__init__()
        self.width = parts[0].norm.weight.numel()
        self.widen = Product(
            stack((p.widen.weight * p.norm.weight).T for p in parts),
            stack((p.widen.weight @ p.norm.bias + p.widen.bias)[None] for p in parts),
        )
        self.narrow = Product(
            stack(p.narrow.weight.T for p in parts), stack(p.narrow.bias[None] for p in parts)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """Give what to add to the tokens."""
        added: Tensor = self.narrow(gelu(self.widen(functional.layer_norm(tokens, (self.width,)))))
        return added


def stack(parts: Iterable[Tensor]) -> Tensor:
    """Give (member, 1, 1, in, out) of each member's (in, out)."""
    return torch.stack(list(parts))[:, None, None]


def gelu(features: Tensor) -> Tensor:
    """Give functional.gelu, in the order of operations by which ONNX Runtime knows it and makes it one."""
    return 0.5 * (features * (1 + torch.erf(features / math.sqrt(2))))


def _composed(attention: Attention, entry: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Give the products by head, (H, width, s), (H, 1, s) and (H, s, width), and a bias (1, 1, width).

    In float64: what is multiplied twice is to be rounded once.
    """
    heads, source = attention.heads, entry.double()
    norm, shift = attention.norm.weight.double(), attention.norm.bias.double()
    query = _by_head(attention.query.weight, heads)
    key, value = (source @ _by_head(part, heads).mT for part in attention.key_value.weight.chunk(2))
    out = _by_head(attention.out.weight.T, heads)
    key = key.mT / math.sqrt(query.shape[1])
    asked = query @ shift + attention.query.bias.double().reshape(heads, -1)
    offered = attention.key_value.bias.double().chunk(2)[1].reshape(heads, 1, -1)
    constant = (offered @ out).sum(dim=0, keepdim=True) + attention.out.bias.double()
    return (norm[:, None] * query.mT) @ key, asked[:, None] @ key, value @ out, constant


def _by_head(weight: Tensor, heads: int) -> Tensor:
    """Give (head, feature of the head, other) of (feature, other), in float64."""
    return weight.double().reshape(heads, -1, weight.shape[1])
