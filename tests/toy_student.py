"""A small student: what it is made of, and one that was drawn instead of taught."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from barocast.export.checkpoint import Origin, save_student
from barocast.export.model import Model, ModelSettings, Scaling
from barocast.export.recipe import Recipe, Taught
from barocast.export.teacher import TeacherSettings
from barocast.export.text_encoder import TextEncoder
from barocast.export.texts import PretrainingSettings
from barocast.export.tokenizer import train_tokenizer
from barocast.export.train import TrainSettings
from barocast.runtime import wordpiece

if TYPE_CHECKING:
    from pathlib import Path

SMALL = Recipe(
    network=ModelSettings(width=16, heads=2, layers=1, members=1),
    training=TrainSettings(epochs=4, rows_per_epoch=2000, batch=100, learning_rate=5e-3, averaging=0.9),
    teacher=TeacherSettings(folds=2, trees=10),
    text=PretrainingSettings(epochs=1),
)


def drawn(seed: int = 0) -> Taught:
    """Every weight drawn, as if it had been taught."""
    torch.manual_seed(seed)
    tokenizer_json = train_tokenizer(["age: 60 years\nasa: 2"] * 2)
    rest = torch.tensor([-6.0, 0.0, 6.0])[:, None].repeat(1, 30)
    scaling = Scaling(torch.full((7, 6), 70.0), torch.full((7, 6), 20.0), rest, (-2.7, -2.0, -1.7))
    encoder = TextEncoder(len(wordpiece.load(tokenizer_json).vocabulary), SMALL.text.width)
    model = Model(SMALL.network, scaling, encoder)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return Taught(model.eval(), tokenizer_json)


def toy_student(folder: Path) -> Path:
    """Keep a drawn one as `train student` would."""
    taught_by = {"source": "a toy", "roles": ["train"], "patients": 1, "cases": 1, "rows": 1}
    save_student(drawn(), Origin(SMALL, "toy", taught_by, {"Python": "3"}), folder)
    return folder
