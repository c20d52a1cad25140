"""What a teacher says of every training row: the soft targets that a student is taught with.

In: each teacher's answers for the same rows, from teachers that never saw the row's patient. Out: one
answer, the mean of theirs. Any number of teachers of any kind: trees that know risks only, a language
model that also draws MAP ahead. What a teacher does not know of a row is NaN; of no row at all, None.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from barocast.calibration.log_odds import logit, sigmoid

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class SoftTargets:
    """Answers for n rows."""

    risk: NDArray[np.float32]
    """(n, horizon) probabilities, ordered."""
    quantiles: NDArray[np.float32] | None = None
    """(n, level, step) mmHg, levels of calibration.forecast_error."""
    features: NDArray[np.float32] | None = None
    """(n, feature) what the teacher made of the row, in any unit; a student learns to read it off."""

    def __len__(self) -> int:
        return len(self.risk)

    def take(self, which: NDArray[Any]) -> SoftTargets:
        """Give the answers for the rows of an index or a mask."""
        return SoftTargets(**{name: values[which] for name, values in _given(self).items()})


def blend(answers: Sequence[SoftTargets]) -> SoftTargets:
    """Give the mean of several teachers: of log-odds, of quantiles; features stand side by side.

    Raises ValueError for teachers of different rows.
    """
    if len({len(answer) for answer in answers}) != 1:
        raise ValueError(f"teachers of {[len(answer) for answer in answers]} rows cannot be blended")
    quantiles = [answer.quantiles for answer in answers if answer.quantiles is not None]
    features = [answer.features for answer in answers if answer.features is not None]
    return SoftTargets(
        risk=sigmoid(_mean_known([logit(answer.risk) for answer in answers])).astype(np.float32),
        quantiles=_mean_known(quantiles).astype(np.float32) if quantiles else None,
        features=np.concatenate(features, axis=1) if features else None,
    )


def save(targets: SoftTargets, path: Path) -> None:
    """Leave the targets in a file."""
    np.savez(path, **_given(targets))  # type: ignore[arg-type]  # numpy's stub takes the names for options


def load(path: Path) -> SoftTargets:
    """Read what `save` left."""
    with np.load(path, allow_pickle=False) as archive:
        return SoftTargets(**{name: archive[name] for name in archive.files})


def _given(targets: SoftTargets) -> dict[str, NDArray[np.float32]]:
    every = {field.name: getattr(targets, field.name) for field in fields(SoftTargets)}
    return {name: values for name, values in every.items() if values is not None}


def _mean_known(values: Sequence[NDArray[np.floating[Any]]]) -> NDArray[np.float64]:
    """Give the mean of what is not NaN, NaN where all are."""
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, values, 0).sum(axis=0) / known.sum(axis=0))
