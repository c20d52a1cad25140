"""Hypotensive events in a MAP series: the one definition, used in training, validation and at the bedside.

In: MAP on an even grid, mmHg, NaN = missing. Out: events as index ranges, in order.

A run of MAP < 65 mmHg lasting at least 60 s is an event; one missing sample inside it is bridged;
events less than 120 s apart are one. The onset is the first low sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class EventRule:
    """What counts as hypotension. A bundle's manifest carries these four figures."""

    below_mmhg: float = 65.0
    lasting_s: float = 60.0
    bridged_samples: int = 1
    merged_within_s: float = 120.0


HYPOTENSION = EventRule()


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of samples, `start` inclusive, `stop` exclusive."""

    start: int
    stop: int


def find_events(
    map_mmhg: NDArray[np.floating[Any]], step_s: float, rule: EventRule = HYPOTENSION
) -> list[Span]:
    """Give the events of a series (n,) on a grid of `step_s` seconds."""
    low = _bridged(map_mmhg, rule)
    runs = [run for run in _runs(low) if (run.stop - run.start) * step_s >= rule.lasting_s]
    return _merged(runs, rule.merged_within_s / step_s)


def _bridged(map_mmhg: NDArray[np.floating[Any]], rule: EventRule) -> NDArray[np.bool_]:
    low = np.asarray(map_mmhg < rule.below_mmhg)
    for gap in _runs(np.isnan(map_mmhg)):
        inside = gap.start > 0 and gap.stop < low.size
        if inside and gap.stop - gap.start <= rule.bridged_samples and low[gap.start - 1] and low[gap.stop]:
            low[gap.start : gap.stop] = True
    return low


def _runs(flags: NDArray[np.bool_]) -> list[Span]:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return [Span(int(start), int(stop)) for start, stop in zip(edges[::2], edges[1::2], strict=True)]


def _merged(runs: list[Span], within: float) -> list[Span]:
    merged: list[Span] = []
    for run in runs:
        if merged and run.start - merged[-1].stop < within:
            merged[-1] = Span(merged[-1].start, run.stop)
        else:
            merged.append(run)
    return merged
