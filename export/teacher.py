"""Trees that teach: soft targets for every training row, from trees that never saw its patient.

In: rows of the training patients as they are and stretched. Out: SoftTargets of risks alone. Boosted trees
find the thresholds and interactions in the trend that a small network finds late; out-of-fold targets
hand them over without handing over the patient.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration.learned_from import hash_share
from barocast.export.soft_targets import SoftTargets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from barocast.export.rows import Rows

RECENT: Final = 3
"""Newest samples that the trees see beside the trend."""
BOOSTING: Final = MappingProxyType(
    {
        "objective": "binary",
        "learning_rate": 0.04,
        "num_leaves": 11,
        "min_data_in_leaf": 600,
        "bagging_fraction": 0.6,
        "bagging_freq": 1,
        "feature_fraction": 0.6,
        "lambda_l2": 5.0,
        "max_bin": 127,
        "verbose": -1,
    }
)


@dataclass(frozen=True, slots=True)
class TeacherSettings:
    """How much the trees see."""

    folds: int = 3
    trees: int = 220
    stretched_rows: int = 120_000
    stretched_weight: float = 0.5
    threads: int = 1
    seed: int = 0


def soft_targets(
    rows: Rows,
    augmented: Rows,
    subjects: Sequence[str],
    settings: TeacherSettings | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> SoftTargets:
    """Give answers for n rows + n augmented; `subjects` names the subject of each case the rows number."""
    chosen = settings or TeacherSettings()
    fold = inner_folds(subjects, chosen.folds)
    of_row = np.concatenate([fold[rows.case], fold[augmented.case]])
    seen = np.concatenate([_features(rows), _features(augmented)])
    labels = np.concatenate([rows.labels, augmented.labels])
    weight = _weights(len(rows), len(augmented), chosen)
    soft = np.full(labels.shape, np.nan, dtype=np.float32)
    for held in np.unique(of_row).tolist():
        of = of_row == held
        for horizon in range(labels.shape[1]):
            learned = ~of & (weight > 0) & np.isfinite(labels[:, horizon])
            trees = _boost(seen[learned], labels[learned, horizon], weight[learned], chosen)
            soft[of, horizon] = trees.predict(seen[of], num_threads=chosen.threads)
        say(f"teacher: fold {held + 1}/{chosen.folds}")
    return SoftTargets(np.maximum.accumulate(soft, axis=1))


def inner_folds(subjects: Sequence[str], folds: int) -> NDArray[np.intp]:
    """Give each subject's fold among those who teach."""
    return np.array([int(hash_share(f"inner:{subject}") * folds) for subject in subjects], dtype=np.intp)


def _features(rows: Rows) -> NDArray[np.float32]:
    recent = np.where(rows.mask > 0, rows.series, np.nan)[..., -RECENT:]
    return np.concatenate([rows.trend.reshape(len(rows), -1), recent.reshape(len(rows), -1)], axis=1)


def _weights(real: int, stretched: int, settings: TeacherSettings) -> NDArray[np.float64]:
    """Weigh every real row 1, a drawn part of the stretched rows less, the rest not at all."""
    drawn = np.random.default_rng(settings.seed).random(stretched) < settings.stretched_rows / max(
        stretched, 1
    )
    return np.concatenate([np.ones(real), np.where(drawn, settings.stretched_weight, 0.0)])


def _boost(
    features: NDArray[Any], labels: NDArray[Any], weight: NDArray[Any], settings: TeacherSettings
) -> Any:  # noqa: ANN401 - lightgbm publishes no types
    import lightgbm  # noqa: PLC0415 `validate` extra

    parameters = {**BOOSTING, "num_threads": settings.threads, "seed": settings.seed}
    return lightgbm.train(parameters, lightgbm.Dataset(features, labels, weight=weight), settings.trees)
