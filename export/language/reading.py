"""Text -> ids of the language model's words, by the model's name: `load_reader("smollm2").ids(text, 96)`.

The text opens with the model's begin token and is padded with -1, where nothing stands. A longer text
loses its end: runtime.prompt puts the free-text assessment note last, so the note goes first and the
sections with known fields stay. An empty text is nothing at all, not even a begin token.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from barocast.export.language import gguf_file, hub
from barocast.runtime.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    from barocast.export.language.gguf_file import Vocabulary

NOTHING: Final = -1
"""The id where no token stands."""


class Reader(Protocol):
    """Reads texts for one language model."""

    def ids(self, text: str, limit: int) -> NDArray[np.int64]:
        """Give (limit,) ids: the begin token, then the text's; cut at `limit`, padded with -1."""
        ...


class ByteReader:
    """UTF-8 bytes as ids, for tests: no file, no vocabulary."""

    BEGIN: Final = 256
    """The first id that is no byte."""

    def ids(self, text: str, limit: int) -> NDArray[np.int64]:
        """Give (limit,) ids, as Reader says."""
        return laid_out([self.BEGIN, *text.encode()] if text else [], limit)


class PairReader:
    """SmolLM2's byte-pair ids: digits stand alone, then GPT-2's split, bytes as letters, ranked merges."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._begin = vocabulary.begin
        self._tokenizer = byte_pairs(vocabulary)

    def ids(self, text: str, limit: int) -> NDArray[np.int64]:
        """Give (limit,) ids, as Reader says; a control token's name in a text is read as plain words."""
        return laid_out([self._begin, *self._tokenizer.encode(text).ids] if text else [], limit)


class HubReader:
    """A transformers tokenizer; where it knows no begin token, its end token parts the texts."""

    def __init__(self, tokenizer: Any) -> None:  # noqa: ANN401 - transformers has a class for each family
        self._tokenizer = tokenizer
        begin = tokenizer.bos_token_id
        self._begin = tokenizer.eos_token_id if begin is None else begin

    def ids(self, text: str, limit: int) -> NDArray[np.int64]:
        """Give (limit,) ids, as Reader says."""
        if not text:
            return laid_out([], limit)
        words = self._tokenizer(text, add_special_tokens=False, verbose=False).input_ids
        return laid_out([self._begin, *words], limit)


def load_reader(name: str) -> Reader:
    """Give the reader that goes with trunk.load_trunk's `name`; the ids are below that trunk's vocabulary.

    Raises InputError, with the mend, as load_trunk does. `random` and `none` need SmolLM2's package for
    its words.
    """
    if "/" in name:
        return HubReader(hub.load_tokenizer(name))
    if name not in _READERS:
        known = ", ".join(_READERS)
        raise InputError(
            f"reader {name!r} is unknown: name one of {known}, a hub id (owner/model) or a folder"
        )
    return _READERS[name]()


def laid_out(ids: Sequence[int], limit: int) -> NDArray[np.int64]:
    """Give (limit,): the first `limit` ids, then -1."""
    laid = np.full(limit, NOTHING, dtype=np.int64)
    laid[: len(ids)] = ids[:limit]
    return laid


def _smollm2() -> Reader:
    return PairReader(gguf_file.vocabulary())


def byte_pairs(vocabulary: Vocabulary) -> Tokenizer:
    """Give the library's tokenizer of a vocabulary and its merges."""
    from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: PLC0415 `export` extra

    ids = {token: number for number, token in enumerate(vocabulary.tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=ids, merges=list(vocabulary.merges)))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    return tokenizer


_READERS: Final[Mapping[str, Callable[[], Reader]]] = MappingProxyType(
    {"smollm2": _smollm2, "random": _smollm2, "none": _smollm2, "tiny": ByteReader}
)
