"""The prompt: the same patient gives the same text; what is unknown is not said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import elderly_patient

from barocast.export.cohort import HISTORY
from barocast.runtime.domain import Patient
from barocast.runtime.prompt import HISTORY_FIRST, NOTE_WORDS, SECTIONS, describe


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


def test_history_is_told_in_one_order_however_it_was_written():
    first, second = (
        describe(Patient(history=items))
        for items in (
            ("Smoking", "diabetes", "atrial fibrillation", "Hypertension"),
            ("hypertension", "atrial fibrillation", "smoking", "Diabetes", "diabetes"),
        )
    )

    assert first == "history: hypertension, diabetes, atrial fibrillation, smoking."
    assert second == first


def test_history_keeps_the_order_of_the_training_texts():
    assert tuple(HISTORY.values()) == HISTORY_FIRST


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (89.7, "90 years, aged 90 to 99"),
        (89.4, "89 years, aged 80 to 89"),
        (60.0, "60 years, aged 60 to 69"),
        (0.7, "1 years, aged 0 to 9"),
    ],
)
def test_an_age_and_its_decade_agree(age, text):
    assert describe(Patient(age_years=age)) == f"demographics: {text}."
