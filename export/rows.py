"""Cases -> rows: one per landmark, made by the bedside's own timeline and tokens.

In: cases. Out: Rows, the arrays that a graph takes, with labels and the MAP that followed. The window
comes from runtime.timeline and the features from runtime.tokens, so that training can see nothing
that the bedside would not have seen at that moment.

Few patients have many falls. `STRETCHES` makes new ones: a case is shifted or stretched as a whole and
its events are found anew, so that the same shapes of curve meet the threshold elsewhere.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration.landmarks import find_landmarks
from barocast.export.provenance import digest, source
from barocast.runtime.domain import Abstain, Sample
from barocast.runtime.timeline import STEP_S, WINDOW_STEPS, Timeline
from barocast.runtime.tokens import TEXT_TOKENS, TREND_FEATURES, TREND_MINUTES, to_model_input
from barocast.runtime.tracks import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from barocast.export.cohort import Case
    from barocast.runtime.domain import Window

MODEL_CHANNELS: Final = ("ABP_MEAN",)
"""What the model reads: the only channel that the cohort holds for every patient."""
FUTURE_STEPS: Final = 30
FUTURE_SAMPLES: Final = 3
"""Samples of 10 s in one step of the forecast."""
NO_TEXT: Final = np.zeros(TEXT_TOKENS, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A whole case, moved and stretched about its own median."""

    shift_mmhg: float
    scale: float = 1.0


STRETCHES: Final = (
    *(Stretch(shift) for shift in (-12.0, -8.0, -6.0, -4.0, -2.0, 2.0, 4.0, 6.0, 8.0, 12.0)),
    *(Stretch(shift, 0.75) for shift in (-4.0, 0.0)),
    *(Stretch(shift, 1.3) for shift in (-6.0, 0.0, 4.0)),
)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of many cases, n in all."""

    series: NDArray[np.float32]
    """(n, channel, time), as ModelInput."""
    mask: NDArray[np.float32]
    """(n, channel, time), as ModelInput."""
    trend: NDArray[np.float32]
    """(n, scale, feature), as ModelInput."""
    labels: NDArray[np.float32]
    """(n, horizon) 1, 0 or NaN."""
    future: NDArray[np.float32]
    """(n, step) mean MAP of each 30 s ahead, mmHg, NaN where missing."""
    case: NDArray[np.int32]
    """(n,) index into the list of cases."""
    at: NDArray[np.int32]
    """(n,) column of the case's grid."""

    def __len__(self) -> int:
        return len(self.case)

    def take(self, which: NDArray[Any]) -> Rows:
        """Give the rows of an index or a mask."""
        return Rows(*(getattr(self, field.name)[which] for field in fields(Rows)))


def join(parts: Sequence[Rows]) -> Rows:
    """Put rows of several sources together."""
    return Rows(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Rows)))


def make_rows(cases: Sequence[Case], *, every: int = 1) -> Rows:
    """Give the rows of every `every`-th eligible landmark, cases numbered in their order."""
    return join([_rows_of(case, number, every) for number, case in enumerate(cases)])


def augment(cases: Sequence[Case], *, every: int = 2) -> Rows:
    """Give rows of every case in every STRETCHES; `case` numbers the unstretched list."""
    return join([make_rows([stretched(case, s) for case in cases], every=every) for s in STRETCHES])


def stretched(case: Case, stretch: Stretch) -> Case:
    """Give the case moved and stretched; what leaves the plausible range is missing.

    It stays the same patient: rows carry the case's number, and texts are looked up by it, so that a
    stretched copy is learned with its own patient's text.
    """
    middle = np.nanmedian(case.map_mmhg)
    moved = middle + stretch.scale * (case.map_mmhg - middle) + stretch.shift_mmhg
    track = CHANNELS["ABP_MEAN"]
    outside = (moved < track.low) | (moved > track.high)
    return replace(case, map_mmhg=np.where(outside, np.nan, moved))


def rows_key(cases: Sequence[Case]) -> str:
    """Give a short name of exactly these series and the code that makes rows of them."""
    series = [[case.case_id, {name: _sha256(of) for name, of in case.channels.items()}] for case in cases]
    return digest([series, source("export.rows")])


def _sha256(values: NDArray[np.float64]) -> str:
    return hashlib.sha256(values.tobytes()).hexdigest()


def load_or_make(work: Path, cases: Sequence[Case], *, augmented: bool) -> Rows:
    """Read rows that an earlier run of the same cases and code left in `work`, or make and leave them."""
    path = work / f"{'stretched' if augmented else 'rows'}-{rows_key(cases)}.npz"
    if path.is_file():
        with np.load(path, allow_pickle=False) as archive:
            return Rows(*(archive[field.name] for field in fields(Rows)))
    rows = augment(cases) if augmented else make_rows(cases)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **{field.name: getattr(rows, field.name) for field in fields(Rows)})
    return rows


def _rows_of(case: Case, number: int, every: int) -> Rows:
    landmarks = find_landmarks(case.map_mmhg, STEP_S)
    at = landmarks.at[::every]
    inputs = [to_model_input(window, NO_TEXT) for window in _windows(case, at)]
    return Rows(
        series=_stack([given.series for given in inputs], (len(MODEL_CHANNELS), WINDOW_STEPS)),
        mask=_stack([given.mask for given in inputs], (len(MODEL_CHANNELS), WINDOW_STEPS)),
        trend=_stack([given.trend for given in inputs], (len(TREND_MINUTES) + 1, len(TREND_FEATURES))),
        labels=landmarks.labels[::every].astype(np.float32),
        future=_future(case.map_mmhg, at),
        case=np.full(at.size, number, dtype=np.int32),
        at=at.astype(np.int32),
    )


def _windows(case: Case, at: NDArray[np.intp]) -> Iterator[Window]:
    """Play the case through a timeline and stop at each column of `at`."""
    timeline, wanted = Timeline(MODEL_CHANNELS), set(at.tolist())
    for column, mmhg in enumerate(case.map_mmhg.tolist()):
        t_s = column * STEP_S
        timeline.take((Sample("ABP_MEAN", "cohort", t_s, mmhg, "mmHg", valid=not math.isnan(mmhg)),))
        if column in wanted:
            window = timeline.window(t_s)
            if isinstance(window, Abstain):
                raise RuntimeError(f"case {case.case_id} at {t_s} s: eligible, yet {window.reason}")
            yield window


def _stack(parts: Sequence[NDArray[np.float32]], shape: tuple[int, ...]) -> NDArray[np.float32]:
    return np.concatenate(parts) if parts else np.zeros((0, *shape), dtype=np.float32)


def _future(map_mmhg: NDArray[np.float64], at: NDArray[np.intp]) -> NDArray[np.float32]:
    """Give (n, FUTURE_STEPS) means of the valid samples of each step after `at`."""
    ahead = FUTURE_STEPS * FUTURE_SAMPLES
    padded = np.concatenate([map_mmhg, np.full(ahead, np.nan)])
    following = np.lib.stride_tricks.sliding_window_view(padded, ahead)[at + 1]
    steps = following.reshape(-1, FUTURE_STEPS, FUTURE_SAMPLES)
    seen = np.isfinite(steps)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(seen, steps, 0).sum(-1) / seen.sum(-1), dtype=np.float32)
