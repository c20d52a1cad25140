"""What a teacher is shown: batches of rows, the same for the same step, in every run.

In: a TeacherLesson, which holds training patients only. Out: a source of batches (export.schooling). Some
rows are shown without their text, some with a random subset of their channels, the empty one included:
whatever is missing at the bedside is then a case that was taught, not a surprise. Targets stay: what is
learned of a row with less to see is what can be said with less.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from barocast.export.fusion.outcomes import OUTCOMES
from barocast.export.rows import MODEL_CHANNELS, Rows, join
from barocast.export.texts import VARIANTS
from barocast.runtime.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

NOTHING: Final = -1
"""The id where no token stands (export.language.reading)."""


@dataclass(frozen=True, slots=True)
class TeacherLesson:
    """Everything one training may see; n rows, m augmented."""

    rows: Rows
    """Eligible landmarks of the training patients."""
    augmented: Rows
    """Of the same patients, stretched or made anew."""
    texts: NDArray[np.int64]
    """(case, VARIANTS, text tokens) ids for every case that the rows number, -1 where nothing stands."""
    soft: NDArray[np.float32] | None = None
    """(n + m, 3) probabilities to distil, NaN where there is none."""
    outcomes: NDArray[np.float32] | None = None
    """(n + m, len(OUTCOMES)) labels, NaN where unknown (fusion.outcomes)."""


@dataclass(frozen=True, slots=True)
class LessonSettings:
    """How rows are drawn and what of them is hidden."""

    steps: int
    """Batches in all."""
    batch: int = 256
    augmented_share: float = 0.7
    """Of each batch; 0 where there are no augmented rows."""
    text_dropout: float = 0.5
    """Share of rows that are shown without any text."""
    channel_dropout: float = 0.1
    """Share of rows that are shown with a random subset of the channels, all 2^C equally likely."""
    whole_texts: bool = False
    """Whether only variant 0 of a text is shown, with none of its sections left out."""
    seed: int = 0


class LessonSource:
    """Batches of a lesson by their number."""

    def __init__(self, lesson: TeacherLesson, settings: LessonSettings, channels: tuple[str, ...]) -> None:
        self.steps = settings.steps
        self._settings = settings
        self._real = len(lesson.rows)
        self._rows = with_channels(join([lesson.rows, lesson.augmented]), channels)
        self._texts = lesson.texts
        self._soft = _or_unknown(lesson.soft, len(self._rows), self._rows.labels.shape[1])
        self._outcomes = _or_unknown(lesson.outcomes, len(self._rows), len(OUTCOMES))

    def batch(self, step: int) -> dict[str, Tensor]:
        """Give what `loss` takes: the Rows' arrays by name, text, soft and outcomes."""
        random = np.random.default_rng((self._settings.seed, step))
        which = self._drawn(random)
        rows = self._rows.take(which)
        shown = self._shown(random, *rows.mask.shape[:2])[..., None]
        arrays = {
            "series": rows.series * shown,
            "mask": rows.mask * shown,
            "trend": rows.trend,
            "text": self._text(random, rows.case),
            "labels": rows.labels,
            "future": rows.future,
            "soft": self._soft[which],
            "outcomes": self._outcomes[which],
        }
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    def _drawn(self, random: np.random.Generator) -> NDArray[np.integer]:
        augmented = round(self._settings.batch * self._settings.augmented_share)
        if self._real == len(self._rows):
            augmented = 0
        real = random.integers(self._real, size=self._settings.batch - augmented)
        return np.concatenate([real, random.integers(self._real, len(self._rows), size=augmented)])

    def _shown(self, random: np.random.Generator, rows: int, channels: int) -> NDArray[np.float32]:
        hit = random.random((rows, 1)) < self._settings.channel_dropout
        subset = random.random((rows, channels)) < 0.5  # noqa: PLR2004 a fair coin for each channel
        return (~hit | subset).astype(np.float32)

    def _text(self, random: np.random.Generator, case: NDArray[np.int32]) -> NDArray[np.int64]:
        variant = random.integers(VARIANTS, size=len(case)) * (not self._settings.whole_texts)
        without = random.random((len(case), 1)) < self._settings.text_dropout
        return np.where(without, NOTHING, self._texts[case, variant])


def batch_source(
    lesson: TeacherLesson, settings: LessonSettings, channels: tuple[str, ...] = MODEL_CHANNELS
) -> LessonSource:
    """Give the source for a network that reads `channels`. Raises InputError: nothing to learn from."""
    if not len(lesson.rows):
        raise InputError("no row to learn from: every case is too short, or has too little valid MAP")
    return LessonSource(lesson, settings, channels)


def with_channels(rows: Rows, channels: tuple[str, ...]) -> Rows:
    """Lay the rows out for a network that reads `channels`; a channel that they do not hold is missing.

    Raises InputError: they hold another number of channels than either.
    """
    held = rows.series.shape[1]
    if held == len(channels):
        return rows
    if held != len(MODEL_CHANNELS):
        raise InputError(
            f"rows hold {held} channels, the network reads {len(channels)}: {', '.join(channels)}"
        )
    place = [channels.index(channel) for channel in MODEL_CHANNELS]
    return replace(
        rows, series=_placed(rows.series, place, channels), mask=_placed(rows.mask, place, channels)
    )


def _placed(given: NDArray[np.float32], place: list[int], channels: tuple[str, ...]) -> NDArray[np.float32]:
    wide = np.zeros((len(given), len(channels), given.shape[2]), dtype=np.float32)
    wide[:, place] = given
    return wide


def _or_unknown(given: NDArray[np.float32] | None, rows: int, columns: int) -> NDArray[np.float32]:
    if given is None:
        return np.full((rows, columns), np.nan, dtype=np.float32)
    if given.shape != (rows, columns):
        raise InputError(f"targets of shape {given.shape} for {rows} rows of {columns}")
    return given
