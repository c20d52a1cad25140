"""The figures that are quoted of one forecast, each on every draw of patients at once.

    drawn = risk_draws(labels, p, draw_patients(patients))     name -> (1 + draws,), the value in front
    intervals(drawn)                                           name -> Estimate
    interval(ours["auroc"] - theirs["auroc"])                  paired: both from the same PatientDraws

Values are computed on the rows themselves. On the draws, slope, in-the-large and smooth curve are computed
on rows gathered in cells of CELL log-odds, and the curve keeps the reach that it has on all rows: 1,000
draws of 45,000 rows take a second, and a slope or an ICI of a draw moves by less than .001 (tests hold that).
Figures that cannot be negative (ICI, E50, E90, ECE) are larger on draws than on the rows: their intervals
lean upwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration import reliability
from barocast.calibration.discrimination import rank
from barocast.calibration.forecast_error import QUANTILE_LEVELS, crps_steps, inside
from barocast.calibration.log_odds import fit_lines, fit_shifts, logit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from barocast.calibration.bootstrap import Drawn, PatientDraws

    Floats = NDArray[np.floating[Any]]

CELL: Final = 0.02
"""Width in log-odds: far below what moves a risk visibly, so about a thousand cells hold any forecast."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Rows gathered by risk, and how many of them each draw holds."""

    risk: NDArray[np.float64]
    """(cell,) mean risk."""
    log_odds: NDArray[np.float64]
    """(cell,) mean log-odds."""
    total: Drawn
    """(1 + draws, cell) rows."""
    events: Drawn
    """(1 + draws, cell) rows with an event."""


def risk_draws(labels: Floats, p: Floats, draws: PatientDraws) -> dict[str, Drawn]:
    """Give discrimination and calibration of probabilities p (n,) of labels (n,), 0 or 1."""
    cells = gather(labels, p, draws)
    return {
        **_areas(labels, p, draws),
        **_sums(labels, p, draws),
        **_lines(labels, p, cells),
        **_distances(labels, p, cells),
        "ece": _binned(labels, p, reliability.equal_mass_bins(p), draws),
        "ece_equal_width": _binned(labels, p, reliability.equal_width_bins(p), draws),
    }


def score_draws(labels: Floats, scores: Floats, draws: PatientDraws) -> dict[str, Drawn]:
    """Give discrimination alone, of scores (n,) that are no probabilities."""
    return _areas(labels, scores, draws)


def curve_draws(labels: Floats, p: Floats, draws: PatientDraws) -> tuple[NDArray[np.float64], Drawn]:
    """Give (risk, smoothed observed frequency (1 + draws, risk)): the reliability curve and its band."""
    smooth, cells = reliability.smoother(p), gather(labels, p, draws)
    return smooth.at, smooth.curve(cells.risk, cells.total, cells.events)


def forecast_draws(observed: Floats, quantiles: Floats, draws: PatientDraws) -> dict[str, Drawn]:
    """Give the error of MAP quantiles (3, n, step) against what followed (n, step), mmHg, NaN missing."""
    low, middle, high = quantiles
    seen = np.isfinite(observed)
    steps = {
        "mae_mmhg": np.abs(observed - middle),
        "crps_mmhg": crps_steps(observed, quantiles, QUANTILE_LEVELS),
        "coverage_80": inside(observed, low, high),
        "width_80_mmhg": high - low,
    }
    columns = [np.where(seen, loss, 0).sum(axis=1) for loss in steps.values()]
    sums = draws.sums(np.stack([seen.sum(axis=1), *columns], axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return dict(zip(steps, (sums[:, 1:] / sums[:, :1]).T, strict=True))


def gather(labels: Floats, p: Floats, draws: PatientDraws) -> Cells:
    """Gather rows (n,) in cells of CELL log-odds."""
    log_odds = logit(p)
    _, cell = np.unique(np.floor(log_odds / CELL), return_inverse=True)
    rows = np.bincount(cell)
    return Cells(
        risk=np.bincount(cell, weights=p) / rows,
        log_odds=np.bincount(cell, weights=log_odds) / rows,
        total=draws.counts(cell, rows.size),
        events=draws.counts(cell, rows.size, labels),
    )


def _areas(labels: Floats, scores: Floats, draws: PatientDraws) -> dict[str, Drawn]:
    ranking = rank(labels, scores)
    auroc, auprc = np.array([ranking.areas(weights) for weights in draws.weights()]).T
    return {"auroc": auroc, "auprc": auprc}


def _sums(labels: Floats, p: Floats, draws: PatientDraws) -> dict[str, Drawn]:
    """Give what is a function of sums over rows."""
    excess, variance = reliability.spiegelhalter_terms(labels, p)
    losses = reliability.log_losses(labels, p)
    columns = [np.ones(p.size), labels, p, (p - labels) ** 2, losses, excess, variance]
    n, events, expected, squares, nats, above, spread = draws.sums(np.stack(columns, axis=1)).T
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "prevalence": events / n,
            "brier": squares / n,
            "scaled_brier": 1 - squares / (events * (1 - events / n)),
            "log_loss": nats / n,
            "observed_expected": events / expected,
            "spiegelhalter_z": above / np.sqrt(spread),
        }


def _lines(labels: Floats, p: Floats, cells: Cells) -> dict[str, Drawn]:
    slope, intercept = fit_lines(cells.log_odds, cells.total, cells.events).T
    shift = fit_shifts(cells.log_odds, cells.total, cells.events)
    exact = reliability.calibration_line(labels, p)
    return {
        "slope": _headed(exact[0], slope),
        "intercept": _headed(exact[1], intercept),
        "in_the_large": _headed(reliability.calibration_in_the_large(labels, p), shift),
    }


def _distances(labels: Floats, p: Floats, cells: Cells) -> dict[str, Drawn]:
    smooth = reliability.smoother(p)
    curve = smooth.curve(cells.risk, cells.total, cells.events)
    drawn = smooth.distances(cells.risk, curve)
    exact = reliability.calibration_distances(labels, p)
    mean = (drawn * cells.total).sum(axis=1) / cells.total.sum(axis=1)
    half, most = (_share_below(drawn, cells.total, share) for share in (0.5, 0.9))
    return {
        "ici": _headed(exact.mean(), mean),
        "e50": _headed(np.quantile(exact, 0.5), half),
        "e90": _headed(np.quantile(exact, 0.9), most),
    }


def _binned(labels: Floats, p: Floats, bins: NDArray[np.intp], draws: PatientDraws) -> Drawn:
    surplus = draws.counts(bins, reliability.ECE_BINS, labels - p)
    return np.asarray(np.abs(surplus).sum(axis=1) / draws.counts(bins, reliability.ECE_BINS).sum(axis=1))


def _headed(value: float, drawn: Drawn) -> Drawn:
    """Put the value that was computed on the rows in front."""
    return np.concatenate(([value], drawn[1:]))


def _share_below(values: NDArray[np.float64], counts: NDArray[np.float64], share: float) -> Drawn:
    """Give each draw's weighted quantile of (draw, cell) values."""
    order = np.argsort(values, axis=1)
    running = np.cumsum(np.take_along_axis(counts, order, axis=1), axis=1)
    place = (running < share * running[:, -1:]).sum(axis=1, keepdims=True)
    return np.take_along_axis(np.take_along_axis(values, order, axis=1), place, axis=1)[:, 0]
