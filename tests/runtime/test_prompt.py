"""The prompt: the same patient gives the same text; what is unknown is not said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import elderly_patient

from barocast.runtime.domain import Patient
from barocast.runtime.prompt import NOTE_WORDS, SECTIONS, describe


def test_every_section_says_what_is_known():
    assert describe(elderly_patient()) == (
        "demographics: 68 years, aged 60 to 69, man, bmi 19 normal weight. "
        "physical status: asa 3, elective. "
        "history: hypertension. "
        "labs: haemoglobin 10.6 low, sodium 138 normal. "
        "surgery: thoracic surgery, lung lobectomy, lung cancer, open, right lateral decubitus. "
        "anaesthesia: general. "
        "assessment: Frail, poor oral intake for two weeks.."
    )


def test_an_unknown_patient_has_no_text():
    assert describe(Patient()) == ""


@pytest.mark.parametrize("section", SECTIONS)
def test_any_section_can_be_dropped(section):
    assert f"{section}:" in describe(elderly_patient())
    assert f"{section}:" not in describe(elderly_patient(), without={section})


def test_free_text_is_cut_to_its_first_words():
    long = replace(elderly_patient(), notes=(("assessment", "word " * 500),))

    assert describe(long).count("word") == NOTE_WORDS
