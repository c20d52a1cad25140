"""A Patient -> the fields of its patient file, as runtime.patient_file reads them back.

What is not known is left out, and so is a number that no person can have: a table exported by a machine has
such, and one of them must not cost the case.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from barocast.runtime.patient_file import LABS, RANGES

if TYPE_CHECKING:
    from barocast.runtime.domain import Patient

ANY: Final = (-math.inf, math.inf)


def patient_fields(patient: Patient) -> dict[str, Any]:
    """Give the fields in the Patient's order."""
    labs = {name: value for name, value in patient.labs if _within(value, LABS.get(name, ANY))}
    fields = asdict(patient) | {"labs": labs, "notes": dict(patient.notes)}
    return {
        name: value
        for name, value in fields.items()
        if value is not None
        and value not in ((), {})
        and (name not in RANGES or _within(value, RANGES[name]))
    }


def _within(value: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= value <= bounds[1]
