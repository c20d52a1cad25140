"""What a teacher is shown: batches of rows, the same for the same step, in every run.

In: a TeacherLesson, which holds training patients and simulated ones only. Out: a source of batches
(export.schooling). Some rows are shown without their text, some with a random subset of their channels, the
empty one included: whatever is missing at the bedside is then a case that was taught, not a surprise. Targets
stay: what is learned of a row with less to see is what can be said with less.
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
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

NOTHING: Final = -1
"""The id where no token stands (export.language.reading)."""


@dataclass(frozen=True, slots=True)
class TeacherLesson:
    """Everything one training may see: k rows of four kinds."""

    rows: Rows
    """Eligible landmarks of the training patients."""
    augmented: Rows
    """Of the same patients, stretched."""
    texts: NDArray[np.int64]
    """(case, VARIANTS, text tokens) ids for every case that the rows number, -1 where nothing stands."""
    made: Rows | None = None
    """Of the same patients, windows that nobody had (export.diffusion)."""
    simulated: Rows | None = None
    """Of simulated patients, with all their channels."""
    soft: NDArray[np.float32] | None = None
    """(k, 3) probabilities to distil, NaN where there is none; k rows of all four, in the order above."""
    outcomes: NDArray[np.float32] | None = None
    """(k, len(OUTCOMES)) labels, NaN where unknown (fusion.outcomes)."""

    @property
    def parts(self) -> list[Rows]:
        """The four kinds of rows; one that there is none of is empty."""
        nothing = self.rows.take(np.arange(0))
        return [self.rows, self.augmented, self.made or nothing, self.simulated or nothing]


@dataclass(frozen=True, slots=True)
class LessonSettings:
    """How rows are drawn and what of them is hidden."""

    steps: int
    """Batches in all."""
    batch: int = 256
    augmented_share: float = 0.7
    """Of each batch, all that is no patient's own row: stretched, made, simulated."""
    made_share: float = 0.25
    """Of those, windows made by diffusion, where there are any."""
    simulated_share: float = 0.15
    """Of those, rows of simulated patients, where there are any."""
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
        parts = lesson.parts
        self._ends = np.cumsum([len(part) for part in parts])
        self._counts = _counts(settings, [len(part) for part in parts])
        self._rows = join([with_channels(part, channels) for part in parts])
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
        begins = [0, *self._ends[:-1]]
        of_each = zip(begins, self._ends, self._counts, strict=True)
        return np.concatenate([random.integers(begin, end, size=n) for begin, end, n in of_each if n])

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
    return replace(rows, series=placed(rows.series, channels), mask=placed(rows.mask, channels))


def placed(given: NDArray[np.float32], channels: tuple[str, ...]) -> NDArray[np.float32]:
    """Put (n, len(MODEL_CHANNELS), steps) where a network that reads `channels` looks for it, 0 elsewhere."""
    wide = np.zeros((len(given), len(channels), given.shape[2]), dtype=np.float32)
    wide[:, [channels.index(channel) for channel in MODEL_CHANNELS]] = given
    return wide


def _counts(settings: LessonSettings, there: Sequence[int]) -> list[int]:
    """Give how many rows of each part a batch has; what one lacks the stretched make up, then the real."""
    augmented = round(settings.batch * settings.augmented_share) if sum(there[1:]) else 0
    made, simulated = (
        round(augmented * share) if size else 0
        for share, size in zip((settings.made_share, settings.simulated_share), there[2:], strict=True)
    )
    stretched = augmented - made - simulated if there[1] else 0
    return [settings.batch - stretched - made - simulated, stretched, made, simulated]


def _or_unknown(given: NDArray[np.float32] | None, rows: int, columns: int) -> NDArray[np.float32]:
    if given is None:
        return np.full((rows, columns), np.nan, dtype=np.float32)
    if given.shape != (rows, columns):
        raise InputError(f"targets of shape {given.shape} for {rows} rows of {columns}")
    return given
