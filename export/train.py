"""Rows -> a trained Model: few patients, so everything here is there to forget the patient.

In: rows of training patients as they are and stretched, their texts, a pretrained text encoder, and
soft targets of trees that never saw the patient they speak of. Out: the model with averaged weights.
One seed gives one model on one machine.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from barocast.calibration.forecast_error import QUANTILE_LEVELS
from barocast.export.losses import cross_entropy, mean_distance, pinball
from barocast.export.model import Model, ModelSettings, Scaling, mean_answer
from barocast.export.rows import Rows
from barocast.export.texts import VARIANTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from barocast.export.model import Answer
    from barocast.export.soft_targets import SoftTargets
    from barocast.export.text_encoder import TextEncoder

PREDICT_BATCH: Final = 2048
EMA_WARM_UP: Final = 10


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """How the network is taught."""

    epochs: int = 10
    rows_per_epoch: int = 36_000
    batch: int = 512
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    augmented_share: float = 0.7
    """Of each batch, rows of stretched cases."""
    distilled_share: float = 0.5
    """Weight of the teachers' soft targets beside what was observed."""
    feature_weight: float = 0.1
    """Of reading the teachers' features, where they give any, off a member's token."""
    quantile_weight: float = 0.03
    """Per mmHg of pinball loss."""
    text_dropout: float = 0.5
    """Share of rows that are shown without any text."""
    text_noise: float = 0.5
    """Relative noise on each aspect of a text, so that no patient is known by it."""
    averaging: float = 0.995
    """Decay of the running average of weights, which is the model that is kept."""
    gradient_limit: float = 2.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Lesson:
    """Everything one training may see."""

    rows: Rows
    """Eligible landmarks of the training patients."""
    augmented: Rows
    """The same patients' stretched cases."""
    soft: SoftTargets
    """What to distil for each row, then for each augmented one."""
    texts: NDArray[np.int64]
    """(case, VARIANTS, token) for every case that the rows number."""


def train(
    lesson: Lesson,
    encoder: TextEncoder,
    shape: ModelSettings,
    settings: TrainSettings,
    say: Callable[[str], None] = lambda _: None,
) -> Model:
    """Give the trained model, in eval mode."""
    torch.manual_seed(settings.seed)
    model = Model(shape, scaling(lesson.rows), encoder)
    school = _School(model, lesson, settings)
    started = time.monotonic()
    for epoch in range(settings.epochs):
        loss = school.epoch()
        say(f"epoch {epoch + 1}/{settings.epochs}: loss {loss:.4f}, {time.monotonic() - started:.0f} s")
    school.keep_average()
    return model.eval()


def scaling(rows: Rows) -> Scaling:
    """Measure where the training rows lie."""
    now = rows.trend[:, 0, 0][:, None]
    rest = np.nanquantile(rows.future - now, QUANTILE_LEVELS, axis=0)
    prevalence = np.nanmean(rows.labels, axis=0)
    logits = np.log(prevalence / (1 - prevalence))
    return Scaling(
        mean=torch.from_numpy(rows.trend.mean(axis=0)),
        sd=torch.from_numpy(rows.trend.std(axis=0) + 1e-3),
        rest=torch.from_numpy(rest.astype(np.float32)),
        prevalence_logits=(float(logits[0]), float(logits[1]), float(logits[2])),
    )


def predict(model: Model, rows: Rows, texts: NDArray[np.int64]) -> tuple[NDArray[Any], ...]:
    """Give logits (n, 3), quantiles (n, 3, 30) and gates (n, 2); texts (case, token), encoded once a case."""
    answers: list[Answer] = []
    with torch.no_grad():
        features, present = model.text_encoder(torch.from_numpy(texts))
        for start in range(0, len(rows), PREDICT_BATCH):
            part = rows.take(np.arange(start, min(start + PREDICT_BATCH, len(rows))))
            case = torch.from_numpy(part.case).long()
            members = model.each(*_series(part), features[case], present[case])
            answers.append(mean_answer([answer for _, answer in members]))
    return tuple(torch.cat(parts).numpy() for parts in zip(*answers, strict=True))


class _School:
    """The tensors, the optimizer and the running average of one training."""

    def __init__(self, model: Model, lesson: Lesson, settings: TrainSettings) -> None:
        self.model, self.settings = model, settings
        self.random = np.random.default_rng(settings.seed)
        both = [(getattr(lesson.rows, name), getattr(lesson.augmented, name)) for name in Rows.__slots__]
        self.rows = Rows(*(np.concatenate(pair) for pair in both))
        self.soft = _settled(lesson.soft)
        self.real = len(lesson.rows)
        self.readers = self._readers()
        texts = torch.from_numpy(lesson.texts).flatten(0, 1)
        with torch.no_grad():
            self.text, self.present = model.text_encoder(texts)
        learned = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
        taught = [*learned, *self.readers.named_parameters()]
        self.optimizer = torch.optim.AdamW(_decayed(taught, settings), lr=settings.learning_rate)
        self.steps = settings.epochs * (settings.rows_per_epoch // settings.batch)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, settings.learning_rate, total_steps=self.steps + 1, pct_start=0.15
        )
        self.average = {name: p.detach().clone() for name, p in learned}
        self.step = 0

    def epoch(self) -> float:
        """Take one pass over a fresh draw of rows; give the mean loss."""
        self.model.train()
        losses = [self._learn(batch) for batch in self._batches()]
        return float(np.mean(losses))

    def keep_average(self) -> None:
        """Put the averaged weights into the model."""
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                if name in self.average:
                    parameter.copy_(self.average[name])

    def _batches(self) -> list[NDArray[np.intp]]:
        stretched = round(self.settings.rows_per_epoch * self.settings.augmented_share)
        stretched = min(stretched, len(self.rows) - self.real)
        real = min(self.settings.rows_per_epoch - stretched, self.real)
        drawn = np.concatenate(
            [
                self.random.choice(self.real, real, replace=False),
                self.real + self.random.choice(len(self.rows) - self.real, stretched, replace=False),
            ]
        )
        self.random.shuffle(drawn)
        return [drawn[i : i + self.settings.batch] for i in range(0, len(drawn), self.settings.batch)]

    def _learn(self, batch: NDArray[np.intp]) -> float:
        rows = self.rows.take(batch)
        text, present = self._texts(rows.case)
        members = self.model.each(*_series(rows), text, present)
        soft = self.soft.take(batch)
        losses = [self._loss(answer, rows, soft) for _, answer in members]
        losses += [self._misread(n, token, soft) for n, (token, _) in enumerate(members)]
        loss = torch.stack(losses).sum()
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.gradient_limit)
        self.optimizer.step()
        if self.step < self.steps:
            self.schedule.step()
        self._average()
        return float(loss.detach()) / len(members)

    def _texts(self, case: NDArray[np.int32]) -> tuple[Tensor, Tensor]:
        """Give one variant's summaries for each row, some with no text at all."""
        which = torch.from_numpy(case).long() * VARIANTS + torch.randint(VARIANTS, (len(case),))
        shown = (torch.rand(len(case)) >= self.settings.text_dropout).float()[:, None]
        text = self.text[which] * shown[..., None]
        blur = 1 + self.settings.text_noise * torch.randn(text.shape)
        return text * blur, self.present[which] * shown

    def _loss(self, answer: Answer, rows: Rows, soft: SoftTargets) -> Tensor:
        logits, quantiles, _ = answer
        labels, future = torch.from_numpy(rows.labels), torch.from_numpy(rows.future)
        share = self.settings.distilled_share
        distilled = cross_entropy(logits, torch.from_numpy(soft.risk))
        risk = (1 - share) * cross_entropy(logits, labels) + share * distilled
        forecast = pinball(quantiles, future)
        if soft.quantiles is not None:
            told = mean_distance(quantiles, torch.from_numpy(soft.quantiles), torch.abs)
            forecast = (1 - share) * forecast + share * told
        return risk + self.settings.quantile_weight * forecast

    def _misread(self, member: int, token: Tensor, soft: SoftTargets) -> Tensor:
        """Give how far a member's token is from telling the teachers' features; 0 where they give none."""
        if soft.features is None:
            return torch.zeros(())
        told = torch.from_numpy(soft.features)
        return self.settings.feature_weight * mean_distance(self.readers[member](token), told, torch.square)

    def _readers(self) -> nn.ModuleList:
        """Give what reads the teachers' features off each member's token; in training alone."""
        if self.soft.features is None:
            return nn.ModuleList()
        shape = self.model.settings
        return nn.ModuleList(
            nn.Linear(shape.width, self.soft.features.shape[1]) for _ in range(shape.members)
        )

    def _average(self) -> None:
        self.step += 1
        decay = min(self.settings.averaging, self.step / (self.step + EMA_WARM_UP))
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                if name in self.average:
                    self.average[name].lerp_(parameter, 1 - decay)


def _series(rows: Rows) -> tuple[Tensor, Tensor, Tensor]:
    return torch.from_numpy(rows.series), torch.from_numpy(rows.mask), torch.from_numpy(rows.trend)


def _decayed(learned: list[tuple[str, nn.Parameter]], settings: TrainSettings) -> list[dict[str, Any]]:
    matrices = [p for _, p in learned if p.ndim > 1]
    vectors = [p for _, p in learned if p.ndim <= 1]
    return [
        {"params": matrices, "weight_decay": settings.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]


def _settled(soft: SoftTargets) -> SoftTargets:
    """Give the targets with each feature standardized, so that none outweighs the others."""
    if soft.features is None:
        return soft
    mean, sd = np.nanmean(soft.features, axis=0), np.nanstd(soft.features, axis=0) + 1e-6
    return replace(soft, features=((soft.features - mean) / sd).astype(np.float32))
