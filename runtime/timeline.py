"""Events -> Window: every channel on one grid of the device's own clock.

In: Samples in any chunking, roughly in time order. Out: the window that ends at a given time, or an
Abstain that says what is missing. A column of the grid covers (t - 10 s, t], t a multiple of 10 s,
and holds the mean of the valid samples inside it. A gap stays NaN with its mask False.

A numeric stands for its own period: with a feed that reports every 30 s, the two columns between
two reports hold the earlier one, and nothing holds longer than the channel's cadence: the median of
its last intervals, at most HOLD_LIMIT_S. That is the feed's resolution, not a filled-in number.

One of the first intervals may be a gap, and a gap is no cadence. Until there are CADENCE_INTERVALS for a
median the least of them counts, and before there are LEAST_INTERVALS nothing holds: what the first reports
stood for is put in then.

Where MAP was derived from the waveform (code DERIVED) it serves the columns in which the monitor
itself gave no MAP.

What a monitor tells is an average over seconds: it slides into a flush or a zeroing and out of it, and on the
way looks like a fall of pressure. So within AVERAGED_S of an artefact, before it too, nothing that the
monitor told counts, be the artefact seen in its numbers or in the wave; it may have lasted until just before
the first report after it. What was derived from the wave is of
whole, sound beats and needs no such care.
"""

from __future__ import annotations

import math
import statistics
from collections import deque
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.calibration.events import HYPOTENSION, find_events
from barocast.calibration.landmarks import QUIET_S
from barocast.runtime.clock_anchor import SET_BACK_S
from barocast.runtime.domain import DERIVED, Abstain, CaseSoFar, Reason, Sample, Window
from barocast.runtime.kept_columns import KeptColumns
from barocast.runtime.quality import TRIPLE
from barocast.runtime.steady_time import AHEAD_S, is_arterial, keeps_time

if TYPE_CHECKING:
    from collections.abc import Iterable

    from barocast.calibration.events import Span
    from barocast.runtime.domain import Event, Floats

STEP_S: Final = 10.0
WINDOW_MIN: Final = 15
WINDOW_STEPS: Final = round(WINDOW_MIN * 60 / STEP_S)
SHORT_HISTORY: Final = "short history"
"""The reason of an abstention that time alone will end."""
CURRENT_S: Final = 30.0
"""MAP is current when one of its samples is at most this old."""
MIN_VALID_SHARE: Final = 0.70
"""Of the window's MAP, below which there is no forecast (evaluation: eligible landmarks)."""
HOLD_LIMIT_S: Final = 60.0
"""Slowest cadence that a forecast can be made on."""
CADENCE_INTERVALS: Final = 9
"""Intervals whose median is a channel's cadence."""
LEAST_INTERVALS: Final = 3
"""Before which a channel has no cadence: a case may well begin with two gaps in a row."""
AVERAGED_S: Final = 12.0
"""Longer than monitors average a pressure."""
ARTEFACTS: Final = frozenset({Reason.FLUSH, Reason.ZEROING, Reason.DISCONNECTED})
"""Pressures of no patient, that an average may hold a share of; in the monitor's own numbers also:"""
TOLD_ARTEFACTS: Final = ARTEFACTS | {Reason.RANGE, Reason.FLAT}
NEW_CASE_GAP_S: Final = 3600.0
"""A jump of the device's clock beyond this is another case, and everything before it is forgotten."""
CASE_LIMIT_STEPS: Final = round(24 * 3600 / STEP_S)
"""The case so far reaches back at most a day; older columns are dropped."""
NOTHING: Final = np.array((0.0, 0), dtype=[("sum", np.float64), ("count", np.int32)])
"""A column in which nothing was measured."""


class Timeline:
    """The case so far, channel by channel. Time only ever advances, on the device's clock."""

    def __init__(self, channels: tuple[str, ...]) -> None:
        self.channels = channels
        self.newest_s: float | None = None
        """Latest device time seen on any channel that keeps time, seconds."""
        self._arterial_s = -math.inf
        """The same on an arterial channel."""
        self._oldest_s = 0.0
        self._newest_s: dict[tuple[str, bool], float] = {}
        """(channel, derived) -> device time of its newest sample, of every channel."""
        self._tracks: dict[tuple[str, bool], _Track] = {}
        """The same of our channels."""
        self._first = 0
        self._map_told: tuple[float, Reason | None] = (-math.inf, None)
        """Device time of the monitor's newest MAP, and why it must not be used."""
        self._artefact_s = -math.inf
        """Device time of the newest artefact of the arterial line."""
        self._artefact_ended_s = -math.inf
        """Device time by which it had ended: of the first report after it, at most STEP_S later."""

    def take(self, events: Iterable[Event]) -> None:
        """Put the samples of our channels into their columns; everything else passes by."""
        for event in events:
            if isinstance(event, Sample) and event.t_s is not None and event.channel is not None:
                self._advance(event, event.t_s)
                if self._in_case(event.t_s):
                    self._mind_artefact(event, event.t_s)
                    self._add(event, (event.channel, event.code == DERIVED), event.t_s)
                if event.channel == "ABP_MEAN" and event.code != DERIVED:
                    self._map_told = (event.t_s, event.reason)

    def window(self, t_end_s: float) -> Window | Abstain:
        """Give the window that ends at `t_end_s`, or the reason why there is none."""
        stop = _column(t_end_s) + 1
        series = np.stack([self._columns(channel, stop) for channel in self.channels])
        pressure = series[self.channels.index("ABP_MEAN")]
        lacking = _short(pressure) or self._stale(t_end_s) or _thin(pressure)
        if lacking:
            return Abstain(t_end_s, lacking)
        recent, events = series[:, -WINDOW_STEPS:], find_events(pressure, STEP_S)
        return Window(
            t_end_s,
            STEP_S,
            self.channels,
            recent,
            ~np.isnan(recent),
            _case_so_far(pressure, events),
            _hypotensive(pressure, events),
        )

    def recent(self, channel: str, steps: int = WINDOW_STEPS) -> Floats:
        """Give the channel's last columns up to now, at most `steps`, NaN where nothing was measured."""
        if self.newest_s is None:
            return np.empty(0)
        return self._columns(channel, _column(self.newest_s) + 1, steps)

    def last(self, channel: str, t_s: float, steps: int) -> tuple[int, Floats]:
        """Give the number of the first of the channel's last columns that end by `t_s`, and these columns.

        Column i ends at i * STEP_S seconds. `steps` of them, or as many as the case has.
        """
        stop = math.floor(t_s / STEP_S) + 1
        if self.newest_s is None or steps <= 0 or stop <= self._first:
            return stop, np.empty(0)
        columns = self._columns(channel, stop, steps)
        return stop - columns.size, columns

    def case(self, channel: str) -> tuple[float, Floats]:
        """Give the end of the case's first column, seconds, and all its columns up to now."""
        if self.newest_s is None:
            return 0.0, np.empty(0)
        stop = _column(self.newest_s) + 1
        start = max(self._first, stop - CASE_LIMIT_STEPS)
        return start * STEP_S, self._columns(channel, stop)

    @property
    def seen_s(self) -> float:
        """Seconds from the case's first sample to its newest."""
        return 0.0 if self.newest_s is None else self.newest_s - self._oldest_s

    def _stale(self, t_end_s: float) -> str:
        """Say that MAP is not current: it may be as old as its own period, and CURRENT_S at least."""
        tracks = [
            self._tracks[key] for key in (("ABP_MEAN", False), ("ABP_MEAN", True)) if key in self._tracks
        ]
        if any(t_end_s - track.valid_s <= max(CURRENT_S, track.cadence_s()) for track in tracks):
            return ""
        told_s, reason = self._map_told
        why = f" ({reason})" if reason and t_end_s - told_s <= CURRENT_S else ""
        return f"no current MAP: none in the last {CURRENT_S:.0f} s{why}"

    def begins_case(self, sample: Sample) -> bool:
        """Whether another case begins with this sample: the first, after a long gap, or the clock was set."""
        if sample.t_s is None or not keeps_time(sample):
            return False
        if self.newest_s is None or sample.t_s > self.newest_s + NEW_CASE_GAP_S:
            return True
        return sample.t_s < self._set_back_s(sample)

    def _set_back_s(self, sample: Sample) -> float:
        """Give the time before which this sample can only lie by a clock that was set back.

        An arterial one goes by the arterial line, of which others may be told sooner; where there was none,
        by any channel, for no pressure is lost. Another goes by its own channel, and may be told late.
        """
        if not is_arterial(sample):
            return self._newest_s.get((sample.channel or "", sample.code == DERIVED), -math.inf) - AHEAD_S
        if self._arterial_s == -math.inf and self.newest_s is not None:
            return self.newest_s - SET_BACK_S
        return self._arterial_s - SET_BACK_S

    def _mind_artefact(self, sample: Sample, t_s: float) -> None:
        """Take out what the monitor's average may have held of an artefact already."""
        artefacts = ARTEFACTS if sample.code == DERIVED else TOLD_ARTEFACTS
        if sample.reason in artefacts and is_arterial(sample):
            self._artefact_s = max(self._artefact_s, t_s)
            self._artefact_ended_s = math.inf
            for (channel, derived), track in self._tracks.items():
                if channel in TRIPLE and not derived:
                    track.withdraw(t_s - AVERAGED_S)

    def _counts(self, sample: Sample, t_s: float) -> bool:
        if not is_arterial(sample) or sample.code == DERIVED:
            return sample.valid
        if t_s > self._artefact_s:
            self._artefact_ended_s = min(self._artefact_ended_s, t_s, self._artefact_s + STEP_S)
        held = self._artefact_s - AVERAGED_S <= t_s <= self._artefact_ended_s + AVERAGED_S
        return sample.valid and not held

    def _advance(self, sample: Sample, t_s: float) -> None:
        if not keeps_time(sample):
            return
        if self.begins_case(sample):
            self._begin(t_s)
        self.newest_s = max(self.newest_s or t_s, t_s)
        if is_arterial(sample):
            self._arterial_s = max(self._arterial_s, t_s)

    def _in_case(self, t_s: float) -> bool:
        """Whether the grid may reach up to here: what keeps no time may be dated anywhere."""
        return self.newest_s is not None and t_s <= self.newest_s + NEW_CASE_GAP_S

    def _begin(self, t_s: float) -> None:
        self._tracks.clear()
        self._newest_s.clear()
        self._first = _column(t_s)
        self.newest_s = self._oldest_s = t_s
        self._arterial_s = self._artefact_s = self._artefact_ended_s = -math.inf
        self._map_told = (-math.inf, None)

    def _add(self, sample: Sample, key: tuple[str, bool], t_s: float) -> None:
        if _column(t_s) < self._first:
            return
        self._newest_s[key] = max(self._newest_s.get(key, t_s), t_s)
        if key[0] not in self.channels:
            return
        if key not in self._tracks:
            self._tracks[key] = _Track(self._first)
        self._tracks[key].add(t_s, sample.value if self._counts(sample, t_s) else math.nan)

    def _columns(self, channel: str, stop: int, steps: int = CASE_LIMIT_STEPS) -> Floats:
        start = max(self._first, stop - min(steps, CASE_LIMIT_STEPS))
        given, derived = (self._track_columns((channel, code), start, stop) for code in (False, True))
        return np.where(np.isnan(given), derived, given)

    def _track_columns(self, key: tuple[str, bool], start: int, stop: int) -> Floats:
        track = self._tracks.get(key)
        return track.columns(start, stop) if track else np.full(max(stop - start, 0), np.nan)


class _Track:
    """One channel's columns: sum and count of the samples in each, and how long the last report holds."""

    def __init__(self, first: int) -> None:
        self._kept = KeptColumns(NOTHING, CASE_LIMIT_STEPS, first)
        self._kept.reserve()
        self.valid_s = -math.inf
        """Device time of the newest valid sample."""
        self._reports: list[tuple[float, float]] = []
        """(device time, value) of the newest report, NaN where it holds nothing; ahead of it those whose hold
        is not known yet."""
        self._fresh: deque[tuple[float, int, float]] = deque()
        """(device time, column, value) of what may still be withdrawn."""
        self._intervals: deque[float] = deque(maxlen=CADENCE_INTERVALS)

    def add(self, t_s: float, value: float) -> None:
        """Put a value (NaN: known to be missing) into its column, which is none before the first."""
        column = _column(t_s)
        if not self._reports or t_s > self._reports[-1][0]:
            self._report(t_s, value)
        if not math.isnan(value) and column >= self._kept.first:
            self._count(column, value)
            self.valid_s = max(self.valid_s, t_s)
            self._keep_fresh(t_s, column, value)

    def withdraw(self, since_s: float) -> None:
        """Take out again what was put in of a time after `since_s`, at most AVERAGED_S back."""
        for t_s, column, value in self._fresh:
            if t_s > since_s and column >= self._kept.first:
                row = self._kept.rows[column - self._kept.first]
                row["count"] -= 1
                row["sum"] = row["sum"] - value if row["count"] else 0.0
        self._fresh = deque(kept for kept in self._fresh if kept[0] <= since_s)
        self.valid_s = min(self.valid_s, since_s)
        self._reports = [(t_s, value if t_s <= since_s else math.nan) for t_s, value in self._reports]

    def columns(self, start: int, stop: int) -> Floats:
        """Give the means of columns `start` to `stop`, NaN where nothing was measured."""
        found = self._kept.between(start, stop)
        with np.errstate(invalid="ignore"):
            means: Floats = found["sum"] / found["count"]
        if self._reports:
            t_s, value = self._reports[-1]
            ahead = max(self._kept.stop - start, 0)
            means[ahead : ahead + self._held(t_s, start + ahead, stop)] = value
        return means

    def cadence_s(self) -> float:
        """Give how far apart the channel's reports are, seconds, at most HOLD_LIMIT_S; 0 while unknown."""
        known = self._intervals
        if len(known) < LEAST_INTERVALS:
            return 0.0
        usual = statistics.median_low(known) if len(known) == CADENCE_INTERVALS else min(known)
        return min(usual, HOLD_LIMIT_S)

    def _report(self, t_s: float, value: float) -> None:
        if self._reports:
            self._intervals.append(t_s - self._reports[-1][0])
        self._reports.append((t_s, value))
        self._kept.reach(_column(t_s) + 1)
        if len(self._intervals) >= LEAST_INTERVALS:
            for earlier, later in pairwise(self._reports):
                self._hold(*earlier, _column(later[0]))
            del self._reports[:-1]

    def _hold(self, t_s: float, value: float, stop: int) -> None:
        """Let a report stand for its period, up to the next one's column `stop`, where nothing is known."""
        start = max(_column(t_s) + 1, self._kept.first)
        if start >= stop or math.isnan(value):
            return
        place = start - self._kept.first
        rows = self._kept.rows[place : place + self._held(t_s, start, stop)]
        rows[rows["count"] == 0] = (value, 1)

    def _held(self, t_s: float, start: int, stop: int) -> int:
        """Count the columns from `start` on, before `stop`, that a report of `t_s` stands for."""
        return int(np.count_nonzero(np.arange(start, stop) * STEP_S < t_s + self.cadence_s()))

    def _count(self, column: int, value: float) -> None:
        row = self._kept.rows[column - self._kept.first]
        row["sum"] += value
        row["count"] += 1

    def _keep_fresh(self, t_s: float, column: int, value: float) -> None:
        self._fresh.append((t_s, column, value))
        while self._fresh[0][0] < t_s - AVERAGED_S:
            self._fresh.popleft()


def _column(t_s: float) -> int:
    return math.ceil(t_s / STEP_S)


def _short(pressure: Floats) -> str:
    """Say that the case is too young for a forecast; empty when it is not."""
    seen_min = pressure.size * STEP_S / 60
    return f"{SHORT_HISTORY}: {seen_min:.1f} of {WINDOW_MIN} min" if seen_min < WINDOW_MIN else ""


def _thin(pressure: Floats) -> str:
    """Say that too much of the window is missing; empty when it is not."""
    share = float((~np.isnan(pressure[-WINDOW_STEPS:])).mean())
    if share >= MIN_VALID_SHARE:
        return ""
    return f"too little MAP: {share:.0%} of the last {WINDOW_MIN} min, need {MIN_VALID_SHARE:.0%}"


def _hypotensive(pressure: Floats, events: list[Span]) -> bool:
    """Whether MAP is low now or an event has just ended: evaluation's landmarks leave such moments out."""
    current = pressure[-round(CURRENT_S / STEP_S) :]
    low = bool(np.nanmean(current) < HYPOTENSION.below_mmhg) if not np.isnan(current).all() else False
    return low or (bool(events) and (pressure.size - events[-1].stop) * STEP_S < QUIET_S)


def _case_so_far(pressure: Floats, events: list[Span]) -> CaseSoFar:
    minutes_below = {limit: float((pressure < limit).sum() * STEP_S / 60) for limit in (65, 70)}
    return CaseSoFar(
        minutes=pressure.size * STEP_S / 60,
        map_mean=float(np.nanmean(pressure)),
        map_min=float(np.nanmin(pressure)),
        events=len(events),
        minutes_below_65=minutes_below[65],
        minutes_below_70=minutes_below[70],
    )
