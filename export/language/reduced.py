"""A language model's tokenizer, cut down to what patients' texts need.

In: its vocabulary, and texts. Out: tokenizer.json, which runtime.bpe and the `tokenizers` library read alike,
and which of the model's ids are left. All bytes stay, so any other text still has ids, if more of them;
of the merges stay those that the given texts, the prompt's own words and common words of anaesthesia use,
so that these have the ids that the whole tokenizer gives them. The same for the same texts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from barocast.export.language import gguf_file
from barocast.export.language.gguf_file import Vocabulary
from barocast.export.language.reading import ByteReader, byte_pairs
from barocast.export.tokenizer import CLINICAL_WORDS
from barocast.runtime.bpe import LETTERS, PADDING, PATTERNS, BytePairs, merged
from barocast.runtime.domain import Patient
from barocast.runtime.errors import InputError
from barocast.runtime.patient_file import LABS
from barocast.runtime.prompt import HISTORY_FIRST, SECTIONS, describe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Reduced:
    """What is left of a tokenizer."""

    tokenizer_json: str
    kept: tuple[int, ...]
    """The language model's id of the begin token, then of the tokenizer's ids from 1 on: its 0 is padding,
    which no text has."""


def reduced(vocabulary: Vocabulary, texts: Iterable[str]) -> Reduced:
    """Cut the vocabulary."""
    whole = _whole(vocabulary)
    words = {word for text in (*texts, *prompts(), CLINICAL_WORDS) for word in whole.words(text)}
    used = {pair for word in words for pair in merged(word, whole.ranks)[1]}
    pieces = {*LETTERS, *(left + right for left, right in used)}
    kept = [number for number, token in enumerate(vocabulary.tokens) if token in pieces]
    left = Vocabulary(
        tokens=(PADDING, *(vocabulary.tokens[number] for number in kept)),
        merges=tuple(pair for pair in vocabulary.merges if pair in used),
        begin=0,
    )
    return Reduced(byte_pairs(left).to_str(), (vocabulary.begin, *kept))


def vocabulary_of(trunk: str) -> Vocabulary:
    """Give what the trunk's reader (language.reading) reads with. Raises InputError, with the mend."""
    if trunk not in _VOCABULARIES:
        raise InputError(
            f"trunk {trunk}: its words cannot go into a bundle, which holds those of "
            f"{', '.join(_VOCABULARIES)}; teach with one of these, or export by --adapter"
        )
    return _VOCABULARIES[trunk]()


def prompts() -> Iterator[str]:
    """Give texts of invented patients that hold all of the template's own words."""
    whole = Patient(
        age_years=60,
        asa=3,
        history=HISTORY_FIRST,
        department="-",
        anaesthesia="-",
        notes=(("assessment", "-"),),
    )
    for at in range(2):
        yield describe(replace(whole, labs=tuple((name, limits[at]) for name, limits in LABS.items())))
    for sex, bmi, emergency in product("FM", BMIS, (True, False)):
        yield describe(replace(whole, sex=sex, height_cm=100, weight_kg=bmi, emergency=emergency))
    for name in SECTIONS:
        yield describe(replace(whole, labs=(("hb_g_dl", 12.0),)), without={*SECTIONS} - {name})


def _whole(vocabulary: Vocabulary) -> BytePairs:
    ids = {token: number for number, token in enumerate(vocabulary.tokens)}
    ranks = {pair: rank for rank, pair in enumerate(vocabulary.merges)}
    return BytePairs(ids, ranks, PATTERNS[DIGITS_ALONE])


def _bytes() -> Vocabulary:
    return Vocabulary((*LETTERS, "<begin>"), (), ByteReader.BEGIN)


BMIS: Final = (15, 20, 27, 35)
"""One of each band's, kg at a height of 1 m."""
DIGITS_ALONE: Final = True
"""As language.reading.byte_pairs splits."""
_VOCABULARIES: Final[Mapping[str, Callable[[], Vocabulary]]] = MappingProxyType(
    {
        **dict.fromkeys(("smollm2", "random", "none"), gguf_file.vocabulary),
        "tiny": _bytes,
    }
)
