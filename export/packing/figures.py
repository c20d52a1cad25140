"""What stands beside a graph in its bundle, and what its card says: fitted and judged on its own answers.

calibrators, band (calibration patients) -> threshold (selection patients) -> figures (test patients, once)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration.alarm_burden import choose, sweep
from barocast.calibration.trigger import TriggerRules
from barocast.export.answers import of_role
from barocast.export.assess import assess, risk_tracks
from barocast.export.calibrated import Calibrated, calibrate
from barocast.export.cohort import LEARNED_FROM, role
from barocast.export.packing.subgroups import subgroups
from barocast.export.parity.agreement import parity
from barocast.runtime.domain import HORIZONS_MIN
from barocast.runtime.manifest import AlarmPoint

if TYPE_CHECKING:
    from barocast.export.answers import Answers
    from barocast.export.calibrated import CalibrationPlan
    from barocast.export.parity.agreement import Parity
    from barocast.export.recipe import Material

ALARM_HORIZON_MIN: Final = 10
MAX_ALARMS_PER_HOUR: Final = 1.0
JUDGED: Final = ("calibration", "selection", "test")
"""Roles whose figures the record holds; the card shows the last one's."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """What the manifest takes besides the network."""

    calibrated: Calibrated
    alarm: AlarmPoint


def fit(answers: Answers, material: Material, plan: CalibrationPlan) -> Fitted:
    """Fit calibrators and band, then choose the alarm's threshold. Raises SettingsError."""
    rows, chosen_on = material.rows, of_role(material, "selection")
    calibrated = calibrate(plan, answers.heard(material))
    p = calibrated.calibrators.by_row(answers.logits[chosen_on], answers.patterns[chosen_on])
    tracks = risk_tracks(p, rows.take(chosen_on), material.cases, ALARM_HORIZON_MIN)
    points = sweep(tracks, TriggerRules(p_on=0.5, p_off=0.45), ALARM_HORIZON_MIN * 60)
    rules, _ = choose(points, MAX_ALARMS_PER_HOUR)
    return Fitted(calibrated, AlarmPoint(ALARM_HORIZON_MIN, rules))


def figures(answers: Answers, fitted: Fitted, material: Material) -> dict[str, Any]:
    """Give every judged role's figures, by role, and those of the last one's `subgroups`."""
    p = fitted.calibrated.calibrators.by_row(answers.logits, answers.patterns)
    quantiles = fitted.calibrated.shown(answers.quantiles)
    judged = {}
    for name in JUDGED:
        of = of_role(material, name)
        judged[name] = assess(p[of], quantiles[of], material.rows.take(of), material.cases, fitted.alarm)
    alarmed = p[:, HORIZONS_MIN.index(fitted.alarm.horizon_min)]
    return judged | {"subgroups": subgroups(alarmed, fitted.alarm.horizon_min, material, JUDGED[-1])}


def kept(answers: Answers, fitted: Fitted, material: Material) -> Parity:
    """Hold the packed graphs against their float parent, on every row of the cohort."""
    p, exact = (
        fitted.calibrated.calibrators.by_row(logits, answers.patterns)
        for logits in (answers.logits, answers.exact)
    )
    column = HORIZONS_MIN.index(fitted.alarm.horizon_min)
    return parity(exact, p, material.rows.labels, fitted.alarm.trigger.p_on, column)


def roles(material: Material) -> dict[str, dict[str, int]]:
    """Give how many patients, cases, landmarks and landmarks before an event each role has."""
    counted = {}
    for name, _ in LEARNED_FROM.roles:
        cases = [case for case in material.cases if role(case.subject_id) == name]
        of = of_role(material, name)
        before = material.rows.labels[of, HORIZONS_MIN.index(ALARM_HORIZON_MIN)]
        counted[name] = {
            "patients": len({case.subject_id for case in cases}),
            "cases": len(cases),
            "rows": int(of.sum()),
            "before_event": int(np.nansum(before)),
        }
    return counted
