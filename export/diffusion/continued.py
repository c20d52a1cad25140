"""Cases whose course is made from some column on -> Rows: the bedside's own timeline, the shared event rule.

In: cases, and for each made course the case that it continues, the column at which it begins, and its MAP: a
window and the 15 min that follow. Out: one row per course, at its window's end, of the real history and the
made course together: the window from runtime.timeline, the features from runtime.tokens, the label from
calibration.landmarks. A course whose window does not end in an eligible landmark gives no row.

As export.rows, but a history is played once for all the courses that continue it, and stopped at one moment.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from barocast.calibration.landmarks import find_landmarks
from barocast.export.rows import FUTURE_SAMPLES, FUTURE_STEPS, MODEL_CHANNELS, NO_TEXT, Rows
from barocast.runtime.domain import Abstain, Sample
from barocast.runtime.timeline import STEP_S, WINDOW_STEPS, Timeline
from barocast.runtime.tokens import to_model_input

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from barocast.export.cohort import Case
    from barocast.runtime.domain import ModelInput


@dataclass(frozen=True, slots=True)
class Courses:
    """Made courses, n in all."""

    case: NDArray[Any]
    """(n,) index into the list of cases."""
    start: NDArray[Any]
    """(n,) column of the case's grid from which the course takes the place of what was measured."""
    mmhg: NDArray[Any]
    """(n, STRETCH_STEPS) NaN where missing."""


def continued(cases: Sequence[Case], courses: Courses) -> Rows:
    """Give the rows of the courses that end in an eligible landmark, in the courses' order."""
    found: dict[int, tuple[ModelInput, NDArray[np.float64]]] = {}
    for number in np.unique(courses.case):
        found |= _of_case(cases[number].map_mmhg, courses, np.flatnonzero(courses.case == number))
    which = np.array(sorted(found), dtype=np.intp)
    return _rows([found[index] for index in which], courses, which)


def _of_case(
    map_mmhg: NDArray[np.float64], courses: Courses, which: NDArray[np.intp]
) -> dict[int, tuple[ModelInput, NDArray[np.float64]]]:
    """Give the input and the labels of each eligible course of one case."""
    timeline, played, found = Timeline(MODEL_CHANNELS), 0, {}
    for index in which[np.argsort(courses.start[which], kind="stable")].tolist():
        start, made = int(courses.start[index]), courses.mmhg[index].astype(np.float64)
        landmarks = find_landmarks(np.concatenate([map_mmhg[:start], made]), STEP_S)
        here = np.flatnonzero(landmarks.at == start + WINDOW_STEPS - 1)
        if here.size:
            _play(timeline, map_mmhg[played:start], played)
            played = start
            found[index] = (_input(timeline, made[:WINDOW_STEPS], start), landmarks.labels[here[0]])
    return found


def _input(history: Timeline, window: NDArray[np.float64], start: int) -> ModelInput:
    timeline = copy.deepcopy(history)
    _play(timeline, window, start)
    seen = timeline.window((start + WINDOW_STEPS - 1) * STEP_S)
    if isinstance(seen, Abstain):
        raise RuntimeError(  # noqa: TRY004 no type is wrong: two rules that must agree do not
            f"a made course from column {start} is an eligible landmark, yet {seen.reason}"
        )
    return to_model_input(seen, NO_TEXT)


def _play(timeline: Timeline, mmhg: NDArray[np.float64], first: int) -> None:
    for column, value in enumerate(mmhg.tolist(), first):
        valid = not math.isnan(value)
        timeline.take((Sample("ABP_MEAN", "made", column * STEP_S, value, "mmHg", valid=valid),))


def _rows(
    found: Sequence[tuple[ModelInput, NDArray[np.float64]]], courses: Courses, which: NDArray[np.intp]
) -> Rows:
    inputs, channels = [given for given, _ in found], len(MODEL_CHANNELS)
    steps = courses.mmhg[which, WINDOW_STEPS:].reshape(-1, FUTURE_STEPS, FUTURE_SAMPLES)
    seen = np.isfinite(steps)
    with np.errstate(invalid="ignore"):
        future = np.where(seen, steps, 0).sum(axis=-1) / seen.sum(axis=-1)
    return Rows(
        series=np.array([given.series[0] for given in inputs], np.float32).reshape(
            -1, channels, WINDOW_STEPS
        ),
        mask=np.array([given.mask[0] for given in inputs], np.float32).reshape(-1, channels, WINDOW_STEPS),
        trend=np.array([given.trend[0] for given in inputs], np.float32),
        labels=np.array([labels for _, labels in found], np.float32),
        future=future.astype(np.float32),
        case=courses.case[which].astype(np.int32),
        at=(courses.start[which] + WINDOW_STEPS - 1).astype(np.int32),
    )
