"""Ours beside every other score, on the very same rows and the very same draws.

In: Judged rows with their `others`. Out, by horizon: AUROC and AUPRC of each score with intervals, what ours
has over it, paired, and both where they cost the same (calibration.matched). A row counts where every score
has a value and the label is known, so that nobody is judged on easier rows; how many that leaves is told.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration.bootstrap import draw_patients, interval
from barocast.calibration.matched import at_specificity, of_sounded, seen_by, within_budget
from barocast.calibration.panel import score_draws

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from barocast.calibration.judged import Judged

OURS: Final = "Barocast"
SPECIFICITY: Final = 0.90
"""At which sensitivities are compared row by row."""


def figures(judged: Judged, horizons_min: tuple[int, ...], draws: int) -> dict[str, Any]:
    """Give horizon -> score -> figures, ours first."""
    scores = {OURS: judged.p, **judged.others}
    return {
        str(minutes): compared(
            judged.labels[:, column],
            {name: values[:, column] for name, values in scores.items()},
            judged.subjects,
            draws,
        )
        for column, minutes in enumerate(horizons_min)
    }


def apart(
    judged: Judged,
    theirs: Mapping[str, NDArray[np.float64]],
    horizons_min: tuple[int, ...],
    alarm_column: int,
    alarms_per_hour: float,
    draws: int,
) -> dict[str, Any]:
    """Give score -> what the other functions say of it and ours alone, on the rows where it has a value.

    `theirs` are scores (n, horizon) that somebody handed in: one that is told rarely must not take the others
    down to its few rows.
    """
    horizon_s = horizons_min[alarm_column] * 60.0
    pairs = {name: replace(judged, others={name: values}) for name, values in theirs.items()}
    return {
        name: {
            "comparison": figures(pair, horizons_min, draws),
            "matched_alarms": at_alarms_per_hour(pair, alarm_column, horizon_s, alarms_per_hour, draws),
        }
        for name, pair in pairs.items()
    }


def alone(judged: Judged, horizons_min: tuple[int, ...], draws: int) -> dict[str, Any]:
    """Give horizon -> score -> AUROC and AUPRC of the other scores, on every row that has a label."""
    return {
        str(minutes): {
            name: _areas(judged.labels[:, column], values[:, column], judged.subjects, draws)
            for name, values in judged.others.items()
        }
        for column, minutes in enumerate(horizons_min)
    }


def compared(
    labels: NDArray[np.float64], scores: Mapping[str, NDArray[np.float64]], subjects: NDArray[Any], draws: int
) -> dict[str, Any]:
    """Compare scores (n,) of one horizon; `ours_minus` is the first one's AUROC minus each one's."""
    known = np.isfinite(labels) & np.all([np.isfinite(values) for values in scores.values()], axis=0)
    both_classes = 0 < labels[known].sum() < known.sum()
    y, given = labels[known], {name: values[known] for name, values in scores.items()}
    drawn = draw_patients(subjects[known], draws)
    found = {name: score_draws(y, values, drawn) for name, values in given.items()}
    first, *others = given
    return {
        "rows": int(known.sum()),
        "scores": {
            name: {
                "auroc": asdict(interval(one["auroc"])),
                "auprc": asdict(interval(one["auprc"])),
                "ours_minus": asdict(interval(found[first]["auroc"] - one["auroc"])),
            }
            for name, one in found.items()
        },
        "at_specificity": SPECIFICITY,
        "matched": {
            name: asdict(at_specificity(y, given[first], given[name], SPECIFICITY, drawn))
            for name in (others if both_classes else ())
        },
    }


def _areas(
    labels: NDArray[np.float64], values: NDArray[np.float64], subjects: NDArray[Any], draws: int
) -> dict[str, Any]:
    known = np.isfinite(labels) & np.isfinite(values)
    drawn = score_draws(labels[known], values[known], draw_patients(subjects[known], draws))
    return {"rows": int(known.sum()), **{name: asdict(interval(one)) for name, one in drawn.items()}}


def at_alarms_per_hour(
    judged: Judged, column: int, horizon_s: float, alarms_per_hour: float, draws: int
) -> dict[str, Any]:
    """Give score -> both alarm layers within one budget, over the cases on which every score has a value."""
    rows = judged.take(judged.answered & _all_scored(judged))
    drawn = draw_patients(np.array([case.subject_id for case in rows.cases]), draws)
    scores = {OURS: rows.p, **rows.others} if len(rows) else {}
    tracks = {name: rows.tracks(values, column) for name, values in scores.items()}
    seen = seen_by(list(tracks.values()), horizon_s)
    sounded = {name: within_budget(of, seen, horizon_s, alarms_per_hour) for name, of in tracks.items()}
    matched = {
        name: asdict(of_sounded(sounded[OURS], one, drawn)) for name, one in sounded.items() if name != OURS
    }
    return {"alarms_per_hour": alarms_per_hour, "matched": matched}


def _all_scored(judged: Judged) -> NDArray[np.bool_]:
    scored = [np.isfinite(values).all(axis=1) for values in judged.others.values()]
    return np.asarray(np.all(scored, axis=0)) if scored else np.ones(len(judged), dtype=np.bool_)
