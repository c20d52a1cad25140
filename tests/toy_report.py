"""A report of made-up cases whose every row is at hand, so that each figure can be computed again."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from barocast.calibration.events import HYPOTENSION
from barocast.calibration.figures import (
    alarms,
    all_windows,
    comparison,
    damage,
    forecast,
    inputs,
    paradox,
    risk,
    subgroups,
    worst,
)
from barocast.calibration.judged import Judged, JudgedCase
from barocast.calibration.landmarks import find_landmarks
from barocast.calibration.trigger import TriggerRules

HORIZONS = (5, 10, 15)
ALARM_COLUMN = 1
RULES = TriggerRules(p_on=0.5, p_off=0.4)
DRAWS = 20
SAID = {"source": "VitalDB", "uses": ["calibrator", "operating point", "weights"]}
MINUTES_AHEAD = tuple(0.5 * step for step in range(1, 31))


def theatre(patients=6, level_mmhg=74.0, seed=0, minutes=70):
    """Give Judged rows of slow waves of pressure; the forecast reads the risk off the pressure of now."""
    random = np.random.default_rng(seed)
    cases, parts = [], []
    for number in range(patients):
        steps = np.arange(minutes * 6)
        series = level_mmhg + 11 * np.sin(steps / random.uniform(20, 50) + random.uniform(0, 6))
        series = series + random.normal(0, 1.5, steps.size)
        groups = {"sex": "FM"[number % 2], "age": "65 to 75"}
        cases.append(JudgedCase(f"c{number}", f"s{number}", series, 10.0, groups))
        parts.append(find_landmarks(series, 10.0))
    case = np.repeat(np.arange(patients), [part.at.size for part in parts])
    at = np.concatenate([part.at for part in parts])
    now = np.array([cases[i].map_mmhg[t - 2 : t + 1].mean() for i, t in zip(case, at, strict=True)])
    logits = (71 - now[:, None]) / 4 + np.array([-0.5, 0.0, 0.5])
    padded = [np.append(one.map_mmhg, np.full(90, np.nan)) for one in cases]
    future = np.array(
        [padded[i][t + 1 : t + 91].reshape(30, 3).mean(axis=1) for i, t in zip(case, at, strict=True)]
    )
    return Judged(
        cases=tuple(cases),
        case=case,
        at=at,
        labels=np.concatenate([part.labels for part in parts]),
        p=1 / (1 + np.exp(-logits)),
        quantiles=np.repeat((now[:, None] + np.array([-8.0, 0.0, 8.0]))[:, :, None], 30, axis=2),
        future=future.reshape(len(at), 30),
        now=now,
        others={"-MAP": np.repeat(-now[:, None], 3, axis=1)},
    )


def report_of(rows, *, learned=SAID, sources=("VitalDB",), rules=RULES, unanswered=None, theirs=None):
    """Give the report's plain values, as export.validation.study puts them together."""
    judged = {
        "cases": len(rows.cases),
        "patients": len({case.subject_id for case in rows.cases}),
        "hours": sum(case.map_mmhg.size for case in rows.cases) / 360,
        "onsets": int(sum(case.onsets_s.size for case in rows.cases)),
        "landmarks": len(rows),
        "answered": float(rows.answered.mean()),
        "unanswered": unanswered or {},
        "cases_without_landmarks": sum(number not in rows.case for number in range(len(rows.cases))),
        "hours_before_a_gap": 0.0,
    }
    about = {
        "bundle": "toy-1",
        "model_sha256": "ab" * 32,
        "intended_use": "Tests.",
        "event": asdict(HYPOTENSION),
        "sources": list(sources),
        "learned_from": learned,
        "cases_by_what_they_taught": {"nothing": len(rows.cases), "weights": 5},
        "judged": judged,
        "patients_of_comparators": len(rows.cases),
    }
    return {
        "about": about,
        "risk": risk.figures(rows, HORIZONS, DRAWS),
        "all_windows": all_windows.figures(
            all_windows.Windows(rows.subjects, rows.labels, rows.p), HORIZONS, DRAWS
        ),
        "forecast": forecast.figures(rows, MINUTES_AHEAD, DRAWS),
        "alarm": alarms.figures(rows, rules, HORIZONS[ALARM_COLUMN], ALARM_COLUMN, DRAWS),
        "comparison": comparison.figures(rows, HORIZONS, DRAWS),
        "matched_alarms": comparison.at_alarms_per_hour(rows, ALARM_COLUMN, 600.0, 1.0, DRAWS),
        "their_scores": comparison.apart(rows, theirs or {}, HORIZONS, ALARM_COLUMN, 1.0, DRAWS),
        "subgroups": subgroups.figures(rows, ALARM_COLUMN, DRAWS),
        "damage": damage.figures(
            rows, {"nothing": rows.p, "silence": np.full(rows.p.shape, np.nan)}, HORIZONS, DRAWS
        ),
        "quantized": None,
        "paradox": paradox.figures(rows, rules, ALARM_COLUMN, 600.0),
        "inputs": inputs.figures(rows, ALARM_COLUMN),
        "worst": worst.figures(rows, rules, ALARM_COLUMN),
        "comparators_on_all_patients": comparison.alone(rows, HORIZONS, DRAWS),
        "gate": [],
    }
