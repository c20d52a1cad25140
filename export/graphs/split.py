"""A network as a bundle runs it: what is known once a patient, and what is asked at every tick.

text (B, T) int64 -> prefix -> memory tensors (B, ...)
series, mask (B, C, 90), trend (B, 7, 6), *memory -> tick -> logits (B, 3), quantiles (B, 3, 30), gates (B, 2)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from torch import Tensor, nn

SERIES_INPUTS: Final = ("series", "mask", "trend")
"""What the tick takes besides the memory; names of ModelInput's fields."""
TEXT: Final = "text"
"""The prefix's one input."""
INPUTS: Final = (*SERIES_INPUTS, TEXT)
OUTPUTS: Final = ("logits", "quantiles", "gates")


@dataclass(frozen=True, slots=True)
class Split:
    """The two parts, and what an exporter has to know of them."""

    prefix: nn.Module
    """Text (B, T) int64 -> a tuple of memory tensors (B, ...)."""
    tick: nn.Module
    """series, mask, trend, *memory -> logits, quantiles in mmHg, gates."""
    memory: tuple[str, ...]
    """Names of what the prefix gives and the tick takes, in order."""
    examples: tuple[Tensor, Tensor, Tensor, Tensor]
    """series, mask, trend, text of batch 1."""
    quantizable: tuple[str, ...]
    """Parts of module paths whose matrix products may become int8."""
