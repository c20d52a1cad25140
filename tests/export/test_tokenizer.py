"""The tokenizer that training writes is the one that the bedside reads."""

from __future__ import annotations

import pytest
from tokenizers import Tokenizer

from barocast.export.tokenizer import VOCABULARY, train_tokenizer
from barocast.runtime import wordpiece
from barocast.runtime.domain import Patient
from barocast.runtime.prompt import describe

TEXTS = [
    describe(Patient(age_years=age, sex=sex, asa=asa, procedure=procedure, labs=(("hb_g_dl", 9.5),)))
    for age, sex, asa in ((34, "F", 1), (71, "M", 3), (58, None, None))
    for procedure in ("Distal gastrectomy", "Total hip replacement", "Laryngopharyngectomy")
]


@pytest.mark.parametrize(
    "text", [*TEXTS, "", "Fieber 39.5 °C, naïve β-blocker (2×/d)", "pneumonoultramicroscopic"]
)
def test_the_bedside_reads_every_text_as_the_library_does(text):
    written = train_tokenizer(TEXTS)

    assert wordpiece.load(written).encode(text) == Tokenizer.from_str(written).encode(text).ids


def test_the_same_texts_give_the_same_file():
    assert train_tokenizer(TEXTS) == train_tokenizer(TEXTS)


def test_padding_is_zero_and_the_vocabulary_is_capped():
    vocabulary = wordpiece.load(train_tokenizer(TEXTS)).vocabulary

    assert vocabulary["[PAD]"] == 0
    assert len(vocabulary) <= VOCABULARY


def test_words_that_no_training_patient_brought_are_words_all_the_same():
    reader = wordpiece.load(train_tokenizer(TEXTS))

    assert len(reader.encode("cirrhosis")) == 1
    assert len(reader.encode("hepatectomy")) == 1
