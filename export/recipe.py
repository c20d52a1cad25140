"""The whole way from patients to one trained network, the same in every fold and for the bundle.

In: the cohort read in, the subjects that must not be seen, the settings. Out: the network, its
tokenizer and every case's text ids. Everything that learns anything (vocabulary, text encoder, trees,
network) learns from the other subjects only.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from barocast.export.cohort import read_burdens, read_cases
from barocast.export.model import ModelSettings
from barocast.export.rows import load_or_make
from barocast.export.teacher import TeacherSettings, soft_targets
from barocast.export.texts import PretrainingSettings, pretrain, variants
from barocast.export.tokenizer import train_tokenizer
from barocast.export.train import Lesson, TrainSettings, train
from barocast.runtime import wordpiece
from barocast.runtime.prompt import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from numpy.typing import NDArray

    from barocast.export.cohort import Burden, Case
    from barocast.export.model import Model
    from barocast.export.rows import Rows


@dataclass(frozen=True, slots=True)
class Material:
    """The cohort, read in and turned into rows once."""

    cases: list[Case]
    burdens: list[Burden]
    rows: Rows
    augmented: Rows


@dataclass(frozen=True, slots=True)
class Recipe:
    """Every setting of a run."""

    network: ModelSettings = field(default_factory=lambda: ModelSettings(vocabulary=0))
    """`vocabulary` is set by the tokenizer."""
    training: TrainSettings = field(default_factory=TrainSettings)
    teacher: TeacherSettings = field(default_factory=TeacherSettings)
    text: PretrainingSettings = field(default_factory=PretrainingSettings)

    @property
    def key(self) -> str:
        """A short name of exactly these settings, for files that a later run may reuse."""
        return _digest(asdict(self))


@dataclass(frozen=True, slots=True)
class Taught:
    """What a run leaves."""

    model: Model
    tokenizer_json: str
    texts: NDArray[np.int64]
    """(case, token) whole texts."""


def read_material(cohort: Path, work: Path) -> Material:
    """Read the cohort; rows made by an earlier run are taken from the work folder."""
    cases = read_cases(cohort)
    name = _digest([[case.case_id, case.map_mmhg.size] for case in cases])
    return Material(
        cases,
        read_burdens(cohort),
        load_or_make(work / f"rows-{name}.npz", cases, augmented=False),
        load_or_make(work / f"stretched-{name}.npz", cases, augmented=True),
    )


def teach(
    material: Material,
    without: Collection[str],
    recipe: Recipe,
    work: Path,
    say: Callable[[str], None],
) -> Taught:
    """Train on every subject that is not in `without`."""
    burdens = [burden for burden in material.burdens if burden.subject_id not in without]
    tokenizer_json = train_tokenizer(describe(burden.patient) for burden in burdens)
    tokenizer = wordpiece.load(tokenizer_json)
    say(f"text encoder on {len(burdens)} descriptions")
    encoder = pretrain(burdens, tokenizer, recipe.training.seed, recipe.text)
    texts = variants([case.patient for case in material.cases], tokenizer, recipe.training.seed)
    rows, augmented = (_without(rows, material, without) for rows in (material.rows, material.augmented))
    soft = _soft(
        rows, augmented, material, recipe.teacher, work / f"soft-{_digest(sorted(without))}.npy", say
    )
    shape = replace(recipe.network, vocabulary=max(tokenizer.vocabulary.values()) + 1)
    lesson = Lesson(rows, augmented, soft, texts)
    return Taught(train(lesson, encoder, shape, recipe.training, say), tokenizer_json, texts[:, 0])


def _without(rows: Rows, material: Material, without: Collection[str]) -> Rows:
    seen = np.array([case.subject_id not in without for case in material.cases])
    return rows.take(seen[rows.case])


def _soft(
    rows: Rows,
    augmented: Rows,
    material: Material,
    settings: TeacherSettings,
    path: Path,
    say: Callable[[str], None],
) -> NDArray[np.float32]:
    if path.is_file():
        return np.asarray(np.load(path), dtype=np.float32)
    subjects = [case.subject_id for case in material.cases]
    soft = soft_targets(rows, augmented, subjects, settings, say)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, soft)
    return soft


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]
