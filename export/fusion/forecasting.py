"""A taught network and rows -> its answers as arrays, batch by batch."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

import torch

from barocast.export.fusion.lesson import with_channels
from barocast.export.fusion.network import TeacherAnswer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from barocast.export.fusion.network import Teacher
    from barocast.export.fusion.paper import PaperTeacher
    from barocast.export.rows import Rows

PREDICT_BATCH: Final = 512


@dataclass(frozen=True, slots=True)
class Forecasts:
    """TeacherAnswer as arrays, for n rows."""

    logits: NDArray[np.float32]
    quantiles: NDArray[np.float32]
    gates: NDArray[np.float32]
    features: NDArray[np.float32]
    outcomes: NDArray[np.float32]


def predict(model: Teacher | PaperTeacher, rows: Rows, texts: NDArray[np.int64]) -> Forecasts:
    """Answer for one or more rows whose `case` numbers `texts` (case, text tokens); leave eval mode on.

    Rows that stand together mostly share a patient, and equal texts of a batch are read once.
    """
    model.eval()
    rows = with_channels(rows, model.settings.channels)
    starts = range(0, len(rows), PREDICT_BATCH)
    answers = [_answer(model, rows, texts, slice(start, start + PREDICT_BATCH)) for start in starts]
    parts = ([getattr(answer, field.name) for answer in answers] for field in fields(TeacherAnswer))
    return Forecasts(*(torch.cat(part).float().cpu().numpy() for part in parts))


@torch.no_grad()
def _answer(
    model: Teacher | PaperTeacher, rows: Rows, texts: NDArray[np.int64], part: slice
) -> TeacherAnswer:
    device = next(model.parameters()).device
    arrays = (rows.series[part], rows.mask[part], rows.trend[part], texts[rows.case[part]])
    answer: TeacherAnswer = model(*(torch.from_numpy(array).to(device) for array in arrays))
    return answer
