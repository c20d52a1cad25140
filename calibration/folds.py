"""Cross-fitting by patient: what learns is scored only on patients that it did not learn from.

In: features and labels of rows, and each row's subject. Out: out-of-fold scores (n, horizon). Folds depend on
the subjects' names alone: the same patients fall together on every machine.
"""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration.comparators import score
from barocast.calibration.learned_from import hash_share

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    Task = tuple[str, int]
    """Comparator and the fold that it must not see."""
    Spread = Callable[[Callable[[Task], NDArray[np.float64]], Sequence[Task]], Iterable[NDArray[np.float64]]]

FOLDS: Final = 5


def fold_of(subjects: NDArray[Any], folds: int = FOLDS) -> NDArray[np.intp]:
    """Give each row's fold, (n,): as even as can be, by a hash of their names."""
    names = sorted({str(subject) for subject in subjects}, key=lambda name: hash_share(f"fold:{name}"))
    place = {name: number % folds for number, name in enumerate(names)}
    return np.array([place[str(subject)] for subject in subjects], dtype=np.intp)


def cross_fit(
    names: Sequence[str],
    features: NDArray[np.float64],
    labels: NDArray[np.float64],
    fold: NDArray[np.intp],
    horizons_min: tuple[int, ...],
    spread: Spread = map,
) -> dict[str, NDArray[np.float64]]:
    """Score comparators on every row, (n, horizon) each, fitted on the other folds' rows only.

    `spread(work, tasks)` gives the answers in the tasks' order: `map`, or a pool's.
    """
    tasks = list(product(names, np.unique(fold).tolist()))
    work = partial(_score_fold, features=features, labels=labels, fold=fold, horizons_min=horizons_min)
    scores = {name: np.full(labels.shape, np.nan) for name in names}
    for (name, held), values in zip(tasks, spread(work, tasks), strict=True):
        scores[name][fold == held] = values
    return scores


def _score_fold(
    task: Task,
    features: NDArray[np.float64],
    labels: NDArray[np.float64],
    fold: NDArray[np.intp],
    horizons_min: tuple[int, ...],
) -> NDArray[np.float64]:
    """Score the held fold's rows (m, horizon) with one comparator."""
    name, held = task[0], fold == task[1]
    scores = [
        score(name, (features[~held], labels[~held, column]), features[held], minutes)
        for column, minutes in enumerate(horizons_min)
    ]
    return np.stack(scores, axis=1)
