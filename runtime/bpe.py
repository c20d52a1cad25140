"""Reads a `tokenizer.json` of the Hugging Face form: byte-level BPE, as SmolLM2 and GPT-2 have it.

    text -> words (each digit alone where the file says so, then GPT-2's pattern) -> a letter for each byte
         -> the pair of neighbours of the lowest rank is merged, until none is left -> ids

Text in, ids out, equal to the `tokenizers` library id for id, for every character that both sides' Unicode
tables know. Bytes are tokens, so any text has ids; a byte that the vocabulary lacks (SmolLM2's: a few control
characters) is left out, as there. Ours, as runtime.wordpiece is.
After Sennrich et al. 2016 (byte-pair encoding) and Radford et al. 2019 (GPT-2: bytes as letters).
"""

from __future__ import annotations

import heapq
import json
import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from barocast.runtime.errors import BundleError, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Pair: TypeAlias = "tuple[str, str]"

MAX_TEXT_CHARS: Final = 1 << 16
"""What stands behind is not read: two hundred times what a model of the bedside can take in."""
PADDING: Final = "[PAD]"
"""Its id is 0 and no text has it."""
BYTES: Final = range(256)
PRINTED: Final = (*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100))
"""Bytes that are their own letter; the others, in their order, have those from 256 on."""
BLANK: Final = [byte for byte in BYTES if byte not in PRINTED]
LETTERS: Final = tuple(chr(byte if byte in PRINTED else len(BYTES) + BLANK.index(byte)) for byte in BYTES)
"""The letter of each byte, as GPT-2 has them."""
SPACES: Final = frozenset("\t\n\v\f\r\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000").union(
    map(chr, range(0x2000, 0x200B))
)
"""Unicode's White_Space without the blank, which has a part of its own in the pattern."""
ENDINGS: Final = frozenset("'strevmld")
"""Characters of `'s 't 're 've 'm 'll 'd`, which the pattern knows by themselves."""
WORD: Final = r"'(?:[stmd]|re|ve|ll)| ?[Lstrevmld]+|{numbers}| ?[O']+|[S ]+(?!{next})|[S ]+"
"""GPT-2's pattern over classes of characters, which stdlib `re` cannot tell: letter, number, other, space."""
PATTERNS: Final[Mapping[bool, re.Pattern[str]]] = MappingProxyType(
    {
        # A digit that stands alone has no blank before it, and blanks before it are as those at the end.
        True: re.compile(WORD.format(numbers="N", next="[^S N]")),
        False: re.compile(WORD.format(numbers=" ?N+", next="[^S ]")),
    }
)
"""By whether digits stand alone."""
ODD: Final = ("dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "ignore_merges")
"""Settings of the library that are not read here."""
DAMAGED: Final = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What odd JSON raises where it is taken apart."""


@dataclass(frozen=True, slots=True)
class BytePairs:
    """A vocabulary and its merges; id 0 is padding."""

    vocabulary: Mapping[str, int]
    """Holds bytes' letters and all that merges make."""
    ranks: Mapping[Pair, int]
    """Pairs that merge, the lowest first."""
    pattern: re.Pattern[str]
    """Of a word, over its characters' classes."""

    def encode(self, text: str) -> list[int]:
        """Give the ids of a text, without padding or special tokens."""
        pieces = (merged(word, self.ranks)[0] for word in self.words(text))
        return [self.vocabulary[piece] for word in pieces for piece in word]

    def words(self, text: str) -> Iterator[str]:
        """Give the words of a text as letters, those of bytes that the vocabulary lacks left out."""
        read = text[:MAX_TEXT_CHARS]
        for found in self.pattern.finditer("".join(map(_class_of, read))):
            word = letters(read[found.start() : found.end()])
            yield "".join(letter for letter in word if letter in self.vocabulary)


def load(text: str) -> BytePairs:
    """Read a tokenizer.json. Raises BundleError when it is not a byte-level BPE with padding at 0."""
    try:
        told = json.loads(text)
        model = told["model"]
        vocabulary = {str(token): int(i) for token, i in model["vocab"].items()}
        ranks = {(left, right): rank for rank, (left, right) in enumerate(model["merges"])}
        pattern = PATTERNS[_splits(told["pre_tokenizer"])]
        lacking = _lacking(model, vocabulary, ranks)
    except DAMAGED as error:
        raise BundleError(
            f"tokenizer.json: not a byte-level BPE ({error!r}); pack the bundle again", Refused.TOKENIZER
        ) from error
    if told.get("normalizer") or lacking:
        raise BundleError(
            f"tokenizer.json: need byte-level BPE {lacking or 'without a normalizer'}; pack the bundle again",
            Refused.TOKENIZER,
        )
    return BytePairs(vocabulary, ranks, pattern)


def letters(text: str) -> str:
    """Give a letter for each byte of UTF-8; half a surrogate pair, which is no character, is a `?`."""
    return "".join(LETTERS[byte] for byte in text.encode(errors="replace"))


def merged(word: str, ranks: Mapping[Pair, int]) -> tuple[list[str], list[Pair]]:
    """Give the pieces of a word of letters, and the pairs that were merged, in order.

    The lowest rank first, among equals the leftmost; a heap, so that one endless word cannot hold up a bed.
    """
    pieces, end, made = list(word), len(word), []
    before, after = list(range(-1, end - 1)), list(range(1, end + 1))
    waiting = [(ranks[pair], at) for at, pair in enumerate(pairwise(pieces)) if pair in ranks]
    heapq.heapify(waiting)
    while waiting:
        rank, at = heapq.heappop(waiting)
        right = after[at]
        if right == end or ranks.get(pair := (pieces[at], pieces[right])) != rank:
            continue  # one of the two has merged otherwise since
        made.append(pair)
        pieces[at], pieces[right] = "".join(pair), ""
        after[at] = after[right]
        if after[at] < end:
            before[after[at]] = at
        for left in (before[at], at):
            if left >= 0 and after[left] < end and (new := (pieces[left], pieces[after[left]])) in ranks:
                heapq.heappush(waiting, (ranks[new], left))
    return [piece for piece in pieces if piece], made


def _class_of(character: str) -> str:
    if character in ENDINGS or character == " ":
        return character
    if character in SPACES:
        return "S"
    category = unicodedata.category(character)[0]
    return category if category in "LN" else "O"


def _splits(told: Mapping[str, Any]) -> bool:
    """Say whether digits stand alone. Raises ValueError for any other way of splitting than these two."""
    parts = told["pretokenizers"] if told["type"] == "Sequence" else [told]
    digits = {"type": "Digits", "individual_digits": True}
    alone: bool = parts[0] == digits
    (level,) = parts[alone:]
    if level["type"] != "ByteLevel" or level["add_prefix_space"] or not level.get("use_regex", True):
        raise ValueError(f"splits by {told}")
    return alone


def _lacking(model: Mapping[str, Any], vocabulary: Mapping[str, int], ranks: Mapping[Pair, int]) -> str:
    """Say what else the file must have; nothing where it has all."""
    wanted = {
        "as its model": model["type"] == "BPE",
        f"with {PADDING} at 0": vocabulary.get(PADDING) == 0,
        "with what its merges make in its vocabulary": all(
            left + right in vocabulary for left, right in ranks
        ),
        "without dropout, unknown tokens, prefixes or suffixes": not any(model.get(name) for name in ODD),
    }
    return next((what for what, met in wanted.items() if not met), "")
