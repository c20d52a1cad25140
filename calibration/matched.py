"""Two scores on the same rows, compared where they cost the same: paired, with McNemar's test.

    at_specificity   each at its lowest threshold of a given specificity; the units are rows with an event
    of_sounded       each at its most sensitive threshold within a budget of alarms per hour; the units are
                     events, found when the bedside's own trigger fires within the horizon before them

Thresholds are found on the very rows that are compared, and held on every draw: intervals do not include
that choice, and a score of many values gains more by it than a yes or no (1, 0). Scores may be on any scale;
one of few values may not reach the target closely, so what each really had is given beside it. Rows and
events of one patient are not independent: the interval of the difference comes from a bootstrap over
patients. McNemar's p takes units as independent: it is rough for events, and not to be read for rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration.alarm_burden import RiskTrack, alarm_times
from barocast.calibration.bootstrap import interval
from barocast.calibration.discrimination import threshold_at
from barocast.calibration.landmarks import EVERY_S
from barocast.calibration.proportions import mcnemar
from barocast.calibration.trigger import TriggerRules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from barocast.calibration.bootstrap import Drawn, Estimate, PatientDraws

    Floats = NDArray[np.floating[Any]]

ABOVE: Final = TriggerRules(p_on=0.5, p_off=0.4)
"""Asked with 1 where a score reaches its threshold and 0 where not: the evaluation's alarm layer on any scale
(two in a row, armed again below the threshold, 300 s refractory)."""
THRESHOLDS_TRIED: Final = 61
HIGHEST_SHARE: Final = 0.3
"""Thresholds are tried over this highest share of the scores, every half percent: lower ones sound far
beyond any budget."""


@dataclass(frozen=True, slots=True)
class Side:
    """One score where it was compared."""

    threshold: float
    """Positive where score >= threshold."""
    cost: Estimate
    """Specificity, or alarms per hour, that it really had."""
    sensitivity: Estimate
    ppv: Estimate
    """Share of positive rows, or of alarms, that were true."""


@dataclass(frozen=True, slots=True)
class Matched:
    """Two scores at one cost."""

    first: Side
    second: Side
    difference: Estimate
    """Sensitivity of the first less that of the second, on the same draws."""
    units: int
    """Rows with an event, or events."""
    only_first: int
    """Units that only the first found."""
    only_second: int
    mcnemar_p: float
    """Exact, two-sided."""


@dataclass(frozen=True, slots=True)
class CaseAlarms:
    """What one threshold does in one case."""

    found: NDArray[np.bool_]
    """(m,) whether each event that could be seen had an alarm within the horizon before it."""
    alarms: int
    true_alarms: int
    hours: float


@dataclass(frozen=True, slots=True)
class Sounded:
    """What one threshold does in all cases."""

    threshold: float
    cases: tuple[CaseAlarms, ...]

    @property
    def alarms(self) -> int:
        """Over all cases."""
        return sum(case.alarms for case in self.cases)

    @property
    def found(self) -> int:
        """Events with an alarm before them."""
        return sum(int(case.found.sum()) for case in self.cases)

    @property
    def hours(self) -> float:
        """Of rows with a score."""
        return sum(case.hours for case in self.cases)


def at_specificity(
    labels: Floats, first: Floats, second: Floats, specificity: float, draws: PatientDraws
) -> Matched:
    """Compare two scores (n,) of the same labelled rows (n,), each at least this specific."""
    thresholds = [threshold_at(labels, scores, specificity) for scores in (first, second)]
    called = [scores >= at for scores, at in zip((first, second), thresholds, strict=True)]
    counts = [_row_counts(labels, positive, draws) for positive in called]
    of_events = [positive[labels == 1] for positive in called]
    return _matched(thresholds, counts, of_events)


def seen_by(scores: Sequence[Sequence[RiskTrack]], horizon_s: float) -> list[NDArray[np.bool_]]:
    """Say of each case which onsets (m,) have a row of every score in the horizon before them."""
    return [
        np.logical_and.reduce([_seen(track, horizon_s) for track in same])
        for same in zip(*scores, strict=True)
    ]


def within_budget(
    tracks: Sequence[RiskTrack], seen: Sequence[NDArray[np.bool_]], horizon_s: float, alarms_per_hour: float
) -> Sounded:
    """Give the threshold that finds most events within the budget, the fewer alarms where equal.

    `tracks` are the cases, RiskTrack.p any score; `seen` as `seen_by` gives it. All THRESHOLDS_TRIED are
    looked at, since alarms are not monotonic in them; where none keeps the budget, the quietest is taken.
    """
    scores = np.concatenate([track.p for track in tracks])
    shares = np.linspace(1 - HIGHEST_SHARE, 1, THRESHOLDS_TRIED)
    thresholds = np.unique(np.quantile(scores, shares, method="inverted_cdf"))
    tried = [_sounded(tracks, seen, float(at), horizon_s) for at in thresholds]
    kept = [one for one in tried if one.alarms <= alarms_per_hour * one.hours]
    if not kept:
        return min(tried, key=lambda one: one.alarms)
    return max(kept, key=lambda one: (one.found, -one.alarms))


def of_sounded(first: Sounded, second: Sounded, draws: PatientDraws) -> Matched:
    """Compare two scores of the same cases, each `within_budget` over the same `seen` events.

    `draws` is over cases: `draw_patients` of each case's patient.
    """
    both = (first, second)
    return _matched(
        [one.threshold for one in both],
        [_case_counts(one.cases, draws) for one in both],
        [np.concatenate([case.found for case in one.cases]) for one in both],
    )


def _case_alarms(track: RiskTrack, threshold: float, seen: NDArray[np.bool_], horizon_s: float) -> CaseAlarms:
    """Sound the trigger over one case; `seen` (m,) says which of its onsets count."""
    above = np.asarray(track.p >= threshold, dtype=np.float64)
    times = np.array(alarm_times(_where_it_matters(track, above), ABOVE))
    following = np.searchsorted(track.onsets_s, times, side="right")
    reached = np.append(track.onsets_s, np.inf)[following] <= times + horizon_s
    found = np.zeros(track.onsets_s.size, dtype=np.bool_)
    found[following[reached]] = True
    return CaseAlarms(found[seen], times.size, int(reached.sum()), track.t_s.size * EVERY_S / 3600)


def _sounded(
    tracks: Sequence[RiskTrack], seen: Sequence[NDArray[np.bool_]], threshold: float, horizon_s: float
) -> Sounded:
    cases = [_case_alarms(track, threshold, of, horizon_s) for track, of in zip(tracks, seen, strict=True)]
    return Sounded(threshold, tuple(cases))


def _where_it_matters(track: RiskTrack, above: NDArray[np.float64]) -> RiskTrack:
    """Leave out what changes nothing for the trigger: a row below that follows n rows below."""
    if not above.size:
        return track
    recent = np.convolve(above, np.ones(ABOVE.n + 1))[: above.size] > 0
    return RiskTrack(track.t_s[recent], above[recent], track.onsets_s)


def _seen(track: RiskTrack, horizon_s: float) -> NDArray[np.bool_]:
    """Say which onsets (m,) have a row in the horizon before them."""
    before = np.searchsorted(track.t_s, track.onsets_s, side="left")
    return np.searchsorted(track.t_s, track.onsets_s - horizon_s, side="left") < before


def _row_counts(labels: Floats, called: NDArray[np.bool_], draws: PatientDraws) -> dict[str, Drawn]:
    columns = [labels, 1 - labels, called * labels, called * (1 - labels)]
    events, others, hits, false = draws.sums(np.stack(columns, axis=1)).T
    return {"cost": _share(others - false, others), **_shares(hits, events, hits, hits + false)}


def _case_counts(cases: Sequence[CaseAlarms], draws: PatientDraws) -> dict[str, Drawn]:
    columns = [
        (case.found.size, case.found.sum(), case.alarms, case.true_alarms, case.hours) for case in cases
    ]
    events, found, alarms, true, hours = draws.sums(np.array(columns, dtype=np.float64)).T
    return {"cost": _share(alarms, hours), **_shares(found, events, true, alarms)}


def _shares(found: Drawn, events: Drawn, true: Drawn, positive: Drawn) -> dict[str, Drawn]:
    return {"sensitivity": _share(found, events), "ppv": _share(true, positive)}


def _share(part: Drawn, whole: Drawn) -> Drawn:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(part / whole)


def _matched(
    thresholds: Sequence[float], counts: Sequence[dict[str, Drawn]], found: Sequence[NDArray[np.bool_]]
) -> Matched:
    first, second = (
        Side(at, **{name: interval(drawn) for name, drawn in counted.items()})
        for at, counted in zip(thresholds, counts, strict=True)
    )
    only_first, only_second = int((found[0] & ~found[1]).sum()), int((found[1] & ~found[0]).sum())
    return Matched(
        first=first,
        second=second,
        difference=interval(counts[0]["sensitivity"] - counts[1]["sensitivity"]),
        units=found[0].size,
        only_first=only_first,
        only_second=only_second,
        mcnemar_p=mcnemar(only_first, only_second),
    )
