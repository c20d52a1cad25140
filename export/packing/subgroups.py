"""How well the risks of one horizon rank the rows of each subgroup: age, sex, ASA and the like."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration.bootstrap import draw_patients, intervals
from barocast.calibration.events import find_events
from barocast.calibration.panel import risk_draws
from barocast.export.cohort import role
from barocast.export.validation.groups import groups_of
from barocast.runtime.domain import HORIZONS_MIN
from barocast.runtime.timeline import STEP_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from barocast.export.recipe import Material

LEAST_EVENTS: Final = 10
"""A level with fewer is counted and not judged."""


def subgroups(
    p: NDArray[np.float64], horizon_min: int, material: Material, name: str
) -> dict[str, dict[str, Any]]:
    """Give group -> level -> patients, rows, events and AUROC (None: too few for an interval), of one role.

    `p` (n,) are the calibrated risks of every row of the cohort.
    """
    column = HORIZONS_MIN.index(horizon_min)
    return {
        group: {level: _level(p, column, levels[level], material) for level in sorted(levels)}
        for group, levels in _cases_by_level(material, name).items()
    }


def _cases_by_level(material: Material, name: str) -> dict[str, dict[str, list[int]]]:
    found: dict[str, dict[str, list[int]]] = {}
    for number, case in enumerate(material.cases):
        if role(case.subject_id) == name:
            for group, level in groups_of(case).items():
                found.setdefault(group, {}).setdefault(level, []).append(number)
    return found


def _level(p: NDArray[np.float64], column: int, cases: list[int], material: Material) -> dict[str, Any]:
    of = np.isin(material.rows.case, cases)
    events = sum(len(find_events(material.cases[number].map_mmhg, STEP_S)) for number in cases)
    return {
        "patients": len({material.cases[number].subject_id for number in cases}),
        "rows": int(of.sum()),
        "events": events,
        "auroc": _auroc(p, column, of, material) if events >= LEAST_EVENTS else None,
    }


def _auroc(
    p: NDArray[np.float64], column: int, of: NDArray[np.bool_], material: Material
) -> dict[str, float] | None:
    y = material.rows.labels[:, column]
    known = of & np.isfinite(y)
    if len(np.unique(y[known])) == 1:
        return None
    subjects = np.array([case.subject_id for case in material.cases])[material.rows.case[known]]
    draws = risk_draws(y[known].astype(np.float64), p[known], draw_patients(subjects))
    found = intervals(draws)["auroc"]
    return asdict(found) if math.isfinite(found.high - found.low) else None
