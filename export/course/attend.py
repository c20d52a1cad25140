"""One course in one fold: `attend(course, material, without, work, say)` -> a taught teacher.

What learns, learns from the other subjects only, in up to four stages. Each is a run of its own
(export.schooling), in a folder named after all that went before it: a later call goes on with it, and
courses that begin alike share their beginning.

    text       which descriptions go with long hypotension: the burdens of 2,000 patients
    patches    hidden patches of windows that fall, masked-patch pretraining
    straight   risks and MAP from the trend alone, past the language model: cheap, so that the last stage
               has only to learn what the language model adds
    fusion     all of it together, on real, stretched and made windows
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from barocast.export.course.material import Shelf, burden_lesson, teacher_lesson, texts_of, windows_that_fall
from barocast.export.fusion.burden import burden_loss
from barocast.export.fusion.lesson import batch_source
from barocast.export.fusion.loss import TeacherLoss, straight_loss
from barocast.export.fusion.network import build_teacher
from barocast.export.fusion.paper import PaperSettings, build_paper_teacher, paper_loss
from barocast.export.provenance import digest, source
from barocast.export.recipe import without_subjects
from barocast.export.schooling.loop import fit
from barocast.export.schooling.masked import MaskedSettings, masked_loss, masked_source
from barocast.export.train import scaling

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from barocast.export.cohort import Case
    from barocast.export.course.settings import Course
    from barocast.export.fusion.lesson import TeacherLesson
    from barocast.export.fusion.network import Teacher
    from barocast.export.fusion.paper import PaperTeacher
    from barocast.export.fusion.settings import TeacherSettings
    from barocast.export.recipe import Material
    from barocast.export.schooling.curve import Curve
    from barocast.export.schooling.loop import Source

STRAIGHT_BATCH: Final = 256
DECIDED_BY: Final = {
    "text": (),
    "patches": ("made",),
    "straight": ("made", "made_rows", "distilled"),
    "fusion": ("made", "made_rows", "distilled"),
}
"""Stage -> the course's settings that its batches hang on."""


@dataclass(frozen=True, slots=True)
class Graduate:
    """What a course leaves."""

    teacher: Teacher | PaperTeacher
    texts: NDArray[np.int64]
    """(case, text tokens) whole texts, as the course shows them when it is judged; simulated cases last."""
    curves: dict[str, Curve]
    """Stage -> its learning curve."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One run of a course."""

    name: str
    source: Source
    loss: Callable[[Any, dict[str, Tensor]], Tensor]
    rate: float


def attend(
    course: Course,
    material: Material,
    without: Collection[str],
    work: Path,
    say: Callable[[str], None],
    simulated: Sequence[Case] = (),
) -> Graduate:
    """Teach a teacher on every subject that is not in `without`, and on all that are simulated.

    Raises InputError where the language model cannot be had, too few patients fall, a loss is no number.
    """
    shelf = Shelf(without_subjects(material, without), tuple(sorted(without)), work, say, simulated)
    texts = texts_of([case.patient for case in shelf.every_case], course)
    lesson = teacher_lesson(course, shelf, texts)
    teacher: Teacher | PaperTeacher
    if isinstance(course.network, PaperSettings):
        teacher = build_paper_teacher(course.network)
        stages = iter([_last(course, lesson, paper_loss)])
    else:
        teacher = build_teacher(course.network, scaling(shelf.seen.rows))
        stages = _stages(course, course.network, shelf, lesson)
    return Graduate(teacher, texts[:, 0], _take(teacher, stages, course, shelf))


def _take(teacher: nn.Module, stages: Iterator[Stage], course: Course, shelf: Shelf) -> dict[str, Curve]:
    """Teach stage by stage; a folder's name holds all that decides the stage and those before it."""
    curves, name = (
        {},
        digest([shelf.key, asdict(course.network), course.text, source("export.course.attend")]),
    )
    for stage in stages:
        school = course.school(stage.source.steps, stage.rate)
        decided = {setting: getattr(course, setting) for setting in DECIDED_BY[stage.name]}
        if decided:
            decided["simulated"] = shelf.simulated_key
        lesson = asdict(course.lesson) if stage.name == "fusion" else ""
        name = digest([name, stage.name, asdict(school), decided, lesson])
        folder = shelf.work / "course" / f"{stage.name}-{name}"
        shelf.say(f"{stage.name}: {school.steps} steps in {folder}")
        curves[stage.name] = fit(teacher, stage.source, stage.loss, school, folder, shelf.say)
    return curves


def _stages(course: Course, network: TeacherSettings, shelf: Shelf, lesson: TeacherLesson) -> Iterator[Stage]:
    """Give the stages that the course has, each made when the one before is done."""
    if course.text_steps and course.text == "own":
        yield Stage("text", burden_lesson(course, shelf), burden_loss, course.learning_rate)
    if course.patch_steps:
        settings = MaskedSettings(steps=course.patch_steps, patch=network.patch, seed=course.seed)
        windows = masked_source(*windows_that_fall(course, shelf), settings)
        yield Stage("patches", windows, masked_loss, course.learning_rate)
    if course.straight_steps:
        shown = replace(course.lesson, steps=course.straight_steps, batch=STRAIGHT_BATCH)
        batches = batch_source(lesson, shown, network.channels)
        yield Stage("straight", batches, straight_loss, course.straight_rate)
    yield _last(course, lesson, TeacherLoss())


def _last(course: Course, lesson: TeacherLesson, loss: Callable[..., Tensor]) -> Stage:
    shown = batch_source(lesson, course.lesson, course.network.channels)
    return Stage("fusion", shown, loss, course.learning_rate)
