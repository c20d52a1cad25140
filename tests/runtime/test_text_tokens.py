"""A bundle's tokenizer is read by its own kind."""

from __future__ import annotations

import json

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from barocast.runtime.bpe import LETTERS, PADDING
from barocast.runtime.errors import BundleError, Refused
from barocast.runtime.text_tokens import load


def wordpiece() -> Tokenizer:
    pieces = [PADDING, "[UNK]", "asa", "years", ":"]
    tokenizer = Tokenizer(models.WordPiece({p: n for n, p in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(handle_chinese_chars=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def byte_pairs() -> Tokenizer:
    pieces = [PADDING, *LETTERS, "as", "asa"]
    merges = [("a", "s"), ("as", "a")]
    tokenizer = Tokenizer(models.BPE({p: n for n, p in enumerate(pieces)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return tokenizer


@pytest.mark.parametrize("library", [wordpiece(), byte_pairs()], ids=["WordPiece", "BPE"])
@pytest.mark.parametrize("text", ["", "asa: 3 years", "Übergewicht"])
def test_each_kind_is_read_as_the_library_reads_it(library, text):
    ours = load(library.to_str())

    assert ours.encode(text) == library.encode(text).ids
    assert ours.vocabulary == library.get_vocab()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[",
        "[]",
        "7",
        "{}",
        "[" * 100_000,
        json.dumps({"model": {"type": "Unigram", "vocab": []}}),
        json.dumps({"model": {"type": ["BPE"]}}),
    ],
)
def test_another_kind_is_refused_in_one_error(text):
    with pytest.raises(
        BundleError, match=r"^tokenizer\.json: its model\.type is none of WordPiece, BPE"
    ) as refused:
        load(text)

    assert refused.value.code is Refused.TOKENIZER
