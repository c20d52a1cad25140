"""Which kind of calibrator, and whether each pattern of modalities has its own.

choose(rows)                           the kind that patients left out are best served by, and its fit
fit_by_pattern(kind, rows, patterns)   one calibrator for each pattern that has enough patients
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration.calibrators import Calibrators
from barocast.calibration.fitting import FITS, MIN_EVENTS, fit
from barocast.calibration.folds import FOLDS, fold_of
from barocast.calibration.reliability import log_losses

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from barocast.calibration.calibrators import Calibrator
    from barocast.calibration.fitting import CalibrationRows

MIN_PATTERN_PATIENTS: Final = 20
"""Fewer patients of a pattern share the default."""
RULE: Final = "the simplest kind whose log loss on patients left out is within one standard error of the best"


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen kind, and why."""

    kind: str
    calibrator: Calibrator
    losses: Mapping[str, float]
    """Kind -> mean log loss over held-out patients, nats."""
    behind: Mapping[str, tuple[float, float]]
    """Kind -> (loss above the best kind's, standard error of that difference over patients)."""
    refused: Mapping[str, str]
    """Kind -> why it could not be fitted in every fold."""

    def to_dict(self) -> dict[str, Any]:
        """Give why this kind, for a record: plain values, without the fit itself."""
        return {
            "kind": self.kind,
            "rule": RULE,
            "losses": dict(self.losses),
            "behind": {kind: list(of) for kind, of in self.behind.items()},
            "refused": dict(self.refused),
        }


def choose(
    rows: CalibrationRows,
    kinds: Sequence[str] | None = None,
    *,
    by_patient: bool = False,
    shrink: bool = False,
) -> Choice:
    """Choose by log loss on patients left out, FOLDS times: the simplest kind close enough to the best.

    `kinds` from simple to complex (default: FITS). Close enough is within one standard error of the
    difference, which is taken patient by patient: patients differ in risk far more than calibrators do, so
    the plain standard error of a loss would never choose anything but the simplest. With `shrink` the kinds
    are compared as they would be shipped: tables cannot be drawn to the identity, so a strong prior that is
    wrong speaks for them. Raises ValueError with fewer patients than FOLDS, or when no kind can be fitted.
    """
    rows = rows.take(np.asarray(np.isfinite(rows.labels).any(axis=1)))
    if rows.n_patients < FOLDS:
        raise ValueError(f"{rows.n_patients} calibration patients; choosing a calibrator needs {FOLDS}")
    tried = {kind: _held_out_losses(kind, rows, by_patient, shrink) for kind in kinds or FITS}
    losses = {kind: of for kind, of in tried.items() if not isinstance(of, str)}
    refused = {kind: reason for kind, reason in tried.items() if isinstance(reason, str)}
    if not losses:
        raise ValueError(f"no kind of calibrator can be fitted: {'; '.join(refused.values())}")
    weights = rows.weights(by_patient=by_patient)
    means = {kind: float(np.average(of, weights=weights)) for kind, of in losses.items()}
    best = min(means, key=lambda kind: means[kind])
    behind = {kind: _difference(of - losses[best], weights, rows.patients) for kind, of in losses.items()}
    kind = next(kind for kind, (above, error) in behind.items() if above <= error)
    calibrator = fit(kind, rows, by_patient=by_patient, shrink=shrink)
    return Choice(kind, calibrator, means, behind, refused)


def fit_by_pattern(
    kind: str,
    rows: CalibrationRows,
    patterns: NDArray[np.str_],
    *,
    by_patient: bool = False,
    shrink: bool = False,
) -> Calibrators:
    """Fit a default on all rows, and one for each pattern (n,) of MIN_PATTERN_PATIENTS patients or more.

    A patient may have rows of several patterns. A pattern that all rows have needs no fit of its own, and one
    of too few events shares the default. Raises ValueError as `fit` does.
    """
    default = fit(kind, rows, by_patient=by_patient, shrink=shrink)
    own: dict[str, Calibrator] = {}
    present = np.unique(patterns).tolist()
    for pattern in present if len(present) > 1 else ():
        of = rows.take(patterns == pattern)
        if of.n_patients >= MIN_PATTERN_PATIENTS and of.fewest >= MIN_EVENTS:
            own[pattern] = fit(kind, of, by_patient=by_patient, shrink=shrink)
    return Calibrators(default, MappingProxyType(own))


def _held_out_losses(
    kind: str,
    rows: CalibrationRows,
    by_patient: bool,  # noqa: FBT001 passed on as it came
    shrink: bool,  # noqa: FBT001 likewise
) -> NDArray[np.float64] | str:
    """Give each row's log loss (n,), mean over its known horizons, by a fit without its patient's fold.

    The reason instead, where a fold refuses the kind.
    """
    fold = fold_of(rows.patients)
    losses = np.full(rows.labels.shape, np.nan)
    try:
        for held in (fold == number for number in range(FOLDS)):
            p = fit(kind, rows.take(~held), by_patient=by_patient, shrink=shrink)(rows.logits[held])
            known = np.isfinite(rows.labels[held])
            losses[held] = np.where(known, log_losses(rows.labels[held], p), np.nan)
    except ValueError as error:
        return str(error)
    return np.asarray(np.nanmean(losses, axis=1))


def _difference(
    gap: NDArray[np.float64], weights: NDArray[np.float64], patients: NDArray[Any]
) -> tuple[float, float]:
    """Give the mean of gap (n,) and its standard error, patients being what is independent."""
    _, patient = np.unique(patients, return_inverse=True)
    of_patient, total = np.bincount(patient, weights=weights * gap), np.bincount(patient, weights=weights)
    mean = of_patient.sum() / total.sum()
    squares = ((of_patient - mean * total) ** 2).sum() * total.size / (total.size - 1)
    return float(mean), float(np.sqrt(squares) / total.sum())
