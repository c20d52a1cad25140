"""Our WordPiece reader against the library that wrote the file, id for id."""

from __future__ import annotations

import json
from unicodedata import category, ucd_3_2_0

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from barocast.runtime.errors import BundleError
from barocast.runtime.wordpiece import load

PIECES = [
    "[PAD]",
    "[UNK]",
    *"abcdefghijklmnopqrstuvwxyz0123456789.,:;()/%-",
    *(f"##{c}" for c in "abcdestuv0123456789"),
]
WORDS = ["asa", "years", "##ation", "hyper", "##tension", "surgery", "lung", "##ect", "##omy"]


def library() -> Tokenizer:
    vocabulary = {piece: i for i, piece in enumerate(PIECES + WORDS)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(handle_chinese_chars=False, lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def settled(character: str) -> bool:
    """A character that is classed as it was in Unicode 3.2; others each side classes by its own tables."""
    return ucd_3_2_0.category(character) == category(character) and category(character) not in {"Cn", "Cs"}


LIBRARY = library()
OURS = load(LIBRARY.to_str())


@pytest.mark.parametrize(
    "text",
    [
        "demographics: 68 years, aged 60 to 69, man",
        "Ärztliche Einschätzung: gebrechlich",
        "a\tb\nc\u00a0d\u200be",
        "hypertension; lobectomy (left) 120/80 mmHg",
        "x" * 101,
        "",
        "東京 0\ufffd\0",
    ],
)
def test_a_text_has_the_librarys_ids(text):
    assert LIBRARY.encode(text).ids == OURS.encode(text)


@settings(max_examples=1500, deadline=None)
@given(st.text(st.characters().filter(settled), max_size=60))
def test_any_text_has_the_librarys_ids(text):
    assert LIBRARY.encode(text).ids == OURS.encode(text)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"model": {"type": "BPE", "vocab": {"[PAD]": 0}, "unk_token": "[PAD]"}}']
)
def test_what_is_no_wordpiece_is_refused(text):
    with pytest.raises(BundleError, match=r"tokenizer\.json"):
        load(text)


def test_padding_must_be_zero():
    state = json.loads(LIBRARY.to_str())
    state["model"]["vocab"] = {"[UNK]": 0, "[PAD]": 1}

    with pytest.raises(BundleError, match="PAD"):
        load(json.dumps(state))
