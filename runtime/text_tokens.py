"""A bundle's tokenizer.json -> the reader of its kind: WordPiece (runtime.wordpiece) or BPE (runtime.bpe)."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol

from barocast.runtime import bpe, wordpiece
from barocast.runtime.errors import BundleError, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Tokenizer(Protocol):
    """Gives ids of a text; id 0 is padding and no text has it."""

    @property
    def vocabulary(self) -> Mapping[str, int]:
        """The id of every piece."""

    def encode(self, text: str) -> list[int]:
        """Give the ids of any text, without padding."""


READERS: Final[Mapping[str, Callable[[str], Tokenizer]]] = MappingProxyType(
    {"WordPiece": wordpiece.load, "BPE": bpe.load}
)
"""By the file's `model.type`, as the `tokenizers` library names them."""


def load(text: str) -> Tokenizer:
    """Read a tokenizer.json. Raises BundleError for one of another kind, or that its reader refuses."""
    try:
        kind = json.loads(text)["model"]["type"]
        read = READERS[kind]
    except (KeyError, RecursionError, TypeError, ValueError) as error:
        raise BundleError(
            f"tokenizer.json: its model.type is none of {', '.join(READERS)} ({error!r}); pack the bundle "
            "again",
            Refused.TOKENIZER,
        ) from error
    return read(text)
