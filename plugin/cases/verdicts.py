"""What became of each alarm, and which events had one before them: the evaluation's own rule on one case.

In: the case's MAP, (n,) on an even grid, and the seconds of its alarms on the same axis (column i ends at
i * step_s). Out: a Verdict an alarm, a Fall an event. Events, quiet time and the least share of valid
MAP are calibration's; so is the rule that an alarm is true when an onset lies within the horizon after it and
counts for the first such onset only.

Nobody here knows what was done: a fall that was treated in time and one that would not have come look alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from barocast.calibration.events import HYPOTENSION, find_events
from barocast.calibration.landmarks import MIN_VALID_SHARE, QUIET_S, ROUNDING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from barocast.calibration.events import Span
    from barocast.runtime.domain import Floats


class Fate(str, Enum):
    """What followed an alarm. The text is what a page says."""

    FOLLOWED = "followed by hypotension"
    NOT_FOLLOWED = "not followed by hypotension"
    LATE = "raised as hypotension began"
    HYPOTENSIVE = "raised during hypotension or within 2 min of it"
    UNKNOWN = "not known"

    def __str__(self) -> str:
        """Print the words, on every Python alike."""
        return self.value


@dataclass(frozen=True, slots=True)
class Verdict:
    """One alarm and what followed."""

    t_s: float
    fate: Fate
    lead_s: float | None = None
    """To the onset that followed."""


@dataclass(frozen=True, slots=True)
class Fall:
    """One event."""

    start_s: float
    """Its onset."""
    end_s: float
    lowest_mmhg: float
    lead_s: float | None
    """From the earliest alarm that counts for it; None: no alarm preceded it."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A case's alarms and events, each in order."""

    verdicts: tuple[Verdict, ...]
    falls: tuple[Fall, ...]


def judge(map_mmhg: Floats, step_s: float, alarms_s: Sequence[float], horizon_s: float) -> Judgement:
    """Put alarms and events side by side."""
    events = find_events(map_mmhg, step_s)
    verdicts = tuple(_verdict(t_s, map_mmhg, step_s, events, horizon_s) for t_s in sorted(alarms_s))
    leads: dict[float, float] = {}
    for verdict in verdicts:
        if verdict.lead_s is not None:
            leads.setdefault(verdict.t_s + verdict.lead_s, verdict.lead_s)
    return Judgement(verdicts, tuple(_fall(event, map_mmhg, step_s, leads) for event in events))


def _verdict(
    t_s: float, map_mmhg: Floats, step_s: float, events: Sequence[Span], horizon_s: float
) -> Verdict:
    for event in events:
        start_s, end_s = event.start * step_s, event.stop * step_s
        if start_s <= t_s < end_s + QUIET_S:
            return Verdict(t_s, Fate.LATE if t_s < start_s + HYPOTENSION.lasting_s else Fate.HYPOTENSIVE)
        if t_s < start_s <= t_s + horizon_s:
            return Verdict(t_s, Fate.FOLLOWED, start_s - t_s)
    return Verdict(t_s, _unfollowed(t_s, map_mmhg, step_s, horizon_s))


def _unfollowed(t_s: float, map_mmhg: Floats, step_s: float, horizon_s: float) -> Fate:
    """Tell an alarm that nothing followed from one whose horizon is not over, or was hardly measured."""
    at, ahead = math.floor(t_s / step_s), round(horizon_s / step_s)
    future = map_mmhg[max(at + 1, 0) : at + 1 + ahead]
    over = at + ahead < map_mmhg.size
    seen = np.isfinite(future).sum() / ahead >= MIN_VALID_SHARE - ROUNDING
    return Fate.NOT_FOLLOWED if over and seen else Fate.UNKNOWN


def _fall(event: Span, map_mmhg: Floats, step_s: float, leads: dict[float, float]) -> Fall:
    start_s = event.start * step_s
    lead_s = next((lead for onset, lead in leads.items() if math.isclose(onset, start_s)), None)
    lowest = float(np.nanmin(map_mmhg[event.start : event.stop]))
    return Fall(start_s, event.stop * step_s, lowest, lead_s)
