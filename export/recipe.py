"""The whole way from patients to one trained network, the same in every fold and for the bundle.

In: the cohort read in, the subjects that must not be seen, the settings. Out: the network, its
tokenizer and every case's text ids. Everything that learns anything (vocabulary, text encoder, trees,
network) learns from the other subjects only.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from barocast.export.cohort import read_burdens, read_cases
from barocast.export.cohorts.built import burdens_of, is_built, read_built
from barocast.export.model import Model, ModelSettings
from barocast.export.provenance import digest, source
from barocast.export.rows import load_or_make, rows_key
from barocast.export.soft_targets import blend, load, save
from barocast.export.teacher import TeacherSettings, soft_targets
from barocast.export.text_encoder import TextEncoder
from barocast.export.texts import PretrainingSettings, pretrain, variants
from barocast.export.tokenizer import train_tokenizer
from barocast.export.train import Lesson, TrainSettings, scaling, train
from barocast.runtime import wordpiece
from barocast.runtime.prompt import describe
from barocast.runtime.tokens import text_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from barocast.export.cohort import Burden, Case
    from barocast.export.rows import Rows
    from barocast.export.soft_targets import SoftTargets


@dataclass(frozen=True, slots=True)
class Material:
    """The cohort, read in and turned into rows once."""

    cases: list[Case]
    burdens: list[Burden]
    rows: Rows
    augmented: Rows
    key: str
    """A short name of exactly these series and descriptions and the code that made the rows, for files that
    a later run may reuse."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Every setting of a run."""

    network: ModelSettings = field(default_factory=ModelSettings)
    training: TrainSettings = field(default_factory=TrainSettings)
    teacher: TeacherSettings = field(default_factory=TeacherSettings)
    text: PretrainingSettings = field(default_factory=PretrainingSettings)

    @property
    def key(self) -> str:
        """A short name of exactly these settings and this code, for files that a later run may reuse."""
        return digest([asdict(self), source("export.recipe")])


@dataclass(frozen=True, slots=True)
class Taught:
    """What a run leaves."""

    model: Model
    tokenizer_json: str

    def texts_of(self, cases: Sequence[Case]) -> NDArray[np.int64]:
        """Give (case, token): each case's whole text as this network reads it."""
        tokenizer = wordpiece.load(self.tokenizer_json)
        return np.stack([text_ids(describe(case.patient), tokenizer) for case in cases])


def read_material(cohort: Path, work: Path, *, stretched: bool = True) -> Material:
    """Read the cohort, as it came or as `train cohort` built it; rows that an earlier run left are taken.

    `stretched`: the stretched cases' rows too, which only a training takes; else there are none.
    """
    built = is_built(cohort)
    cases = read_built(cohort) if built else read_cases(cohort)
    burdens = burdens_of(cases) if built else burdens_in(cohort)
    told = [asdict(case.patient) for case in cases] + [asdict(burden) for burden in burdens]
    rows = load_or_make(work, cases, augmented=False)
    augmented = load_or_make(work, cases, augmented=True) if stretched else rows.take(np.arange(0))
    return Material(cases, burdens, rows, augmented, digest([rows_key(cases), told]))


def burdens_in(cohort: Path) -> list[Burden]:
    """Give the descriptions that a cohort teaches texts with."""
    return burdens_of(read_built(cohort)) if is_built(cohort) else read_burdens(cohort)


def teach(
    material: Material,
    without: Collection[str],
    recipe: Recipe,
    work: Path,
    say: Callable[[str], None],
    others: Sequence[SoftTargets] = (),
) -> Taught:
    """Train on every subject that is not in `without`, or take what the same run left earlier.

    `others`: what teachers beside the trees say of the rows of those who may be seen, then of their
    augmented ones.
    """
    seen = without_subjects(material, without)
    tokenizer_json = train_tokenizer(describe(burden.patient) for burden in seen.burdens)
    tokenizer = wordpiece.load(tokenizer_json)
    texts = variants([case.patient for case in material.cases], tokenizer, recipe.training.seed)
    told = [hashlib.sha256(answers.risk.tobytes()).hexdigest() for answers in others]
    kept = work / f"taught-{digest([material.key, sorted(without), recipe.key, told])}.pt"
    if kept.is_file():
        say(f"{kept}: taught by an earlier run")
        model = _read_model(kept, recipe, seen, len(tokenizer.vocabulary))
    else:
        soft = soft_of(seen, sorted(without), recipe.teacher, work, say)
        soft = blend([soft, *others]) if others else soft
        say(f"text encoder on {len(seen.burdens)} descriptions")
        encoder = pretrain(seen.burdens, tokenizer, recipe.training.seed, recipe.text)
        lesson = Lesson(seen.rows, seen.augmented, soft, texts)
        model = train(lesson, encoder, recipe.network, recipe.training, say)
        torch.save(model.state_dict(), kept)
    return Taught(model, tokenizer_json)


def without_subjects(material: Material, without: Collection[str]) -> Material:
    """Give what the other subjects leave; rows keep the numbers of the full list of cases."""
    allowed = np.array([case.subject_id not in without for case in material.cases])
    return replace(
        material,
        burdens=[burden for burden in material.burdens if burden.subject_id not in without],
        rows=material.rows.take(allowed[material.rows.case]),
        augmented=material.augmented.take(allowed[material.augmented.case]),
    )


def _read_model(kept: Path, recipe: Recipe, seen: Material, vocabulary: int) -> Model:
    encoder = TextEncoder(vocabulary, recipe.text.width)
    model = Model(recipe.network, scaling(seen.rows), encoder)
    model.load_state_dict(torch.load(kept, weights_only=True))
    return model.eval()


def soft_of(
    seen: Material, without: list[str], settings: TeacherSettings, work: Path, say: Callable[[str], None]
) -> SoftTargets:
    """Give what trees say of the rows of those who may be seen, or take what an earlier run left."""
    name = digest([seen.key, without, asdict(settings), source("export.teacher")])
    path = work / f"soft-{name}.npz"
    if path.is_file():
        return load(path)
    subjects = [case.subject_id for case in seen.cases]
    soft = soft_targets(seen.rows, seen.augmented, subjects, settings, say)
    save(soft, path)
    return soft
