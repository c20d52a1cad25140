"""The same figures for each kind of patient: enough events or none at all.

In: Judged rows. Out: subgroup -> level -> n, events, and AUROC, slope and O/E with intervals of one horizon.
Events are onsets that could be foreseen: a landmark with a forecast lies in the horizon before them. A level
with fewer than MIN_EVENTS of them, or fewer than MIN_PATIENTS patients, is suppressed: a number there would
be read, and would mean nothing.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration.bootstrap import MIN_PATIENTS, draw_patients, intervals
from barocast.calibration.landmarks import HORIZONS_S
from barocast.calibration.matched import seen_by
from barocast.calibration.panel import risk_draws

if TYPE_CHECKING:
    from barocast.calibration.judged import Judged

MIN_EVENTS: Final = 10
SHOWN: Final = ("auroc", "slope", "observed_expected")


def figures(judged: Judged, column: int, draws: int) -> dict[str, dict[str, Any]]:
    """Give the figures of every level of every subgroup that occurs."""
    groups = sorted({group for case in judged.cases for group in case.groups})
    return {
        group: {level: _level(judged.in_group(group, level), column, draws) for level in judged.levels(group)}
        for group in groups
    }


def _level(judged: Judged, column: int, draws: int) -> dict[str, Any]:
    labels = judged.labels[:, column]
    counted = np.isfinite(labels) & judged.answered
    patients = len({case.subject_id for case in judged.cases})
    foreseeable = seen_by([judged.tracks(judged.p, column)], HORIZONS_S[column])
    events = int(sum(seen.sum() for seen in foreseeable))
    found: dict[str, Any] = {"patients": patients, "events": events, "rows": int(counted.sum())}
    if events < MIN_EVENTS or patients < MIN_PATIENTS or not 0 < labels[counted].sum() < counted.sum():
        return found | {"suppressed": f"fewer than {MIN_EVENTS} events or {MIN_PATIENTS} patients"}
    drawn = draw_patients(judged.subjects[counted], draws)
    figures_of = intervals(risk_draws(labels[counted], judged.p[counted, column], drawn))
    return found | {name: asdict(figures_of[name]) for name in SHOWN}
