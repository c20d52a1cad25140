"""The MAP that the pipeline saw between one decision and the next: what lets a log be judged by itself.

In: the pipeline's own timeline, at the very moment of a decision. Out: Columns, the 10 s means that have
ended since the decision before it, of the same case. Put one after another they are the case's grid, without
a hole, whichever decisions came of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.runtime.timeline import CASE_LIMIT_STEPS, STEP_S

if TYPE_CHECKING:
    from barocast.runtime.domain import Floats
    from barocast.runtime.timeline import Timeline

MAP: Final = "ABP_MEAN"


@dataclass(frozen=True, slots=True)
class Columns:
    """A run of the grid."""

    first: int
    """Column i ends at i * STEP_S seconds of the device's clock."""
    mmhg: Floats
    """(n,) mean MAP of each column, NaN where nothing was measured."""

    def after(self, earlier: Columns) -> Columns:
        """Put an earlier run in front where this one goes on from it; it is another case's where not."""
        if earlier.first + earlier.mmhg.size != self.first:
            return self
        return Columns(earlier.first, np.concatenate([earlier.mmhg, self.mmhg]))


NONE: Final = Columns(0, np.empty(0))


class MapColumns:
    """Which columns have been given."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._decided_s = self._told_s = math.inf
        """Device time of the last decision on the timeline; of that or a later silence. At first: none."""

    def decided(self, t_s: float) -> Columns:
        """Give the columns since the decision before this one: all of the case where it is another."""
        found = self._since(self._decided_s, t_s) if t_s > self._decided_s else self._all(t_s)
        self._decided_s = self._told_s = t_s
        return found

    def silent(self, t_s: float) -> Columns:
        """Give the columns since whatever was told last. The next decision tells them once more: it knows."""
        found = self._since(self._told_s, t_s)
        self._told_s = t_s
        return found

    def _all(self, t_s: float) -> Columns:
        return Columns(*self._timeline.last(MAP, t_s, CASE_LIMIT_STEPS))

    def _since(self, since_s: float, t_s: float) -> Columns:
        if since_s >= t_s:
            return NONE
        steps = math.floor(t_s / STEP_S) - math.floor(since_s / STEP_S)
        return Columns(*self._timeline.last(MAP, t_s, steps))
