"""Cross-validated figures: ours beside the comparators, on the same rows, paired by patient.

In: the cohort. Out: for 5/10/15 min, AUROC and AUPRC of the network and of every comparator over the
pooled out-of-fold predictions, and the error of the MAP forecast beside the last value's, with intervals
from a bootstrap over patients and paired differences.
Folds are by patient; the text encoder, the tokenizer, the trees that teach and every scaling are made
anew in each fold without its held-out patients. Finished folds are kept in the work folder, so that an
interrupted run goes on where it stopped.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration.bootstrap import DRAWS, draw_patients, intervals
from barocast.calibration.comparators import COMPARATORS
from barocast.calibration.figures.comparison import OURS, compared
from barocast.calibration.folds import FOLDS, cross_fit, fold_of
from barocast.calibration.panel import forecast_draws
from barocast.calibration.whole_crps import whole_crps
from barocast.export.cohort import MAIN
from barocast.export.comparator_rows import case_features
from barocast.export.recipe import Recipe, teach
from barocast.export.rows import FUTURE_STEPS
from barocast.export.train import predict
from barocast.runtime.domain import HORIZONS_MIN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from barocast.calibration.bootstrap import Drawn, PatientDraws
    from barocast.export.cohort import Case
    from barocast.export.recipe import Material
    from barocast.export.rows import Rows

LAST_VALUE: Final = "last value"
STEPS_A_MINUTE: Final = 2
ALL_STEPS: Final = "to 15"
"""The forecast's 30 s steps together; beside it, the step that ends at each horizon."""
ERRORS: Final = ("mae_mmhg", "whole_crps_mmhg", "crps_mmhg")
"""What a forecast is held against the last value by."""


@dataclass(frozen=True, slots=True)
class Pooled:
    """Out-of-fold predictions of the rows of MAIN's patients."""

    rows: Rows
    subjects: NDArray[Any]
    """(n,) subject of each row."""
    scores: dict[str, NDArray[np.float64]]
    """Model -> (n, horizon)."""
    quantiles: NDArray[np.float32]
    """(n, 3, step) ours, mmHg."""
    numbers: NDArray[np.intp]
    """(n,) where each row stands among the cohort's, rising."""

    def at(self, numbers: NDArray[np.intp]) -> Pooled:
        """Give the rows of these numbers alone."""
        place = np.searchsorted(self.numbers, numbers)
        scores = {name: values[place] for name, values in self.scores.items()}
        return Pooled(
            self.rows.take(place), self.subjects[place], scores, self.quantiles[place], self.numbers[place]
        )


def cross_validate(material: Material, recipe: Recipe, work: Path, say: Callable[[str], None]) -> Pooled:
    """Train and score every fold; give the pooled predictions."""
    fold_of_case = folds(material.cases)
    fold = fold_of_case[material.rows.case]
    ours = np.full((len(material.rows), len(HORIZONS_MIN)), np.nan)
    quantiles = np.full((len(material.rows), *_quantile_shape()), np.nan, dtype=np.float32)
    for held in range(FOLDS):
        ours[fold == held], quantiles[fold == held] = _network(
            material, recipe, held, fold_of_case, work, say
        )
        say(f"fold {held + 1}/{FOLDS}: network scored")
    pooled = np.flatnonzero(fold >= 0)
    rows, subjects = material.rows.take(pooled), np.array([case.subject_id for case in material.cases])
    features = comparator_features(material.cases, material.rows)[pooled]
    others = cross_fit(
        tuple(COMPARATORS), features, rows.labels.astype(np.float64), fold[pooled], HORIZONS_MIN
    )
    say("comparators scored")
    return Pooled(rows, subjects[rows.case], {OURS: ours[pooled]} | others, quantiles[pooled], pooled)


def folds(cases: Sequence[Case]) -> NDArray[np.intp]:
    """Give each case's fold; -1 for the extra patients, who only ever train."""
    fold = np.full(len(cases), -1, dtype=np.intp)
    main = np.array([case.folder == MAIN for case in cases], dtype=np.bool_)
    fold[main] = fold_of(np.array([case.subject_id for case in cases])[main])
    return fold


def comparator_features(cases: Sequence[Case], rows: Rows) -> NDArray[np.float64]:
    """Give (n, NUMERIC + STATIC) for the very rows that the network is judged on."""
    parts = [
        case_features(
            case.map_mmhg,
            rows.at[rows.case == number].astype(np.intp),
            case.patient,
            (case.surgery_start_s, case.anaesthesia_start_s),
        )
        for number, case in enumerate(cases)
    ]
    return np.concatenate(parts)  # rows lie case by case


def figures(pooled: Pooled, draws: int = DRAWS) -> dict[str, Any]:
    """Give the whole report as plain values."""
    report: dict[str, Any] = {
        "rows": len(pooled.rows),
        "patients": len(np.unique(pooled.subjects)),
        "prevalence": [float(p) for p in np.nanmean(pooled.rows.labels, axis=0)],
        "discrimination": {},
        "forecast": _forecast(pooled, draws),
    }
    for column, minutes in enumerate(HORIZONS_MIN):
        scores = {name: values[:, column] for name, values in pooled.scores.items()}
        found = compared(pooled.rows.labels[:, column].astype(np.float64), scores, pooled.subjects, draws)
        report["discrimination"][str(minutes)] = found["scores"]
    return report


def _network(
    material: Material,
    recipe: Recipe,
    fold: int,
    fold_of_case: NDArray[np.intp],
    work: Path,
    say: Callable[[str], None],
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    held = fold_of_case == fold
    kept = work / f"fold-{fold}-{recipe.key}-{material.key}.npz"
    if kept.is_file():
        with np.load(kept) as archive:
            return archive["logits"], archive["quantiles"]
    out = {material.cases[number].subject_id for number in np.flatnonzero(held)}
    taught = teach(material, out, recipe, work, lambda text: say(f"fold {fold + 1}/{FOLDS}: {text}"))
    rows = material.rows.take(held[material.rows.case])
    logits, quantiles, _ = predict(taught.model, rows, taught.texts_of(material.cases))
    kept.parent.mkdir(parents=True, exist_ok=True)
    np.savez(kept, logits=logits, quantiles=quantiles)
    return logits, quantiles


def _quantile_shape() -> tuple[int, int]:
    from barocast.export.model import FORECAST_MINUTES, QUANTILES  # noqa: PLC0415 keeps torch out of imports

    return QUANTILES, len(FORECAST_MINUTES)


def _forecast(pooled: Pooled, draws: int) -> dict[str, Any]:
    """Give horizon -> OURS, LAST_VALUE and the last value minus ours -> figure."""
    drawn = draw_patients(pooled.subjects, draws)
    at_horizon = {str(minutes): [STEPS_A_MINUTE * minutes - 1] for minutes in HORIZONS_MIN}
    steps = {**at_horizon, ALL_STEPS: list(range(FUTURE_STEPS))}
    return {name: _errors(pooled, which, drawn) for name, which in steps.items()}


def _errors(pooled: Pooled, steps: list[int], drawn: PatientDraws) -> dict[str, Any]:
    observed = pooled.rows.future[:, steps]
    quantiles = np.moveaxis(pooled.quantiles[..., steps], 1, 0)
    now = np.broadcast_to(pooled.rows.trend[:, :1, 0], quantiles.shape)
    ours, last = (_error_draws(observed, given, drawn) for given in (quantiles, now))
    found = {
        OURS: ours,
        LAST_VALUE: {name: last[name] for name in ERRORS},
        "last_minus_ours": {name: last[name] - ours[name] for name in ERRORS},
    }
    return {name: {n: asdict(e) for n, e in intervals(figures).items()} for name, figures in found.items()}


def _error_draws(
    observed: NDArray[np.float32], quantiles: NDArray[np.float32], drawn: PatientDraws
) -> dict[str, Drawn]:
    seen = np.isfinite(observed)
    whole = np.where(seen, whole_crps(observed, quantiles), 0).sum(axis=1)
    sums = drawn.sums(np.stack([seen.sum(axis=1), whole], axis=1))
    return {"whole_crps_mmhg": sums[:, 1] / sums[:, 0], **forecast_draws(observed, quantiles, drawn)}
