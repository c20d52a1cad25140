"""A patient file is read whole or refused with field, value and mend."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barocast.runtime.domain import Patient
from barocast.runtime.errors import PatientError
from barocast.runtime.patient_file import LABS, MAX_NOTE, RANGES, parse_patient

FULL = {
    "age_years": 67,
    "sex": "F",
    "height_cm": 162.5,
    "weight_kg": 71,
    "asa": 3,
    "emergency": False,
    "department": "Surgery",
    "procedure": "Hemicolectomy",
    "diagnosis": "Cancer",
    "approach": "Open",
    "position": "Supine",
    "anaesthesia": "General",
    "history": ["hypertension", "diabetes"],
    "labs": {"na_mmol_l": 139, "hb_g_dl": 11.2},
    "notes": {"assessment": "Frail.\nWalks."},
}


def parse(**fields: object) -> Patient:
    return parse_patient(json.dumps(fields), "p.json")


def refusal(text: str) -> str:
    with pytest.raises(PatientError) as caught:
        parse_patient(text, "p.json")
    return str(caught.value)


def test_every_field_is_read():
    assert parse(**FULL) == Patient(
        age_years=67.0,
        sex="F",
        height_cm=162.5,
        weight_kg=71.0,
        asa=3,
        emergency=False,
        department="Surgery",
        procedure="Hemicolectomy",
        diagnosis="Cancer",
        approach="Open",
        position="Supine",
        anaesthesia="General",
        history=("hypertension", "diabetes"),
        labs=(("hb_g_dl", 11.2), ("na_mmol_l", 139.0)),
        notes=(("assessment", "Frail. Walks."),),
    )


def test_every_field_may_be_missing_or_null():
    assert parse() == parse(**dict.fromkeys(FULL)) == Patient()


def test_a_missing_lab_or_note_is_left_out():
    assert parse(labs={"hb_g_dl": None}, notes={"assessment": None}) == Patient()


@pytest.mark.parametrize("field", sorted(RANGES))
def test_the_ends_of_a_range_are_possible_and_beyond_is_not(field: str):
    low, high = RANGES[field]

    assert getattr(parse(**{field: low}), field) == low
    assert getattr(parse(**{field: high}), field) == high
    for beyond in (low - 0.1, high + 1):
        assert f"p.json: {field}: {beyond:g} cannot be" in refusal(json.dumps({field: beyond}))


@pytest.mark.parametrize("lab", sorted(LABS))
def test_an_impossible_lab_is_refused_with_its_range(lab: str):
    low, high = LABS[lab]

    assert parse(labs={lab: high}).labs == ((lab, high),)
    assert f"p.json: labs.{lab}: {high + 1:g} cannot be; it must be between {low:g} and {high:g}" == refusal(
        json.dumps({"labs": {lab: high + 1}})
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"age": 67}', "p.json: age: unknown field; did you mean age_years?"),
        ('{"shoe": 43}', "p.json: shoe: unknown field; the fields are age_years"),
        ('{"weight_kg": "71"}', "p.json: weight_kg: '71' is not a number"),
        ('{"weight_kg": true}', "weight_kg: True is not a number"),
        ('{"weight_kg": NaN}', "weight_kg: nan is not a number"),
        ('{"weight_kg": 1e999}', "weight_kg: inf is not a number"),
        ('{"weight_kg": 1' + "0" * 400 + "}", "weight_kg: inf is not a number"),
        ('{"asa": 2.5}', "asa: 2.5 is not a whole number"),
        ('{"sex": "female"}', "sex: 'female' is not one of"),
        ('{"emergency": "no"}', "emergency: 'no' is neither true nor false"),
        ('{"department": 3}', "department: 3.0 is not a text"),
        ('{"history": "hypertension"}', "history: 'hypertension' is not a list"),
        ('{"history": [1]}', "history[0]: 1.0 is not a text"),
        ('{"labs": [1]}', "labs: [1.0] is not a table"),
        ('{"labs": {"hb_g_l": 112}}', "labs.hb_g_l: unknown lab; did you mean hb_g_dl?"),
        ('{"labs": {"troponin": "high"}}', "labs.troponin: 'high' is not a number"),
        ('{"age_years": 1, "age_years": 2}', "age_years: stands twice"),
        ('{"labs": {"crp": 1, " crp": 2}}', "labs: an entry without a name, or two with one"),
        ('{"notes": {" ": "x"}}', "notes: an entry without a name, or two with one"),
        ('{"age_years": 67', "p.json: line 1, column 17: not JSON"),
        ("[1]", "p.json: file: not a table of fields"),
        ("", "line 1, column 1: not JSON"),
        ("[" * 100_000, "p.json: file: not a patient"),
        ('{"history": [' + '"x",' * 64 + '"x"]}', "history: 65 entries; keep at most 64"),
    ],
)
def test_what_cannot_be_is_refused_with_its_field(text: str, said: str):
    assert said in refusal(text)


def test_a_lab_that_nobody_knows_is_taken_as_it_is():
    assert parse(labs={"troponin_ng_l": 14}).labs == (("troponin_ng_l", 14.0),)


def test_free_text_is_cut_and_loses_control_characters():
    patient = parse(notes={"assessment": "\x1b" + "x" * (MAX_NOTE + 9)}, procedure=" a\tb ")

    assert patient.notes == (("assessment", "x" * MAX_NOTE),)
    assert patient.procedure == "a b"


values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(fields=st.dictionaries(st.sampled_from(sorted(FULL)) | st.text(max_size=5), values, max_size=4))
def test_any_table_gives_a_patient_or_one_line(fields: dict[str, object]):
    try:
        said = repr(parse(**fields))
    except PatientError as error:
        said = str(error)

    assert said.startswith(("p.json: ", "Patient("))
    assert "\n" not in said
