"""One case through the bedside's own pipeline: what it said every 30 s, and the MAP that it said it of.

In: a StudyCase, a bundle and its engine. Out: Played. Nothing here knows of labels: the forecasts are made
first, from events in their order, exactly as a bed would make them, and judged afterwards.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration.landmarks import EVERY_S, find_all_windows, find_landmarks
from barocast.runtime.domain import HORIZONS_MIN, Abstain, Fault, Risk
from barocast.runtime.pipeline import Pipeline
from barocast.runtime.timeline import STEP_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from barocast.runtime.bundle import Bundle
    from barocast.runtime.domain import Decision, Event, Patient
    from barocast.runtime.engines import Engine

MAP: Final = "ABP_MEAN"
COLUMNS_PER_LANDMARK: Final = round(EVERY_S / STEP_S)
FUTURE_S: Final = 900.0
NEVER_S: Final = 1e12
"""Between decisions of a case that nobody asks about: none falls due in it."""


@dataclass(frozen=True, slots=True)
class Played:
    """One case, and what the pipeline made of it at its eligible landmarks (n of them)."""

    map_mmhg: NDArray[np.float64]
    """(m,) on the 10 s grid, from a multiple of 30 s on: what the pipeline itself saw as MAP."""
    started_s: float
    """Device time of the first column."""
    at: NDArray[np.intp]
    """(n,) column of each landmark."""
    labels: NDArray[np.float64]
    """(n, horizon) 1, 0 or NaN."""
    p: NDArray[np.float64]
    """(n, horizon); NaN where there was no forecast."""
    quantiles: NDArray[np.float64]
    """(n, 3, step) mmHg; NaN likewise."""
    future: NDArray[np.float64]
    """(n, step) mmHg."""
    now: NDArray[np.float64]
    """(n,) mean MAP of the last 30 s, mmHg."""
    window_labels: NDArray[np.float64]
    """(k, horizon) of every moment with enough history, hypotensive ones included."""
    window_p: NDArray[np.float64]
    """(k, horizon) likewise; NaN where there was no forecast."""
    unanswered: dict[str, int]
    """Reason -> landmarks that got no forecast."""
    forgotten: int = 0
    """Decisions before a gap or a set clock began the case anew: heard, and not judged."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the pipeline said of a case, before anybody judged it."""

    started_s: float
    """Device time of the first column on which a decision may fall."""
    map_mmhg: NDArray[np.float64]
    """(m,) the MAP that the pipeline saw, on the 10 s grid from `started_s`."""
    decisions: Mapping[float, Decision]
    """By device time."""
    steps: int
    """Of the MAP forecast."""
    forgotten: int = 0
    """Decisions of the time before a gap or a set clock began the case anew."""


def listen(
    events: Iterable[Iterable[Event]],
    patient: Patient,
    bundle: Bundle,
    engine: Engine,
    every_s: float = EVERY_S,
) -> Said:
    """Play batches of events, in order of time."""
    pipeline = Pipeline(bundle, engine, patient, every_s)
    decisions: list[Decision] = []
    for batch in events:
        decisions += pipeline.feed(batch)
    decisions += pipeline.finish()
    started_s, columns = _grid(pipeline)
    kept = _since(decisions, started_s)
    steps, forgotten = len(bundle.manifest.forecast_minutes), len(decisions) - len(kept)
    return Said(started_s, columns, {decision.t_s: decision for decision in kept}, steps, forgotten)


def judge(said: Said, truth: Said | None = None) -> Played:
    """Put the decisions beside what followed in `truth`: the same case, where `said` heard a damaged one."""
    true = truth or said
    landmarks, windows = (find(true.map_mmhg, STEP_S) for find in (find_landmarks, find_all_windows))
    at, steps = landmarks.at, said.steps
    decided = _decided(said, true.started_s, at)
    empty = np.full((3, steps), np.nan)
    return Played(
        map_mmhg=true.map_mmhg,
        started_s=true.started_s,
        at=at,
        labels=landmarks.labels,
        p=_risks(decided),
        quantiles=_stack([_quantiles(d) if isinstance(d, Risk) else empty for d in decided], empty.shape),
        future=following(true.map_mmhg, at, steps),
        now=_now(true.map_mmhg, at),
        window_labels=windows.labels,
        window_p=_risks(_decided(said, true.started_s, windows.at)),
        unanswered=_reasons(decided),
        forgotten=said.forgotten,
    )


def following(map_mmhg: NDArray[np.float64], at: NDArray[np.intp], steps: int) -> NDArray[np.float64]:
    """Give (n, steps): the mean of the valid MAP in each step of the 15 min after `at`."""
    ahead = round(FUTURE_S / STEP_S)
    padded = np.concatenate([map_mmhg, np.full(ahead, np.nan)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, ahead)[at + 1]
    return _mean(windows.reshape(at.size, steps, ahead // steps))


def _now(map_mmhg: NDArray[np.float64], at: NDArray[np.intp]) -> NDArray[np.float64]:
    if not at.size:
        return np.empty(0)
    windows = np.lib.stride_tricks.sliding_window_view(map_mmhg, COLUMNS_PER_LANDMARK)
    return _mean(windows[at + 1 - COLUMNS_PER_LANDMARK])


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    seen = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(seen, values, 0).sum(-1) / seen.sum(-1))


def _grid(pipeline: Pipeline) -> tuple[float, NDArray[np.float64]]:
    """Give the MAP that the pipeline saw, from the first column on which a decision may fall."""
    first_s, columns = pipeline.timeline.case(MAP)
    skip = round((math.ceil(first_s / EVERY_S) * EVERY_S - first_s) / STEP_S)
    return first_s + skip * STEP_S, columns[skip:]


def _since(decisions: list[Decision], started_s: float) -> list[Decision]:
    """Give those of the case as it ended: times rise within a case, and none of it lies before its start."""
    kept: list[Decision] = []
    for decision in reversed(decisions):
        if decision.t_s < started_s or (kept and decision.t_s >= kept[-1].t_s):
            break
        kept.append(decision)
    return kept[::-1]


def _decided(said: Said, started_s: float, at: NDArray[np.intp]) -> list[Decision | None]:
    return [said.decisions.get(started_s + column * STEP_S) for column in at.tolist()]


def _risks(decided: list[Decision | None]) -> NDArray[np.float64]:
    unknown = (np.nan,) * len(HORIZONS_MIN)
    return _stack([one.p if isinstance(one, Risk) else unknown for one in decided], (len(unknown),))


def _quantiles(risk: Risk) -> NDArray[np.float64]:
    return np.stack([risk.forecast.q10, risk.forecast.q50, risk.forecast.q90])


def _reasons(said: list[Decision | None]) -> dict[str, int]:
    reasons: dict[str, int] = {}
    for decision in said:
        if not isinstance(decision, Risk):
            word = decision.reason.split(":")[0] if isinstance(decision, Abstain | Fault) else "no decision"
            reasons[word] = reasons.get(word, 0) + 1
    return reasons


def _stack(rows: list[Any], shape: tuple[int, ...]) -> NDArray[np.float64]:
    return np.array(rows, dtype=np.float64).reshape(len(rows), *shape)
