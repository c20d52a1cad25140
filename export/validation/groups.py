"""The subgroups of a report: who the patient is, in the levels that evaluation names.

In: a StudyCase, or a cohort's Case. Out: subgroup -> level; what is unknown has no entry, so that nobody is
put in a group by a guess.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.export.comparator_rows import bmi

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from barocast.export.cohort import Case
    from barocast.export.validation.study_case import StudyCase
    from barocast.runtime.domain import Patient

AGE_EDGES: Final = (45.0, 65.0, 75.0)
"""Years."""
BMI_EDGES: Final = (18.5, 25.0, 30.0)
"""kg/m2 (WHO)."""
SEVERE_ASA: Final = 3


def groups_of(case: StudyCase | Case) -> Mapping[str, str]:
    """Give the case's level in every subgroup that is known."""
    found = {name: level(case.patient) for name, level in _LEVELS.items()} | {"MAP source": case.map_source}
    return MappingProxyType({name: level for name, level in found.items() if level})


def _band(value: float | None, edges: tuple[float, ...]) -> str:
    if value is None or np.isnan(value):
        return ""
    place = int(np.searchsorted(edges, value, side="right"))
    if place == 0:
        return f"under {edges[0]:g}"
    return f"{edges[place - 1]:g} to {edges[place]:g}" if place < len(edges) else f"{edges[-1]:g} and over"


def _asa(patient: Patient) -> str:
    if patient.asa is None:
        return ""
    return f"{SEVERE_ASA} and over" if patient.asa >= SEVERE_ASA else f"1 to {SEVERE_ASA - 1}"


def _emergency(patient: Patient) -> str:
    return "" if patient.emergency is None else ("yes" if patient.emergency else "no")


_LEVELS: Final[Mapping[str, Callable[[Patient], str]]] = MappingProxyType(
    {
        "age": lambda patient: _band(patient.age_years, AGE_EDGES),
        "sex": lambda patient: patient.sex or "",
        "ASA": _asa,
        "emergency": _emergency,
        "department": lambda patient: patient.department or "",
        "BMI": lambda patient: _band(bmi(patient), BMI_EDGES),
    }
)
