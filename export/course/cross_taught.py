"""What language-model teachers say of every training row, none of them having seen the row's patient.

In: a course, the cohort, the subjects that must not be seen, a work folder. Out: SoftTargets for the rows of
those who may be seen, then for their augmented ones, where nothing is said (NaN): trees answer there, and to
pass a hundred thousand stretched windows through a language model is not worth its hours. No features: those
of networks taught apart have no common axes, and a student could read off only which of them had spoken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.calibration.log_odds import sigmoid
from barocast.export.course.attend import attend
from barocast.export.fusion.channels import seen_on
from barocast.export.fusion.forecasting import predict
from barocast.export.model import FORECAST_MINUTES, QUANTILES
from barocast.export.provenance import digest, source
from barocast.export.recipe import without_subjects
from barocast.export.soft_targets import SoftTargets, load, save
from barocast.export.teacher import inner_folds

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from numpy.typing import NDArray

    from barocast.export.course.settings import Course
    from barocast.export.recipe import Material

FOLDS: Final = 3
"""The trees' own, so that a row is left out by both kinds of teacher together."""


def cross_taught(
    course: Course,
    material: Material,
    without: Collection[str],
    work: Path,
    say: Callable[[str], None],
) -> SoftTargets:
    """Teach FOLDS teachers, each without a part of the patients, or take what an earlier run left."""
    name = digest([material.key, sorted(without), course.key, source("export.course.cross_taught")])
    path = work / f"cross-taught-{name}.npz"
    if path.is_file():
        return load(path)
    seen = without_subjects(material, without)
    subjects = [case.subject_id for case in material.cases]
    fold = inner_folds(subjects, FOLDS)[seen.rows.case]
    risk, quantiles = _unknown(len(seen.rows), seen.rows.labels), _quantiles(len(seen.rows))
    for held in range(FOLDS):
        out = {*without, *(subjects[number] for number in np.unique(seen.rows.case[fold == held]))}
        graduate = attend(course, material, out, work, say)
        rows = seen_on(seen.rows.take(fold == held), material.cases, course.network.channels)
        said = predict(graduate.teacher, rows, graduate.texts)
        risk[fold == held], quantiles[fold == held] = sigmoid(said.logits), said.quantiles
        say(f"language-model teacher {held + 1}/{FOLDS} has answered")
    augmented = len(seen.augmented)
    soft = SoftTargets(
        np.concatenate([risk, _unknown(augmented, risk)]), np.concatenate([quantiles, _quantiles(augmented)])
    )
    work.mkdir(parents=True, exist_ok=True)
    save(soft, path)
    return soft


def _unknown(rows: int, like: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.full((rows, like.shape[1]), np.nan, dtype=np.float32)


def _quantiles(rows: int) -> NDArray[np.float32]:
    return np.full((rows, QUANTILES, len(FORECAST_MINUTES)), np.nan, dtype=np.float32)
