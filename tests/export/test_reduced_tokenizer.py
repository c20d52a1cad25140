"""A reduced tokenizer gives the ids of the whole one, by other numbers, wherever it was asked to."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from barocast.export.language.gguf_file import Vocabulary
from barocast.export.language.reading import byte_pairs, load_reader
from barocast.export.language.reduced import prompts, reduced, vocabulary_of
from barocast.runtime import text_tokens
from barocast.runtime.bpe import LETTERS, PADDING
from barocast.runtime.domain import Patient
from barocast.runtime.errors import InputError
from barocast.runtime.prompt import describe

LUNG = "surgery: lobectomy of lung."
MERGES = ["l u", "n g", "lu ng", "Ġ lung", "Ġ l", "Ġl u", "l o", "o b", "lo b", "e c", "v e", "ve x", "Ġ vex"]
PATIENT = Patient(
    age_years=63,
    sex="M",
    asa=3,
    department="Thoracic surgery",
    procedure="Lobectomy, naïve µg/kg",
    labs=(("hb_g_dl", 9.1),),
    notes=(("assessment", "frail; poor intake for a week"),),
)


def made_up() -> Vocabulary:
    merges = tuple((left, right) for left, right in (merge.split(" ") for merge in MERGES))
    pieces = dict.fromkeys(["<begin>", *LETTERS, *(left + right for left, right in merges), "<end>"])
    return Vocabulary(tuple(pieces), merges, begin=0)


@pytest.fixture(scope="module")
def smollm2():
    try:
        return vocabulary_of("smollm2")
    except InputError as error:
        pytest.skip(str(error))


def whole_ids(vocabulary, text):
    return byte_pairs(vocabulary).encode(text).ids


def ids_of_whole(left, text):
    """What our reader gives, in the whole model's numbers."""
    return [left.kept[number] for number in text_tokens.load(left.tokenizer_json).encode(text)]


@pytest.mark.parametrize("text", [LUNG, "lunglung  lung", "blob"])
def test_a_given_text_keeps_its_ids(text):
    assert ids_of_whole(reduced(made_up(), [text]), text) == whole_ids(made_up(), text)


def test_merges_that_no_text_needs_are_left_out_and_their_words_fall_apart():
    left = reduced(made_up(), [LUNG])
    pieces = text_tokens.load(left.tokenizer_json).vocabulary

    assert {"Ġlung", "lung", "lu", "ng", "lo", "ec"} <= pieces.keys()
    assert not {"Ġvex", "vex", "<begin>", "<end>"} & pieces.keys()
    assert len(ids_of_whole(left, " vex")) > len(whole_ids(made_up(), " vex")) == 1


def test_padding_is_0_and_the_begin_token_stands_in_its_place():
    left = reduced(made_up(), [LUNG])
    vocabulary = text_tokens.load(left.tokenizer_json).vocabulary

    assert vocabulary[PADDING] == 0
    assert left.kept[0] == made_up().begin
    assert [made_up().tokens[number] for number in left.kept[1:]] == sorted(vocabulary, key=vocabulary.get)[
        1:
    ]


def test_the_same_texts_in_any_order_give_the_same_bytes():
    assert reduced(made_up(), [LUNG, "blob", LUNG]) == reduced(made_up(), ["blob", LUNG])


@settings(max_examples=100, deadline=None)
@given(st.text(st.one_of(st.sampled_from("lung lob vex"), st.characters(codec="latin-1")), max_size=40))
def test_any_other_text_is_still_told_in_full_and_read_by_the_library_alike(text):
    ours, theirs = text_tokens.load(LEFT.tokenizer_json), Tokenizer.from_str(LEFT.tokenizer_json)
    letters = {number: piece for piece, number in ours.vocabulary.items()}

    told = "".join(letters[number] for number in ours.encode(text))

    assert bytes(LETTERS.index(letter) for letter in told).decode() == text
    assert theirs.encode(text).ids == ours.encode(text)


LEFT = reduced(made_up(), [LUNG])


def test_a_patients_ids_are_those_that_a_teacher_on_bytes_was_taught_with():
    text = describe(PATIENT)
    left = reduced(vocabulary_of("tiny"), [])

    taught = load_reader("tiny").ids(text, 1000)

    assert [left.kept[0], *ids_of_whole(left, text)] == taught[taught >= 0].tolist()


def test_smollm2_keeps_the_ids_of_the_prompts_words_and_of_given_texts(smollm2):
    text, theirs = describe(PATIENT), byte_pairs(smollm2)
    left = reduced(smollm2, [text])

    for told in (text, *prompts()):
        assert ids_of_whole(left, told) == theirs.encode(told).ids
    assert len(left.kept) < 1500
    assert left.kept[0] == smollm2.begin


def test_the_prompts_own_words_are_all_there():
    told = " ".join(prompts())
    for words in (
        "woman",
        "man",
        "underweight",
        "normal weight",
        "obese",
        "platelets",
        "low",
        "high",
        "elective",
    ):
        assert f" {words}" in told


def test_words_of_a_hub_model_are_refused_with_the_mend():
    with pytest.raises(InputError, match=r"trunk owner/model: .* smollm2, random, none, tiny; .* --adapter"):
        vocabulary_of("owner/model")
