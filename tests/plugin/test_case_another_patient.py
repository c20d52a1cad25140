"""Which change in a feed's demographics begins a new case."""

from __future__ import annotations

import pytest

from barocast.plugin.cases.another_patient import another_patient
from barocast.runtime.domain import Patient

KNOWN = Patient(age_years=67, sex="F", height_cm=162, weight_kg=70)


@pytest.mark.parametrize(
    ("told", "another"),
    [
        (KNOWN, False),
        (Patient(), False),
        (Patient(age_years=68, sex="F"), False),
        (Patient(age_years=67, sex="F", height_cm=165, weight_kg=74), False),
        (Patient(sex="M"), True),
        (Patient(age_years=70), True),
        (Patient(height_cm=170), True),
        (Patient(weight_kg=95), True),
        (Patient(weight_kg=50), True),
    ],
)
def test_what_cannot_be_the_same_person_is_another(told, another):
    assert another_patient(KNOWN, told) is another
    assert another_patient(told, KNOWN) is another


def test_what_was_open_and_is_told_now_completes_the_description():
    assert not another_patient(Patient(sex="F"), KNOWN)
