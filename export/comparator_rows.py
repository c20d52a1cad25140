"""What the comparators see of a landmark: the numbers of its MAP so far, and the patient's static fields.

In: one case's MAP grid, the columns of its landmarks, its patient, and when surgery and anaesthesia began.
Out: rows of calibration.comparators.NUMERIC + STATIC, NaN where unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.calibration.comparators import numeric_features
from barocast.runtime.timeline import STEP_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from barocast.runtime.domain import Patient

HISTORY: Final = ("hypertension", "diabetes")
LABS: Final = ("hb_g_dl", "albumin_g_dl", "creatinine_mg_dl")


def case_features(
    map_mmhg: NDArray[np.float64], at: NDArray[np.intp], patient: Patient, starts_s: tuple[float, float]
) -> NDArray[np.float64]:
    """Give (n, NUMERIC + STATIC); `starts_s` are surgery's and anaesthesia's, seconds of the case."""
    numeric = numeric_features(map_mmhg, at, STEP_S)
    since = [(at * STEP_S - start_s) / 60 for start_s in starts_s]
    return np.concatenate([numeric, np.tile(_static(patient), (at.size, 1)), np.stack(since, axis=1)], axis=1)


def bmi(patient: Patient) -> float:
    """Give kg/m2, NaN where height or weight is unknown."""
    height_cm, weight_kg = patient.height_cm, patient.weight_kg
    return weight_kg / (height_cm / 100) ** 2 if height_cm and weight_kg else np.nan


def _static(patient: Patient) -> list[float]:
    labs = dict(patient.labs)
    return [
        _or_nan(patient.age_years),
        float(patient.sex == "M"),
        bmi(patient),
        _or_nan(patient.asa),
        _or_nan(patient.emergency),
        *(float(word in patient.history) for word in HISTORY),
        *(labs.get(name, np.nan) for name in LABS),
    ]


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else float(value)
