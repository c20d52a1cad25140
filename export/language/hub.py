"""Any Hugging Face decoder, by hub id or from a local folder in the hub's layout: its words and first layers.

In: "owner/model" or a folder with config.json, weights and tokenizer. Out: the table of words and a
decoder that takes embeddings, as llama.Llama does, or the tokenizer. Needs the `transformers` package
and, for a hub id, a network or the hub's cache. Known to serve: gemma2, gemma3, gpt2, gpt_neox, llama,
mistral, opt, phi, qwen2, qwen3; whether another does, trunk.load_trunk finds out.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar

import torch
from torch import Tensor, nn

from barocast.runtime.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_Loaded = TypeVar("_Loaded")

_MENDS: Final = MappingProxyType(
    {
        True: "the folder needs config.json, model.safetensors and the tokenizer's files (save_pretrained)",
        False: "check the id and the network, log in where the model asks for it, or name a local folder "
        "that holds a copy (hf download)",
    }
)
"""By whether it was a local folder."""


class HubDecoder(nn.Module):
    """A transformers model behind llama.Llama's call."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor, positions: Tensor, allowed: Tensor) -> Tensor:
        """Take tokens (B, T, width), positions (B, T), allowed (B, 1, T, T) bool: query row, key column."""
        barred = torch.zeros_like(allowed, dtype=tokens.dtype).masked_fill(
            ~allowed, torch.finfo(tokens.dtype).min
        )
        answer = self.model(
            inputs_embeds=tokens, position_ids=positions, attention_mask=barred, use_cache=False
        )
        hidden: Tensor = answer.last_hidden_state
        return hidden

    def last(self, tokens: Tensor, positions: Tensor, allowed: Tensor) -> Tensor:
        """Give the last token's state (B, width)."""
        state: Tensor = self(tokens, positions, allowed)[:, -1]
        return state


def load(name: str, layers: int) -> tuple[nn.Embedding, HubDecoder]:
    """Give the table of words and the first `layers` layers with the last norm, float32, trainable.

    Raises InputError, with the mend, as trunk.load_trunk does.
    """
    from transformers import AutoConfig, AutoModel  # noqa: PLC0415 `export` extra

    config = _fetched(name, AutoConfig.from_pretrained)
    _check_kind(name, config)
    depth = config.num_hidden_layers
    if not 1 <= layers <= depth:
        raise InputError(f"trunk {name} has {depth} layers: ask for 1 to {depth}, not {layers}")
    _cut(config, layers)
    with _quiet():  # it would list every layer that is left out
        model, account = _fetched(
            name, AutoModel.from_pretrained, config=config, dtype=torch.float32, output_loading_info=True
        )
    if account["missing_keys"]:
        lacking = ", ".join(sorted(account["missing_keys"])[:3])
        raise InputError(
            f"trunk {name}: the weights lack {lacking}: they are of another model; fetch them anew"
        )
    table: nn.Embedding = model.get_input_embeddings()
    model.set_input_embeddings(nn.Identity())  # one owner, so that a checkpoint holds it once
    return table, HubDecoder(model)


def load_tokenizer(name: str) -> Any:  # noqa: ANN401 - transformers has a class for each family
    """Give the model's tokenizer; raises InputError, with the mend, where there is none."""
    from transformers import AutoTokenizer  # noqa: PLC0415 `export` extra

    return _fetched(name, AutoTokenizer.from_pretrained)


def _fetched(name: str, fetch: Callable[..., _Loaded], **how: Any) -> _Loaded:  # noqa: ANN401 - passed on
    """Fetch from the folder where there is one, from the hub otherwise."""
    folder = Path(name).expanduser()
    local = folder.is_dir()
    if not local and name.startswith(("/", ".", "~")):
        raise InputError(f"language model {name}: no such folder")
    try:
        return fetch(str(folder) if local else name, local_files_only=local, **how)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        said = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise InputError(
            f"language model {name} cannot be loaded: {said.strip()} Mend: {_MENDS[local]}"
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    logger = logging.getLogger("transformers.modeling_utils")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _cut(config: Any, layers: int) -> None:  # noqa: ANN401 - transformers has a class for each family
    config.num_hidden_layers = layers
    if vars(config).get("layer_types"):
        config.layer_types = config.layer_types[:layers]


def _check_kind(name: str, config: Any) -> None:  # noqa: ANN401 - transformers has a class for each family
    from transformers.models.auto.modeling_auto import (  # noqa: PLC0415 `export` extra
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    )

    kind = config.model_type
    speaks = kind in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES and kind not in MODEL_FOR_MASKED_LM_MAPPING_NAMES
    if not speaks or config.is_encoder_decoder:
        raise InputError(
            f"trunk {name} is no decoder language model but {kind!r}: name one that reads from left "
            "to right, such as a llama, mistral, qwen2 or gpt2"
        )
