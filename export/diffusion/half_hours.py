"""Cases -> half hours around landmarks: what the diffusions learn from, and what made windows are put after.

In: cases. Out: one `HalfHours` of every eligible landmark that has 15 min of grid behind and ahead, with what
came true: minutes until the next onset by the shared event rule, or none within 15 min. A half hour whose
label is unknown is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration.events import find_events
from barocast.calibration.landmarks import find_landmarks
from barocast.runtime.timeline import CURRENT_S, STEP_S, WINDOW_STEPS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from barocast.export.cohort import Case

AHEAD_STEPS: Final = WINDOW_STEPS
"""The longest horizon, 15 min, is as long as the window."""
STRETCH_STEPS: Final = WINDOW_STEPS + AHEAD_STEPS
CURRENT_STEPS: Final = round(CURRENT_S / STEP_S)


@dataclass(frozen=True, slots=True)
class HalfHours:
    """Windows with what followed, n in all, case by case."""

    mmhg: NDArray[np.float32]
    """(n, STRETCH_STEPS) NaN where missing; the landmark is column WINDOW_STEPS - 1."""
    minutes: NDArray[np.float32]
    """(n,) until the onset, NaN where none came."""
    level: NDArray[np.float32]
    """(n,) MAP now: mean of the last 30 s, mmHg."""
    before: NDArray[np.float32]
    """(n,) MAP of the 30 s before the window, mmHg; NaN where none was measured."""
    onset: NDArray[np.int32]
    """(n,) column of the case's grid, -1 where none came."""
    case: NDArray[np.int32]
    """(n,) index into the list of cases."""
    start: NDArray[np.int32]
    """(n,) column of the case's grid at which the window begins."""

    def __len__(self) -> int:
        return len(self.case)

    def take(self, which: NDArray[Any]) -> HalfHours:
        """Give the half hours of an index or a mask."""
        return HalfHours(*(getattr(self, field.name)[which] for field in fields(HalfHours)))

    @property
    def falls(self) -> NDArray[np.bool_]:
        """(n,) whether an onset came."""
        return np.isfinite(self.minutes)

    @property
    def distinct_falls(self) -> int:
        """Onsets, each counted once however many landmarks it followed."""
        fell = self.falls
        return len(np.unique(np.stack([self.case[fell], self.onset[fell]]), axis=1).T)


def half_hours(cases: Sequence[Case]) -> HalfHours:
    """Give every half hour of the cases, numbered in their order."""
    parts = [_of_case(case.map_mmhg, number) for number, case in enumerate(cases)]
    return HalfHours(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(HalfHours)))


def filled(mmhg: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give (n, time) with straight lines over the gaps: for learning shapes, never for a row."""
    at = np.arange(mmhg.shape[1])
    seen = np.isfinite(mmhg)
    return np.stack([np.interp(at, at[s], m[s]) for m, s in zip(mmhg, seen, strict=True)]).astype(np.float32)


def _of_case(map_mmhg: NDArray[np.float64], number: int) -> HalfHours:
    landmarks = find_landmarks(map_mmhg, STEP_S)
    whole = (landmarks.at + AHEAD_STEPS < map_mmhg.size) & np.isfinite(landmarks.labels[:, -1])
    at, fell = landmarks.at[whole], landmarks.labels[whole, -1] == 1
    onset = _next_onset(map_mmhg, at)
    start = at + 1 - WINDOW_STEPS
    edged = np.concatenate([np.full(CURRENT_STEPS, np.nan), map_mmhg, np.full(STRETCH_STEPS, np.nan)])
    rows = np.lib.stride_tricks.sliding_window_view(edged, CURRENT_STEPS + STRETCH_STEPS)[start]
    mmhg = rows[:, CURRENT_STEPS:].astype(np.float32)
    return HalfHours(
        mmhg=mmhg,
        minutes=np.where(fell, (onset - at) * STEP_S / 60, np.nan).astype(np.float32),
        level=_mean(mmhg[:, WINDOW_STEPS - CURRENT_STEPS : WINDOW_STEPS]),
        before=_mean(rows[:, :CURRENT_STEPS].astype(np.float32)),
        onset=np.where(fell, onset, -1).astype(np.int32),
        case=np.full(at.size, number, dtype=np.int32),
        start=start.astype(np.int32),
    )


def _next_onset(map_mmhg: NDArray[np.float64], at: NDArray[np.intp]) -> NDArray[np.intp]:
    """Give the first onset after each column; the grid's end and more where there is none."""
    onsets = np.array([*(event.start for event in find_events(map_mmhg, STEP_S)), map_mmhg.size])
    return onsets[np.minimum(np.searchsorted(onsets, at, side="right"), onsets.size - 1)]


def _mean(mmhg: NDArray[np.float32]) -> NDArray[np.float32]:
    seen = np.isfinite(mmhg)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(seen, mmhg, 0).sum(axis=1) / seen.sum(axis=1), dtype=np.float32)
