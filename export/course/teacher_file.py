"""A taught teacher on disk, as `train teacher` leaves it.

    teacher.safetensors    tensors that were learned, by name; as metadata `course`, the JSON of a Course and
                           `simulated`, how many simulated patients taught it beside the real ones

One key of metadata, not two: safetensors writes several in any order, and the same teacher must have the same
bytes.

The frozen language model is no part of it: the trunk that the course names is loaded anew. No pickle: a
checkpoint from elsewhere runs no code.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from barocast.export.fusion.network import Teacher, build_teacher
from barocast.export.fusion.settings import TeacherSettings
from barocast.export.fusion.weights import load_weights, own_weights
from barocast.export.model import blank_scaling
from barocast.export.schooling.checkpoint import replace
from barocast.runtime.errors import InputError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from barocast.export.course.settings import Course
    from barocast.export.fusion.paper import PaperTeacher

FILE: Final = "teacher.safetensors"
DRAFT: Final = "teacher.draft"
COURSE: Final = "course"
SIMULATED: Final = "simulated"
MEND: Final = "copy it again, or train anew (`barocast train teacher`, preset small or full)"


@dataclass(frozen=True, slots=True)
class TaughtTeacher:
    """A checkpoint, read."""

    teacher: Teacher
    """In eval mode; its `settings` are those it was taught with."""
    course: Mapping[str, Any]
    """All settings of its training, as course.settings.Course has them."""
    simulated: int
    """Simulated patients among those who taught it."""
    sha256: str
    """Of the file."""


def save_teacher(teacher: Teacher | PaperTeacher, course: Course, folder: Path, simulated: int = 0) -> None:
    """Leave the checkpoint; a disk that fills leaves the former one. Raises SettingsError."""
    from safetensors.torch import save  # noqa: PLC0415 `export` extra

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in own_weights(teacher).items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        told = asdict(course) | {SIMULATED: simulated}
        (folder / DRAFT).write_bytes(save(tensors, {COURSE: json.dumps(told)}))
        replace(folder / DRAFT, folder / FILE)
    except OSError as error:
        raise SettingsError(
            f"{folder / FILE}: cannot be written ({error.strerror}); free some space or name another folder, "
            "and run the same command again"
        ) from error


def read_teacher(folder: Path) -> TaughtTeacher:
    """Read what save_teacher left. Raises InputError: the one reason, and its mend."""
    path = folder / FILE
    course, simulated = _told(path)
    try:
        teacher = build_teacher(_settings(course["network"]), blank_scaling())
    except (AttributeError, KeyError, SettingsError, TypeError, ValueError) as error:
        raise InputError(f"{path}: {COURSE}: no settings of a teacher ({error}); {MEND}") from error
    load_weights(teacher, path, f"the settings in its `{COURSE}` are another teacher's; {MEND}")
    return TaughtTeacher(teacher.eval(), course, simulated, hashlib.sha256(path.read_bytes()).hexdigest())


def _told(path: Path) -> tuple[dict[str, Any], int]:
    from safetensors import SafetensorError, safe_open  # noqa: PLC0415 `export` extra

    try:
        with safe_open(path, "pt") as file:
            course: dict[str, Any] = json.loads(file.metadata()[COURSE])
            simulated = int(course.pop(SIMULATED, 0))
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"{path}: no readable checkpoint ({error}); name a folder that `barocast train teacher` left"
        ) from error
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise InputError(f"{path}: holds no `{COURSE}` to build a teacher by ({error!r}); {MEND}") from error
    return course, simulated


def _settings(told: Mapping[str, Any]) -> TeacherSettings:
    """Raise ValueError for another network's settings, the paper's among them."""
    if odd := sorted(told.keys() ^ {field.name for field in fields(TeacherSettings)}):
        raise ValueError(f"{odd[0]} is {'no setting of one' if odd[0] in told else 'missing'}")
    return TeacherSettings(**{**told, "channels": tuple(told["channels"])})
