"""Our byte-level BPE reader against the library that wrote the file, id for id."""

from __future__ import annotations

import json
from unicodedata import category, ucd_3_2_0

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from barocast.runtime.bpe import LETTERS, MAX_TEXT_CHARS, PADDING, load
from barocast.runtime.errors import BundleError, Refused

MERGES = ["Ġ a", "a a", "t h", "th e", "Ġ the", "aa a", "Ġ Ġ", "ĠĠ ĠĠ", "Ã ¤", "' s", "1 2", "a s", "Ġa as"]
MERGES += ["Ċ Ċ", "æĿ ±", "æ Ŀ", "s a", "ĠĠ a", "! !"]
"""Overlapping ones, of blanks, of digits (which stand alone), of one character's bytes, one too early."""
LACKING = LETTERS[4]
"""SmolLM2's vocabulary holds no byte 4 either."""


def library(*, digits_alone: bool = True) -> Tokenizer:
    merges = [tuple(merge.split(" ")) for merge in MERGES]
    pieces = [PADDING, *(c for c in LETTERS if c != LACKING), *(left + right for left, right in merges)]
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    digits = pre_tokenizers.Digits(individual_digits=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, level]) if digits_alone else level
    return tokenizer


def settled(character: str) -> bool:
    """A character that is classed as it was in Unicode 3.2; others each side classes by its own tables."""
    return ucd_3_2_0.category(character) == category(character) and category(character) not in {"Cn", "Cs"}


LIBRARIES = [library(digits_alone=alone) for alone in (True, False)]
PAIRS = [(theirs, load(theirs.to_str())) for theirs in LIBRARIES]
LIKELY = st.sampled_from(
    "aaas the  \n\t'sStrevmld12½²ⅧäÄ東\u0301\u00a0\u2028\x85\x1c!!-_\x04\U0001f469\u200d"
)
TEXTS = st.text(st.one_of(LIKELY, st.characters().filter(settled)), max_size=60)


@pytest.mark.parametrize(("theirs", "ours"), PAIRS, ids=["digits alone", "as GPT-2"])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "demographics: 63 years, aged 60 to 69, man",
        "a  12   3",
        "the patient's aaaas, they'll 've 'S",
        "  \n\n  the\n a\t",
        "\x1c\x1d a\x85b\u00a0 c\u3000\u200b",
        "Ärztliche Einschätzung: µg/kg ½ ² Ⅷ 一二三",
        "東京 👩‍⚕️ naïve",
        "a\x04a the\x04",
        "a" * 1000,
    ],
)
def test_a_text_has_the_librarys_ids(theirs, ours, text):
    assert ours.encode(text) == theirs.encode(text).ids


@pytest.mark.parametrize(("theirs", "ours"), PAIRS, ids=["digits alone", "as GPT-2"])
@settings(max_examples=200, deadline=None)
@given(text=TEXTS)
def test_any_text_has_the_librarys_ids(theirs, ours, text):
    assert ours.encode(text) == theirs.encode(text).ids


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=[]), max_size=60))
def test_any_string_has_ids_and_padding_is_none_of_them(text):
    """Half a surrogate pair too, which the library refuses."""
    _, ours = PAIRS[0]

    ids = ours.encode(text)

    assert 0 not in ids
    assert set(ids) <= set(ours.vocabulary.values())


def test_half_a_surrogate_pair_is_a_question_mark():
    _, ours = PAIRS[0]
    assert ours.encode("a\ud800") == ours.encode("a?")


def test_the_end_of_an_endless_text_is_not_read():
    _, ours = PAIRS[0]
    endless = "as" * (MAX_TEXT_CHARS // 2)

    assert ours.encode(endless + "!") == ours.encode(endless)
    assert ours.encode(endless[:-1] + "!") != ours.encode(endless)


def damaged(**changes: object) -> str:
    """The library's own file with parts of its model, or of the whole, put in another's place."""
    told = json.loads(library().to_str())
    for name, value in changes.items():
        (told["model"] if name in told["model"] else told)[name] = value
    return json.dumps(told)


VOCABULARY = json.loads(library().to_str())["model"]["vocab"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "JSONDecodeError"),
        ("[" * 100_000, "RecursionError"),
        ("[]", "TypeError"),
        ('{"model": {}}', "vocab"),
        (damaged(type="WordPiece"), "as its model"),
        (damaged(vocab={**VOCABULARY, PADDING: 9999}), "with \\[PAD\\] at 0"),
        (damaged(merges=[["a", "zz"]]), "what its merges make"),
        (damaged(merges=[["a"]]), "not enough values"),
        (damaged(dropout=0.1), "without dropout"),
        (damaged(normalizer={"type": "NFC"}), "without a normalizer"),
        (damaged(pre_tokenizer={"type": "Whitespace"}), "splits by"),
        (damaged(pre_tokenizer={"type": "ByteLevel", "add_prefix_space": True}), "splits by"),
        (damaged(pre_tokenizer={"type": "Sequence", "pretokenizers": []}), "IndexError"),
        (damaged(pre_tokenizer=None), "NoneType"),
        (damaged(vocab={**VOCABULARY, "a": float("inf")}), "OverflowError"),
    ],
)
def test_what_is_no_byte_level_bpe_is_refused(text, named):
    with pytest.raises(
        BundleError, match=rf"^tokenizer\.json: .*{named}.*; pack the bundle again"
    ) as refused:
        load(text)

    assert refused.value.code is Refused.TOKENIZER
