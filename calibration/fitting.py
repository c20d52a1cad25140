"""Calibrators fitted: from logits and labels of patients that trained nothing.

In: CalibrationRows. Out: a calibrator as the bedside applies it (calibration.calibrators). scikit-learn fits
lines and isotonic tables, scipy the beta calibration, and Venn-Abers is isotonic regression (scipy's) asked
twice a knot. Both need the `validate` extra and are imported only where something is fitted. Which kind, and
whether each pattern of modalities has its own, is asked in calibration.choosing.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration.parametric import (
    DRAWN,
    MAX_BIAS,
    MAX_SCALE,
    Beta,
    Platt,
    TemperatureBias,
    beta_terms,
)
from barocast.calibration.stepwise import MAX_KNOTS, Isotonic, Knots, VennAbers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from barocast.calibration.calibrators import Calibrator

    Floats = NDArray[np.floating[Any]]
    Fit = Callable[[Floats, Floats, Floats], Calibrator]

MIN_EVENTS: Final = 10
"""Of each horizon, as evaluation suppresses figures below it: a calibrator says more than a figure."""
VENN_ABERS_CELL: Final = 0.02
"""Log-odds to which rows are rounded, so that the steps are bounded and few."""
STEP: Final = 0.002
"""Of Venn-Abers risks as they are kept: p0 rounded down, p1 up, never the other way."""


@dataclass(frozen=True, slots=True)
class CalibrationRows:
    """What a calibrator is fitted on."""

    logits: NDArray[np.float64]
    """(n, horizon) of the graph that will be shipped."""
    labels: NDArray[np.float64]
    """(n, horizon) 1, 0, or NaN where it is unknown."""
    patients: NDArray[Any]
    """(n,) whose row it is."""

    @property
    def n_patients(self) -> int:
        """Patients with a row."""
        return np.unique(self.patients).size

    @property
    def fewest(self) -> int:
        """CalibrationRows of the rarer outcome, at the horizon where they are fewest."""
        events = np.nansum(self.labels, axis=0)
        others = np.isfinite(self.labels).sum(axis=0) - events
        return int(min(events.min(), others.min()))

    def take(self, rows: NDArray[np.bool_]) -> CalibrationRows:
        """Give some of the rows."""
        return CalibrationRows(self.logits[rows], self.labels[rows], self.patients[rows])

    def weights(self, *, by_patient: bool) -> NDArray[np.float64]:
        """Give (n,) weights of mean 1: every row the same, or every patient the same."""
        if not by_patient:
            return np.ones(self.patients.size)
        _, patient, rows = np.unique(self.patients, return_inverse=True, return_counts=True)
        return np.asarray(self.patients.size / rows.size / rows[patient])


def fit(kind: str, rows: CalibrationRows, *, by_patient: bool = False, shrink: bool = False) -> Calibrator:
    """Fit one kind; `shrink` draws it towards the identity where it can be (PRIOR_PATIENTS).

    Raises ValueError for an unknown kind, fewer than MIN_EVENTS events (or non-events) at a horizon, or a fit
    that would turn risks around.
    """
    if kind not in FITS:
        raise ValueError(f"calibrator kind {kind!r} is unknown; need one of {', '.join(FITS)}")
    if rows.fewest < MIN_EVENTS:
        raise ValueError(f"{rows.fewest} rows of one outcome at a horizon; a calibrator needs {MIN_EVENTS}")
    fitted = FITS[kind](rows.logits, rows.labels, rows.weights(by_patient=by_patient))
    if shrink and isinstance(fitted, DRAWN):
        return fitted.shrunk(rows.n_patients)
    return fitted


def fit_temperature_bias(logits: Floats, labels: Floats, weights: Floats | None = None) -> TemperatureBias:
    """Fit rows (n, horizon) over all horizons by maximum likelihood; NaN labels are left out."""
    known = np.isfinite(labels)
    every_row = np.ones(len(labels)) if weights is None else weights
    of_each = np.broadcast_to(every_row[:, None], labels.shape)[known]
    return TemperatureBias(*_line(logits[known], labels[known], of_each))


def _platt(logits: Floats, labels: Floats, weights: Floats) -> Platt:
    lines = [_line(*column) for column in _columns(logits, labels, weights)]
    return Platt(tuple(scale for scale, _ in lines), tuple(bias for _, bias in lines))


def _beta(logits: Floats, labels: Floats, weights: Floats) -> Beta:
    """Maximize the likelihood within the bounds that keep it monotone (the gradient is exact)."""
    from scipy.optimize import minimize  # noqa: PLC0415 `validate` extra

    known = np.isfinite(labels)
    terms = np.stack([*beta_terms(logits[known]), np.ones(int(known.sum()))], axis=1)
    y, w = labels[known], np.broadcast_to(weights[:, None], labels.shape)[known]

    def loss(beta: Floats) -> tuple[float, Floats]:
        z = terms @ beta
        return float(w @ (np.logaddexp(0, z) - y * z)), terms.T @ (w * (1 / (1 + np.exp(-z)) - y))

    bounds = [(0, MAX_SCALE), (0, MAX_SCALE), (-MAX_BIAS, MAX_BIAS)]
    found = minimize(loss, [1.0, 1.0, 0.0], jac=True, bounds=bounds, method="L-BFGS-B")
    return Beta(*found.x.tolist())


def _isotonic(logits: Floats, labels: Floats, weights: Floats) -> Isotonic:
    """Fit each horizon's table; n rows never make it say less than 1 / (n + 2), or as much above."""
    from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415 `validate` extra

    tables = []
    for x, y, w in _columns(logits, labels, weights):
        least = 1 / (y.size + 2)
        fitted = IsotonicRegression(y_min=least, y_max=1 - least).fit(x, y, w)
        kept = _spread(fitted.X_thresholds_.size)
        tables.append(
            Knots(*(tuple(of[kept].tolist()) for of in (fitted.X_thresholds_, fitted.y_thresholds_)))
        )
    return Isotonic(tuple(tables))


def _venn_abers(logits: Floats, labels: Floats, weights: Floats) -> VennAbers:
    """Ask every knot what an isotonic fit would say with one more row there: no event (p0), an event (p1).

    The definition itself, on rows rounded to VENN_ABERS_CELL; the new row weighs as much as a mean one.
    """
    tables = [_venn_abers_steps(*column) for column in _columns(logits, labels, weights)]
    return VennAbers(tuple(p0 for p0, _ in tables), tuple(p1 for _, p1 in tables))


def _venn_abers_steps(x: Floats, y: Floats, w: Floats) -> tuple[Knots, Knots]:
    at, place = np.unique(np.round(np.round(x / VENN_ABERS_CELL) * VENN_ABERS_CELL, 2), return_inverse=True)
    total, events = np.bincount(place, weights=w), np.bincount(place, weights=w * y)
    p0, p1 = (
        np.array([_with_one_more(total, events, knot, label) for knot in range(at.size)]) for label in (0, 1)
    )
    low, high = np.floor(p0 / STEP) * STEP, np.minimum(np.ceil(p1 / STEP) * STEP, 1)
    rises, stays = np.diff(low, prepend=0.0) > 0, np.diff(high, append=1.0) > 0
    return (
        Knots(tuple(at[rises].tolist()), (0.0, *low[rises].tolist())),
        Knots(tuple(at[stays].tolist()), (*high[stays].tolist(), 1.0)),
    )


def _with_one_more(total: NDArray[Any], events: NDArray[Any], knot: int, label: int) -> float:
    from scipy.optimize import isotonic_regression  # noqa: PLC0415 `validate` extra

    more, hits = total.copy(), events.copy()
    more[knot] += 1
    hits[knot] += label
    return float(isotonic_regression(hits / more, weights=more).x[knot])


FITS: Final[Mapping[str, Fit]] = MappingProxyType(
    {
        "temperature-bias": fit_temperature_bias,
        "beta": _beta,
        "platt": _platt,
        "isotonic": _isotonic,
        "venn-abers": _venn_abers,
    }
)
"""Kind -> its fit, from simple to complex: 2, 3 and 6 numbers, then tables."""


def _columns(logits: Floats, labels: Floats, weights: Floats) -> list[tuple[Floats, Floats, Floats]]:
    """Give (logits, labels, weights) of each horizon's known rows."""
    horizons = zip(logits.T, labels.T, strict=True)
    return [(x[known], y[known], weights[known]) for x, y in horizons for known in [np.isfinite(y)]]


def _line(x: Floats, y: Floats, w: Floats) -> tuple[float, float]:
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 `validate` extra

    regression = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-8)
    fitted = regression.fit(x[:, None], y, sample_weight=w)
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])


def _spread(knots: int) -> NDArray[np.intp]:
    """Give the indices of at most MAX_KNOTS knots, the first and the last among them."""
    return np.unique(np.linspace(0, knots - 1, min(knots, MAX_KNOTS)).astype(np.intp))
