"""What acting on a risk is worth: net benefit over thresholds (Vickers and Elkin 2006).

Acting where the risk is at least t says that t / (1 - t) needless actions are as bad as one missed event.
Net benefit is events found, less needless actions at that price, per row: "act on everyone" and "act on
no one" (0) are the two strategies that any forecast must beat to be of use at t.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from barocast.calibration.bootstrap import Drawn, PatientDraws

    Floats = NDArray[np.floating[Any]]

THRESHOLDS: Final = tuple(round(0.01 * step, 2) for step in range(1, 51))
"""Drawn in a decision curve: 1 to 50 %."""


def net_benefit(labels: Floats, p: Floats, thresholds: Floats) -> NDArray[np.float64]:
    """Give the net benefit of acting where p (n,) is at least t, of rising thresholds (t,) inside 0 to 1."""
    place = np.searchsorted(thresholds, p, side="right")
    size = len(thresholds) + 1
    acted, events = (np.bincount(place, weights=w, minlength=size) for w in (np.ones(p.size), labels))
    return np.asarray(_benefit(acted[None], events[None], thresholds)[0])


def net_benefit_of_all(labels: Floats, thresholds: Floats) -> NDArray[np.float64]:
    """Give the net benefit (t,) of acting on every row; that of acting on none is 0 throughout."""
    return net_benefit(labels, np.ones(labels.size), thresholds)


def net_benefit_draws(labels: Floats, p: Floats, thresholds: Floats, draws: PatientDraws) -> Drawn:
    """Give the net benefit on every draw of patients, (1 + draws, t); paired by its PatientDraws."""
    place = np.searchsorted(thresholds, p, side="right")
    size = len(thresholds) + 1
    return _benefit(draws.counts(place, size), draws.counts(place, size, labels), thresholds)


def _benefit(rows: NDArray[Any], events: NDArray[Any], thresholds: Floats) -> NDArray[np.float64]:
    """Turn counts (draw, t + 1) of rows that reach exactly so many thresholds into net benefit (draw, t)."""
    acted, found = (np.cumsum(counts[:, :0:-1], axis=1)[:, ::-1] for counts in (rows, events))
    price = np.asarray(thresholds) / (1 - np.asarray(thresholds))
    return np.asarray((found - price * (acted - found)) / rows.sum(axis=1, keepdims=True))
