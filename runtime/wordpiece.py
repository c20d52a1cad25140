"""Reads a `tokenizer.json` of the Hugging Face form (BERT normalizer and pre-tokenizer, WordPiece).

Text in, ids out, equal to the `tokenizers` library id for id (tests hold the two side by side, for every
character that both sides' Unicode tables know). Ours
because that library's own dependencies are network clients, which a bedside box must not carry
(docs/decisions/0002-bedside-dependencies.md).
"""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from barocast.runtime.errors import BundleError, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_WORD_CHARS: Final = 100
"""A longer word is unknown, as in the library."""


@dataclass(frozen=True, slots=True)
class WordPiece:
    """A vocabulary and its unknown token's id; id 0 is padding."""

    vocabulary: Mapping[str, int]
    unknown: int

    def encode(self, text: str) -> list[int]:
        """Give the ids of a text, without padding or special tokens."""
        return [piece for word in _words(_normalized(text)) for piece in self._pieces(word)]

    def _pieces(self, word: str) -> list[int]:
        if len(word) > MAX_WORD_CHARS:
            return [self.unknown]
        pieces: list[int] = []
        start = 0
        while start < len(word):
            stop = self._longest(word, start)
            if stop == start:
                return [self.unknown]
            pieces.append(self.vocabulary[_piece(word, start, stop)])
            start = stop
        return pieces

    def _longest(self, word: str, start: int) -> int:
        stops = range(len(word), start, -1)
        return next((stop for stop in stops if _piece(word, start, stop) in self.vocabulary), start)


def load(text: str) -> WordPiece:
    """Read a tokenizer.json. Raises BundleError when it is not a WordPiece with padding at 0."""
    try:
        model = json.loads(text)["model"]
        vocabulary = {str(token): int(i) for token, i in model["vocab"].items()}
        kind, unknown = model["type"], vocabulary[model["unk_token"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleError(
            f"tokenizer.json: not a tokenizer ({error}); pack the bundle again", Refused.TOKENIZER
        ) from error
    if kind != "WordPiece" or vocabulary.get("[PAD]") != 0:
        raise BundleError(
            "tokenizer.json: need a WordPiece model with [PAD] at 0; pack the bundle again", Refused.TOKENIZER
        )
    return WordPiece(vocabulary, unknown)


def _piece(word: str, start: int, stop: int) -> str:
    return f"##{word[start:stop]}" if start else word[start:stop]


def _normalized(text: str) -> str:
    kept = "".join(" " if _is_space(c) else c for c in text if not _is_control(c))
    stripped = (c for c in unicodedata.normalize("NFD", kept) if unicodedata.category(c) != "Mn")
    return "".join(stripped).lower()


def _words(text: str) -> Iterator[str]:
    word = ""
    for char in text:
        if _is_space(char) or _is_punctuation(char):
            if word:
                yield word
            word = ""
            if not _is_space(char):
                yield char
        else:
            word += char
    if word:
        yield word


def _is_space(char: str) -> bool:
    return char.isspace()


def _is_control(char: str) -> bool:
    if char in "\t\n\r":
        return False
    return char in "\0\ufffd" or unicodedata.category(char) in {"Cc", "Cf", "Co"}


def _is_punctuation(char: str) -> bool:
    is_ascii_mark = char.isascii() and char.isprintable() and not char.isalnum() and char != " "
    return is_ascii_mark or unicodedata.category(char).startswith("P")
