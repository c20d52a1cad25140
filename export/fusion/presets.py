"""Named configurations of the teacher, as the command line offers them.

small   a few minutes on 2 CPU cores: one layer of SmolLM2, patches of a minute, text read once a patient
full    one GPU: six layers, patches of 30 s, text and series both tuned, more channels
paper   IOHFuseLM as published (fusion.paper)
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from barocast.export.fusion.lesson import LessonSettings
from barocast.export.fusion.paper import PaperSettings
from barocast.export.fusion.settings import TeacherSettings

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Preset:
    """A network and how it is shown its rows."""

    network: TeacherSettings | PaperSettings
    lesson: LessonSettings
    learning_rate: float


PRESETS: Final[Mapping[str, Preset]] = MappingProxyType(
    {
        "small": Preset(
            TeacherSettings(trunk="smollm2", layers=1, patch=6, text_tokens=144),
            LessonSettings(steps=600, batch=256),
            learning_rate=1e-3,
        ),
        "full": Preset(
            TeacherSettings(
                trunk="smollm2",
                layers=6,
                mode="joint",
                channels=("ABP_MEAN", "ABP_SYS", "ABP_DIA", "HR", "SPO2", "ETCO2"),
                text_tokens=224,
                width=128,
                heads=4,
                text_width=32,
            ),
            LessonSettings(steps=6000, batch=512),
            learning_rate=3e-4,
        ),
        "paper": Preset(
            PaperSettings(trunk="smollm2"),
            LessonSettings(
                steps=20_000,
                batch=8,
                augmented_share=0.0,
                text_dropout=0.0,
                channel_dropout=0.0,
                whole_texts=True,
            ),
            learning_rate=1e-4,
        ),
    }
)
