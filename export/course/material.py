"""What a course shows: texts as its language model reads them, rows with windows that no patient had.

In: the cohort without the subjects that must not be seen, and simulated patients, if any. Out: a
TeacherLesson, the text stage's lesson, windows for masked-patch pretraining. Made windows and diffusions are
kept in the work folder. Simulated patients tie the channels together, which few real ones had recorded; their
cases are numbered behind the real ones.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.export.course.settings import DESCRIPTIONS
from barocast.export.diffusion.windows import (
    Diffusion,
    learn,
    new_windows,
    pretraining_windows,
    residual_copies,
)
from barocast.export.fusion.burden import BurdenLesson
from barocast.export.fusion.channels import seen_on
from barocast.export.fusion.lesson import NOTHING, TeacherLesson, placed
from barocast.export.fusion.outcomes import OUTCOMES, outcomes_of
from barocast.export.language.reading import load_reader
from barocast.export.provenance import digest, source
from barocast.export.recipe import soft_of
from barocast.export.rows import Rows, load_or_make, rows_key
from barocast.export.teacher import TeacherSettings
from barocast.export.texts import standardized_shares, worded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from barocast.export.cohort import Case
    from barocast.export.course.settings import Course
    from barocast.export.recipe import Material
    from barocast.runtime.domain import Patient

PRETRAINING_WINDOWS: Final = 8_000
TREES: Final = TeacherSettings()
"""The student's own trees, so that what they say of a fold is kept once."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where what a fold's patients taught is kept, and who they are."""

    seen: Material
    """Without the subjects that must not be seen; cases keep their numbers in the full list."""
    without: tuple[str, ...]
    work: Path
    say: Callable[[str], None]
    simulated: Sequence[Case] = ()

    @property
    def every_case(self) -> list[Case]:
        """Real cases by their number, those that must not be seen among them, then simulated ones."""
        return [*self.seen.cases, *self.simulated]

    @property
    def simulated_key(self) -> str:
        """A short name of exactly these simulated patients; empty where there are none."""
        told = [asdict(case.patient) for case in self.simulated]
        return digest([rows_key(self.simulated), told]) if self.simulated else ""

    @property
    def key(self) -> str:
        """A short name of exactly these patients and series."""
        return digest([self.seen.key, self.without])


def texts_of(patients: Sequence[Patient], course: Course) -> NDArray[np.int64]:
    """Give ids (patient, VARIANTS, text tokens); a shuffled patient's are the same other patient's always."""
    limit, reader = course.network.text_tokens, load_reader(course.network.trunk)
    told = worded(patients, course.seed)
    ids = np.array([[reader.ids(text, limit) for text in texts] for texts in told])
    if course.text == "none":
        return np.full_like(ids, NOTHING)
    if course.text == "shuffled":
        # One step around a ring in random order: nobody keeps the text they came with.
        ring = np.random.default_rng(course.seed).permutation(len(ids))
        ids[ring] = ids[np.roll(ring, 1)]
    return ids


def burden_lesson(course: Course, shelf: Shelf) -> BurdenLesson:
    """Give the text stage's lesson."""
    burdens = shelf.seen.burdens
    texts = texts_of([burden.patient for burden in burdens], course)
    return BurdenLesson(texts, standardized_shares(burdens), course.text_steps, DESCRIPTIONS, course.seed)


def teacher_lesson(course: Course, shelf: Shelf, texts: NDArray[np.int64]) -> TeacherLesson:
    """Give the rows of the training patients, stretched, made and simulated ones beside them."""
    rows, augmented, made = shelf.seen.rows, shelf.seen.augmented, _made(course, shelf)
    simulated = _simulated(course, shelf)
    soft = None
    if course.distilled:
        soft = soft_of(shelf.seen, list(shelf.without), TREES, shelf.work, shelf.say).risk
    behind = len(augmented) + (0 if made is None else len(made))
    outcomes = [outcomes_of(shelf.seen.cases, rows), _unknown(behind, len(OUTCOMES))]
    if simulated is not None:
        outcomes.append(outcomes_of(shelf.every_case, simulated))
    known = np.concatenate(outcomes)
    return TeacherLesson(
        seen_on(rows, shelf.seen.cases, course.network.channels),
        augmented,
        texts,
        made,
        simulated,
        None if soft is None else np.concatenate([soft, _unknown(len(known) - len(soft), soft.shape[1])]),
        known,
    )


def _unknown(rows: int, targets: int) -> NDArray[np.float32]:
    return np.full((rows, targets), np.nan, dtype=np.float32)


def windows_that_fall(course: Course, shelf: Shelf) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Give series and mask (n, channel, steps) for pretraining: before a fall, real, made and simulated."""
    channels, rows = course.network.channels, shelf.seen.rows
    real = seen_on(rows.take(rows.labels[:, -1] == 1), shelf.seen.cases, channels)
    parts = [(real.series, real.mask)]
    if course.made != "none":
        diffusion = diffusion_of(course, shelf)
        made = pretraining_windows(diffusion, _cases(shelf), PRETRAINING_WINDOWS, course.seed)
        parts.append((placed(made[0], channels), placed(made[1], channels)))
    simulated = _simulated(course, shelf)
    if simulated is not None:
        fall = simulated.labels[:, -1] == 1
        parts.append((simulated.series[fall], simulated.mask[fall]))
    series, mask = zip(*parts, strict=True)
    return np.concatenate(series), np.concatenate(mask)


def _simulated(course: Course, shelf: Shelf) -> Rows | None:
    """Give the simulated patients' rows, on all the channels that the network reads."""
    if not shelf.simulated:
        return None
    rows = load_or_make(shelf.work, shelf.simulated, augmented=False)
    rows = replace(rows, case=rows.case + np.int32(len(shelf.seen.cases)))
    return seen_on(rows, shelf.every_case, course.network.channels)


def diffusion_of(course: Course, shelf: Shelf) -> Diffusion:
    """Learn the diffusions of these patients, or take what was learned of them earlier."""
    name = digest([shelf.key, asdict(course.diffusion), source("export.diffusion.windows")])
    kept = shelf.work / f"diffusion-{name}.pt"
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        learn(_cases(shelf), course.diffusion, shelf.say).save(kept)
    return Diffusion.load(kept)


def _made(course: Course, shelf: Shelf) -> Rows | None:
    if course.made == "none":
        return None
    given = (course.made, course.made_rows, course.seed, asdict(course.diffusion))
    name = digest([shelf.key, given, source("export.diffusion.windows")])
    kept = shelf.work / f"made-{name}.npz"
    if kept.is_file():
        with np.load(kept, allow_pickle=False) as archive:
            return Rows(*(archive[field.name] for field in fields(Rows)))
    made = _numbered(_make(course, shelf), _numbers(shelf))
    np.savez(kept, **{field.name: getattr(made, field.name) for field in fields(Rows)})
    shelf.say(f"{len(made)} windows made ({course.made})")
    return made


def _make(course: Course, shelf: Shelf) -> Rows:
    diffusion, cases = diffusion_of(course, shelf), _cases(shelf)
    if course.made == "falls":
        return new_windows(diffusion, cases, course.made_rows, course.seed)
    place = np.full(len(shelf.seen.cases), -1, dtype=np.int32)
    place[_numbers(shelf)] = np.arange(len(cases))
    return residual_copies(diffusion, _numbered(shelf.seen.rows, place), cases, seed=course.seed)


def _numbers(shelf: Shelf) -> NDArray[np.intp]:
    """Give the numbers, in the full list, of the cases that may be seen."""
    return np.flatnonzero([case.subject_id not in shelf.without for case in shelf.seen.cases])


def _cases(shelf: Shelf) -> list[Any]:
    return [shelf.seen.cases[number] for number in _numbers(shelf)]


def _numbered(rows: Rows, numbers: NDArray[Any]) -> Rows:
    """Give the rows with each case's number replaced by what `numbers` has at it."""
    return Rows(
        rows.series,
        rows.mask,
        rows.trend,
        rows.labels,
        rows.future,
        numbers[rows.case].astype(np.int32),
        rows.at,
    )
