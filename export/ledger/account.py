"""All arms, all folds, pooled: one account of AUROC, MAP error and cost, each arm paired with the teacher.

In: verdicts of every arm and fold, the student's and the comparators' scores on the same rows. Out: plain
values. Intervals are of a bootstrap over patients; differences are paired on the same draws.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from barocast.calibration.bootstrap import DRAWS, draw_patients
from barocast.calibration.figures.comparison import compared
from barocast.calibration.folds import FOLDS
from barocast.calibration.panel import forecast_draws
from barocast.export.fusion.paper import published_auc
from barocast.export.ledger.arms import PAPER, TEACHER
from barocast.export.ledger.trial import Verdict
from barocast.export.validation.workers import Workforce, each
from barocast.runtime.domain import HORIZONS_MIN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from barocast.export.ledger.arms import Arm
    from barocast.export.ledger.trial import Trials
    from barocast.export.rows import Rows


def try_all(arms: Sequence[Arm], trials: Trials, jobs: int) -> tuple[NDArray[np.intp], dict[str, Verdict]]:
    """Give the numbers of the rows that were judged, rising, and every arm's and reading's verdict on them.

    Arm by arm: two processes are then in different folds, and no two make the same thing.
    """
    items = [(arm, held) for arm in arms for held in range(FOLDS)]
    at_work = replace(trials, say=_silent) if jobs > 1 else trials
    parts: dict[str, list[Verdict]] = {}
    for (arm, held), verdicts in zip(items, each(at_work, items, Workforce(jobs)), strict=True):
        trials.say(f"{arm.name}: fold {held + 1}/{FOLDS}")
        for name, verdict in verdicts.items():
            parts.setdefault(name, []).append(verdict)
    judged = np.concatenate([trials.judged(held) for held in range(FOLDS)])
    order = np.argsort(judged)
    return judged[order], {name: _pooled(of, order) for name, of in parts.items()}


def account(
    rows: Rows,
    subjects: NDArray[Any],
    verdicts: Mapping[str, Verdict],
    others: Mapping[str, NDArray[np.float64]],
    draws: int = DRAWS,
) -> dict[str, Any]:
    """Give arm -> figures; `others` are scores (n, horizon) of what is no arm."""
    scores = {TEACHER: verdicts[TEACHER].logits} | {n: v.logits for n, v in verdicts.items()} | dict(others)
    discrimination = {
        str(minutes): compared(
            rows.labels[:, column].astype(np.float64),
            {name: values[:, column].astype(np.float64) for name, values in scores.items()},
            subjects,
            draws,
        )["scores"]
        for column, minutes in enumerate(HORIZONS_MIN)
    }
    return {
        "rows": len(rows),
        "patients": len(np.unique(subjects)),
        "discrimination": discrimination,
        "arms": {name: _figures(rows, subjects, verdict) for name, verdict in verdicts.items()},
        "published_auc": _published(rows, verdicts[PAPER]) if PAPER in verdicts else None,
    }


def _published(rows: Rows, paper: Verdict) -> list[float]:
    """Give what the paper would have printed of its preset, by horizon."""
    return [published_auc(rows.labels[:, h], paper.logits[:, h]) for h in range(len(HORIZONS_MIN))]


def _figures(rows: Rows, subjects: NDArray[Any], verdict: Verdict) -> dict[str, Any]:
    everyone = draw_patients(subjects, draws=0)
    found = forecast_draws(rows.future, np.moveaxis(verdict.quantiles, 1, 0), everyone)
    return {
        **{name: float(found[name][0]) for name in ("mae_mmhg", "crps_mmhg", "coverage_80")},
        "text_gate": float(verdict.gates[:, 0].mean()),
        "tuned": int(verdict.weights[0]),
        "weights": int(verdict.weights[1]),
        "seconds": float(verdict.seconds[0]),
    }


def _pooled(parts: Sequence[Verdict], order: NDArray[np.intp]) -> Verdict:
    """Put the folds' rows back into the order of the rows."""
    logits, quantiles, gates = (
        np.concatenate([getattr(part, name) for part in parts])[order]
        for name in ("logits", "quantiles", "gates")
    )
    seconds = np.sum([part.seconds for part in parts], axis=0)
    return Verdict(logits, quantiles, gates, parts[0].weights, seconds)


def _silent(_: str) -> None:
    """Say nothing: several processes' progress would only tangle."""
