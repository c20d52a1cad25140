"""The arms of the ledger: the teacher as it is, and with one thing changed.

Two kinds: an arm that is taught anew, and a reading of one that is taught, with other texts shown. A section
that is dropped needs no new training, since every section was dropped at random while learning.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from barocast.export.fusion.paper import PaperSettings
from barocast.export.fusion.settings import TeacherSettings
from barocast.runtime.errors import SettingsError
from barocast.runtime.prompt import SECTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from barocast.export.course.settings import Course

TEACHER: Final = "teacher"
"""The arm that all others are compared with."""
PAPER: Final = "the paper's preset"


@dataclass(frozen=True, slots=True)
class Arm:
    """One training in every fold."""

    name: str
    course: Course
    readings: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Name -> sections left out of the texts that it is shown when judged."""


def _network(**changed: object) -> Callable[[Course], Course]:
    def change(course: Course) -> Course:
        if not isinstance(course.network, TeacherSettings):
            raise SettingsError("the ledger takes our teacher apart: name another preset than `paper`")
        return replace(course, network=replace(course.network, **changed))  # type: ignore[arg-type]  # fields by name

    return change


def _course(**changed: object) -> Callable[[Course], Course]:
    return lambda course: replace(course, **changed)  # type: ignore[arg-type]  # fields by name


CHANGES: Final[Mapping[str, Callable[[Course], Course]]] = MappingProxyType(
    {
        TEACHER: lambda course: course,
        "no language model": _network(trunk="none"),
        "random-initialised language model": _network(trunk="random"),
        "text shuffled between patients": _course(text="shuffled"),
        "no text": _course(text="none"),
        "no gate": _network(gated=False),
        "no pretraining": _course(text_steps=0, patch_steps=0),
        "no diffusion": _course(made="none"),
        "the paper's diffusion": _course(made="paper"),
        "no distillation from trees": _course(distilled=False),
        "text-only tuned": _network(mode="text-only"),
        "jointly tuned": _network(mode="joint"),
    }
)
"""Arm -> what it does to the teacher's course."""

READINGS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "shown no text": frozenset(SECTIONS),
        **{f"without {name}": frozenset({name}) for name in SECTIONS},
        **{f"{name} alone": frozenset(SECTIONS) - {name} for name in SECTIONS},
    }
)
"""Reading of the teacher -> sections left out."""


def arms(base: Course, paper: Course, wanted: Iterable[str] = ()) -> list[Arm]:
    """Give the arms by name, the teacher first; all where none is named. Raises SettingsError."""
    names = list(wanted) or [*CHANGES, PAPER]
    unknown = [name for name in names if name not in CHANGES and name != PAPER]
    if unknown:
        raise SettingsError(f"arm {unknown[0]!r} is unknown: name some of {', '.join([*CHANGES, PAPER])}")
    changed = [Arm(name, CHANGES[name](base)) for name in names if name in CHANGES and name != TEACHER]
    last = [Arm(PAPER, paper)] if PAPER in names and isinstance(paper.network, PaperSettings) else []
    return [Arm(TEACHER, base, dict(READINGS)), *changed, *last]
