"""A case: one patient's stay under one bed's monitor, from admission to discharge, under a random name.

What may be known of the patient is the patient file (runtime.patient_file) and nothing else. Free text is
where a name would hide, so what goes to disk (`kept`) has no notes unless the site asks for them.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from barocast.runtime.domain import Patient

ID_BYTES: Final = 6
"""Of randomness: two cases of one box never share a name, and the name says nothing."""


@dataclass(frozen=True, slots=True)
class Case:
    """Who lies there, as far as anybody said."""

    id: str
    """Random."""
    admitted: str
    """Wall time, ISO 8601."""
    patient: Patient = field(default_factory=Patient)
    discharged: str | None = None
    """Wall time; None while the case is open."""


def new_case(patient: Patient, wall: str) -> Case:
    """Begin a case under a name of its own."""
    return Case(secrets.token_hex(ID_BYTES), wall, patient)


def kept(patient: Patient, *, keep_notes: bool) -> Patient:
    """Give what may be written to disk."""
    return patient if keep_notes else replace(patient, notes=())


def patient_fields(patient: Patient) -> dict[str, Any]:
    """Give the patient file that `parse_patient` reads back; what is not known is left out."""
    fields = asdict(patient) | {"labs": dict(patient.labs), "notes": dict(patient.notes)}
    return {name: value for name, value in fields.items() if value is not None and value not in ((), {})}
