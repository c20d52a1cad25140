"""Patient -> text: deterministic, in named sections, the same function in training and at the bedside.

A missing field says nothing; a section with nothing to say is left out; so the same patient always
gives the same text, and any section can be dropped by name. Numbers come with a plain word
(`low`, `aged 60 to 69`), because a small text model reads words better than digits. Bands are the
usual adult reference limits; they describe, they do not diagnose. History is told in one order however it
was written down. Free-text notes come last, as
they are, cut to NOTE_WORDS words.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from barocast.runtime.domain import Patient

TEMPLATE_VERSION: Final = "1"
"""Stated in the bundle: a model only reads the template it was trained on."""

NOTE_WORDS: Final = 60
"""Words kept of the free text, from its beginning."""

HISTORY_FIRST: Final = ("hypertension", "diabetes")
"""Conditions that the training texts hold, in their order there; all others follow in alphabetical order."""

_SEX: Final = MappingProxyType({"F": "woman", "M": "man"})
_BMI_BANDS: Final = ((18.5, "underweight"), (25.0, "normal weight"), (30.0, "overweight"))
_LAB_LIMITS: Final[Mapping[str, tuple[str, float, float]]] = MappingProxyType(
    {
        # name in the patient file: (words, lower, upper limit of the adult reference range)
        "albumin_g_dl": ("albumin", 3.5, 5.2),
        "bun_mg_dl": ("urea nitrogen", 7.0, 22.0),
        "creatinine_mg_dl": ("creatinine", 0.5, 1.2),
        "glucose_mg_dl": ("glucose", 70.0, 140.0),
        "hb_g_dl": ("haemoglobin", 12.0, 17.0),
        "k_mmol_l": ("potassium", 3.5, 5.1),
        "na_mmol_l": ("sodium", 135.0, 145.0),
        "platelets_10e9_l": ("platelets", 150.0, 400.0),
    }
)


def describe(patient: Patient, without: Collection[str] = ()) -> str:
    """Give the patient's text; sections named in `without` are left out. Empty when nothing is known."""
    sections = ((name, write(patient)) for name, write in SECTIONS.items() if name not in without)
    return " ".join(f"{name}: {text}." for name, text in sections if text)


def _demographics(patient: Patient) -> str:
    return ", ".join(filter(None, (_age(patient), _SEX.get(patient.sex or ""), _build(patient))))


def _age(patient: Patient) -> str:
    if patient.age_years is None:
        return ""
    years = round(patient.age_years)
    decade = years // 10 * 10
    return f"{years} years, aged {decade} to {decade + 9}"


def _build(patient: Patient) -> str:
    if not patient.height_cm or not patient.weight_kg:
        return ""
    bmi = patient.weight_kg / (patient.height_cm / 100) ** 2
    band = next((word for limit, word in _BMI_BANDS if bmi < limit), "obese")
    return f"bmi {bmi:.0f} {band}"


def _physical_status(patient: Patient) -> str:
    asa = f"asa {patient.asa}" if patient.asa is not None else ""
    urgency = {True: "emergency", False: "elective", None: ""}[patient.emergency]
    return ", ".join(filter(None, (asa, urgency)))


def _history(patient: Patient) -> str:
    told = {item.lower() for item in patient.history}
    return ", ".join(
        [item for item in HISTORY_FIRST if item in told] + sorted(told.difference(HISTORY_FIRST))
    )


def _labs(patient: Patient) -> str:
    return ", ".join(_lab(name, value) for name, value in patient.labs if name in _LAB_LIMITS)


def _lab(name: str, value: float) -> str:
    words, lower, upper = _LAB_LIMITS[name]
    band = "low" if value < lower else "high" if value > upper else "normal"
    return f"{words} {value:g} {band}"


def _surgery(patient: Patient) -> str:
    fields = (patient.department, patient.procedure, patient.diagnosis, patient.approach, patient.position)
    return ", ".join(field.lower() for field in fields if field)


def _anaesthesia(patient: Patient) -> str:
    return (patient.anaesthesia or "").lower()


def _notes(patient: Patient) -> str:
    words = " ".join(text for _, text in patient.notes).split()
    return " ".join(words[:NOTE_WORDS])


SECTIONS: Final[Mapping[str, Callable[[Patient], str]]] = MappingProxyType(
    {
        "demographics": _demographics,
        "physical status": _physical_status,
        "history": _history,
        "labs": _labs,
        "surgery": _surgery,
        "anaesthesia": _anaesthesia,
        "assessment": _notes,
    }
)
"""Section name -> its writer, in the order in which the model reads them."""
