"""What alarms a threshold would have raised: sensitivity, lead, false alarms per hour, over patients.

In: each patient's risks at the eligible landmarks and the onsets that followed. Out: Burden, at one
operating point or over a whole sweep. The alarms come from calibration.trigger, which is what rings at
the bedside. An alarm is true when an onset follows within the horizon, and it counts for the first such
onset only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.calibration.landmarks import EVERY_S
from barocast.calibration.trigger import HYSTERESIS_MIN, Trigger, TriggerRules, advance

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

EARLY_S: Final = 300.0
"""A lead of 5 min is the least in which a clinician can act ahead."""
SWEEP: Final = tuple(round(0.06 + 0.01 * step, 2) for step in range(80))
"""Thresholds tried; each leaves room for the hysteresis below it."""


@dataclass(frozen=True, slots=True)
class RiskTrack:
    """One case as the alarm layer sees it."""

    t_s: NDArray[np.float64]
    """(n,) seconds of the eligible landmarks, rising."""
    p: NDArray[np.float64]
    """(n,) calibrated risk of the horizon that raises the alarm."""
    onsets_s: NDArray[np.float64]
    """(m,) seconds of the case's onsets."""


@dataclass(frozen=True, slots=True)
class Burden:
    """Counts over patients; the rates are derived."""

    events: int
    """Onsets with an eligible landmark in the horizon before them."""
    detected: int
    detected_early: int
    alarms: int
    false_alarms: int
    hours: float
    """Of eligible time."""
    leads_s: tuple[float, ...]
    """From the alarm to the onset, of the detected events."""
    active_hours: float = 0.0
    """Of eligible time, with an activation standing."""

    @property
    def sensitivity(self) -> float:
        """Share of events with an alarm before them."""
        return self.detected / self.events if self.events else float("nan")

    @property
    def alarms_per_hour(self) -> float:
        """Alarms per eligible hour."""
        return self.alarms / self.hours if self.hours else float("nan")

    @property
    def false_alarms_per_hour(self) -> float:
        """Alarms that no onset followed, per eligible hour."""
        return self.false_alarms / self.hours if self.hours else float("nan")

    @property
    def time_in_alarm(self) -> float:
        """Share of eligible time with an activation standing."""
        return self.active_hours / self.hours if self.hours else float("nan")

    @property
    def ppv(self) -> float:
        """Share of alarms that were true."""
        return 1 - self.false_alarms / self.alarms if self.alarms else float("nan")

    def to_dict(self) -> dict[str, float]:
        """Give the figures of a report: medians and quartiles of the lead in minutes."""
        leads = np.quantile(self.leads_s, [0.25, 0.5, 0.75]) / 60 if self.leads_s else [float("nan")] * 3
        return {
            "events": self.events,
            "event_sensitivity": self.sensitivity,
            "sensitivity_lead_5min": self.detected_early / self.events if self.events else float("nan"),
            "lead_q1_min": float(leads[0]),
            "lead_median_min": float(leads[1]),
            "lead_q3_min": float(leads[2]),
            "alarms_per_hour": self.alarms_per_hour,
            "false_alarms_per_hour": self.false_alarms_per_hour,
            "ppv": self.ppv,
            "time_in_alarm": self.time_in_alarm,
            "hours": self.hours,
        }


def burden(tracks: Iterable[RiskTrack], rules: TriggerRules, horizon_s: float) -> Burden:
    """Count what `rules` would have raised over all cases."""
    return _total([_case_burden(track, rules, horizon_s) for track in tracks])


def sweep(
    tracks: Sequence[RiskTrack], rules: TriggerRules, horizon_s: float
) -> list[tuple[TriggerRules, Burden]]:
    """Count at every threshold of SWEEP, `rules` otherwise kept."""
    points = [replace(rules, p_on=p_on, p_off=round(p_on - HYSTERESIS_MIN, 4)) for p_on in SWEEP]
    return [(point, burden(tracks, point, horizon_s)) for point in points]


def choose(
    points: Sequence[tuple[TriggerRules, Burden]], max_alarms_per_hour: float
) -> tuple[TriggerRules, Burden]:
    """Give the point of highest event sensitivity within the alarm budget; the fewer alarms where equal.

    Where no point keeps the budget, the one with the fewest alarms. Alarms are not monotonic in the
    threshold (one long activation becomes several short ones), so every point is looked at.
    """
    kept = [point for point in points if point[1].alarms_per_hour <= max_alarms_per_hour]
    if not kept:
        return min(points, key=lambda point: point[1].alarms)
    return max(kept, key=lambda point: (point[1].detected, -point[1].alarms))


def alarm_times(track: RiskTrack, rules: TriggerRules) -> list[float]:
    """Give the seconds at which the trigger fires."""
    return _rung(track, rules)[0]


def _rung(track: RiskTrack, rules: TriggerRules) -> tuple[list[float], int]:
    """Give the seconds at which the trigger fires, and how many landmarks an activation stood at."""
    trigger, times, active = Trigger(), [], 0
    for t_s, p in zip(track.t_s.tolist(), track.p.tolist(), strict=True):
        trigger, fired = advance(trigger, p, t_s, rules)
        active += trigger.active
        if fired:
            times.append(t_s)
    return times, active


def _case_burden(track: RiskTrack, rules: TriggerRules, horizon_s: float) -> Burden:
    first_alarm: dict[float, float] = {}  # onset -> its earliest alarm
    (alarms, active), false_alarms = _rung(track, rules), 0
    for t_s in alarms:
        following = track.onsets_s[(track.onsets_s > t_s) & (track.onsets_s <= t_s + horizon_s)]
        if following.size:
            first_alarm.setdefault(float(following[0]), t_s)
        else:
            false_alarms += 1
    leads = tuple(onset - t_s for onset, t_s in first_alarm.items())
    return Burden(
        events=int(sum(_could_be_seen(track, onset, horizon_s) for onset in track.onsets_s)),
        detected=len(leads),
        detected_early=sum(lead >= EARLY_S for lead in leads),
        alarms=len(alarms),
        false_alarms=false_alarms,
        hours=track.t_s.size * EVERY_S / 3600,
        leads_s=leads,
        active_hours=active * EVERY_S / 3600,
    )


def _could_be_seen(track: RiskTrack, onset_s: float, horizon_s: float) -> bool:
    return bool(((track.t_s < onset_s) & (track.t_s >= onset_s - horizon_s)).any())


def _total(parts: Sequence[Burden]) -> Burden:
    return Burden(
        events=sum(part.events for part in parts),
        detected=sum(part.detected for part in parts),
        detected_early=sum(part.detected_early for part in parts),
        alarms=sum(part.alarms for part in parts),
        false_alarms=sum(part.false_alarms for part in parts),
        hours=sum(part.hours for part in parts),
        leads_s=tuple(lead for part in parts for lead in part.leads_s),
        active_hours=sum(part.active_hours for part in parts),
    )
