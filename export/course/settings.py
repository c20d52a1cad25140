"""Every setting of one teacher's training, and what the named presets say of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from barocast.export.diffusion.windows import DiffusionSettings
from barocast.export.fusion.paper import PaperSettings
from barocast.export.fusion.presets import PRESETS
from barocast.export.provenance import digest
from barocast.export.schooling.settings import SchoolSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from barocast.export.fusion.lesson import LessonSettings
    from barocast.export.fusion.settings import TeacherSettings

DESCRIPTIONS: Final = 64
"""In a batch of the text stage."""


@dataclass(frozen=True, slots=True)
class Course:
    """One training. A stage of 0 steps is left out."""

    network: TeacherSettings | PaperSettings
    lesson: LessonSettings
    """`steps` is that of the last stage."""
    learning_rate: float
    """Of the stages that pass through the language model."""
    text: Literal["own", "shuffled", "none"] = "own"
    """Whose text a patient is shown with, in training and when judged; shuffled: another patient's."""
    made: Literal["none", "paper", "falls"] = "falls"
    """Windows by diffusion beside the stretched ones: none, the paper's residual copies, new falls."""
    made_rows: int = 12_000
    """Of falls."""
    distilled: bool = True
    """Whether trees that never saw the patient teach too."""
    text_steps: int = 120
    """Batches of descriptions and their burdens."""
    patch_steps: int = 120
    """Batches of masked windows."""
    straight_steps: int = 2000
    """Batches past the language model."""
    straight_rate: float = 2e-3
    precision: Literal["no", "bf16", "fp16"] = "no"
    """Of the arithmetic through the language model; bf16 is faster where the machine knows it."""
    diffusion: DiffusionSettings = field(default_factory=DiffusionSettings)
    seed: int = 0

    @property
    def key(self) -> str:
        """A short name of exactly these settings."""
        return digest(asdict(self))

    def school(self, steps: int, rate: float) -> SchoolSettings:
        """Say how a stage is taught: one checkpoint at its middle and one at its end."""
        return SchoolSettings(
            steps, rate, save_every=max(1, steps // 2), precision=self.precision, seed=self.seed
        )


def _of_preset(name: str) -> Course:
    preset = PRESETS[name]
    if isinstance(preset.network, PaperSettings):
        return Course(
            preset.network,
            preset.lesson,
            preset.learning_rate,
            made="paper",
            distilled=False,
            text_steps=0,
            patch_steps=0,
            straight_steps=0,
        )
    return Course(preset.network, preset.lesson, preset.learning_rate)


COURSES: Final[Mapping[str, Course]] = MappingProxyType({name: _of_preset(name) for name in PRESETS})
"""Preset (fusion.presets) -> its course. The paper's own pretraining is not part of `paper`: its learned
patch layer is thrown away before the fine-tuning (clinical.md A3), so it could only change the norms."""
