"""Made-up windows with the graph's own answers: what a device must reproduce before the model is used.

No patient is in here: the pressures are drawn, the patients are invented. The first windows are sanity
vectors whose order is known to any clinician: a high and steady pressure, one that falls towards 65
mmHg, one that lies just above it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.export.graphs.running import Running, shapes
from barocast.export.graphs.split import INPUTS, OUTPUTS
from barocast.export.rows import MODEL_CHANNELS
from barocast.runtime.domain import Abstain, Patient, Sample
from barocast.runtime.prompt import describe
from barocast.runtime.timeline import STEP_S, Timeline
from barocast.runtime.tokens import text_ids, to_model_input

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from barocast.export.graphs.to_onnx import Graphs
    from barocast.runtime.domain import ModelInput
    from barocast.runtime.text_tokens import Tokenizer

ANSWERS: Final = 32
MINUTES: Final = 30
TOLERANCE: Final = 0.02
"""Of a calibrated probability: kernels of other processors round int8 products differently."""
STEADY, FALLING, LOW = range(3)
"""Rows of the sanity vectors."""
INVENTED: Final = (
    Patient(),
    Patient(age_years=34, sex="F", height_cm=168, weight_kg=60, asa=1, emergency=False),
    Patient(
        age_years=78,
        sex="M",
        asa=3,
        emergency=True,
        department="General surgery",
        procedure="Exploratory laparotomy",
        history=("diabetes", "hypertension"),
        labs=(("albumin_g_dl", 2.9), ("hb_g_dl", 9.1)),
    ),
    Patient(notes=(("assessment", "frail, poor intake for a week"),)),
)


def known_answers(graphs: Graphs, tokenizer: Tokenizer, seed: int = 0) -> dict[str, NDArray[Any]]:
    """Give inputs and outputs by name, each (ANSWERS, ...)."""
    tokens = shapes(graphs)["text"][1]
    given = [_model_input(series, row, tokenizer, tokens) for row, series in enumerate(_made_up(seed))]
    running = Running(graphs)
    answers = [running(*(getattr(g, name) for name in INPUTS)) for g in given]
    inputs = {name: np.concatenate([getattr(g, name) for g in given]) for name in INPUTS}
    return inputs | {
        name: np.concatenate(parts) for name, parts in zip(OUTPUTS, zip(*answers, strict=True), strict=True)
    }


def sane(answers: dict[str, NDArray[Any]]) -> bool:
    """Say whether risk rises from a steady to a falling and to a low pressure, at every horizon."""
    logits = answers["logits"]
    return bool((logits[STEADY] < logits[FALLING]).all() and (logits[STEADY] < logits[LOW]).all())


def _made_up(seed: int) -> list[NDArray[np.float64]]:
    random = np.random.default_rng(seed)
    steps = round(MINUTES * 60 / STEP_S)
    fall = np.concatenate([np.full(steps - 30, 84.0), np.linspace(84, 67, 30)])
    series = [np.full(steps, 95.0), fall, np.full(steps, 67.0) + random.normal(0, 0.5, steps)]
    while len(series) < ANSWERS:
        walk = random.uniform(66, 100) + np.cumsum(random.normal(0, random.uniform(0.2, 1.5), steps))
        walk = np.clip(walk, 45, 150)
        walk[: steps - 6][random.random(steps - 6) < random.choice([0, 0.1])] = np.nan
        series.append(walk)
    return series


def _model_input(series: NDArray[np.float64], row: int, tokenizer: Tokenizer, tokens: int) -> ModelInput:
    timeline = Timeline(MODEL_CHANNELS)
    for column, mmhg in enumerate(series.tolist()):
        timeline.take((Sample("ABP_MEAN", "made up", column * STEP_S, mmhg, "mmHg", valid=mmhg > 0),))
    window = timeline.window((series.size - 1) * STEP_S)
    if isinstance(window, Abstain):
        raise RuntimeError(f"made-up window {row}: {window.reason}")  # noqa: TRY004 the drawing is at fault
    return to_model_input(window, text_ids(describe(INVENTED[row % len(INVENTED)]), tokenizer, tokens))
