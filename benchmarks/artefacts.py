"""Artefacts put at random into real series, each against its twin without it: alarms, status, what was lost.

    host (a case, as one of FORMS tells it)  -> its bed, played once to the end
    plan (kind, place, length)               -> a branch of that bed, played on with the artefact in it
    Found                                    <- what the branch told that the twin did not, and the other way

A forecast alarm of the branch is *on the artefact* when it is raised from its beginning to the end of the
last window that holds any of it, and the twin shows none within MATCH_S of it. Rows of the cohort stay in
memory; only counts come out.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.runtime.bundle import default_bundle, read_bundle
from barocast.runtime.domain import HORIZONS_MIN, Reason
from barocast.runtime.engines import OrtEngine
from barocast.runtime.pipeline import EVERY_S
from barocast.runtime.signal_status import WORDS
from barocast.runtime.timeline import WINDOW_MIN
from barocast.runtime.trust import trusted_keys
from benchmarks import artefact_hosts, machine
from benchmarks.artefact_hosts import Plan
from benchmarks.artefact_report import report
from benchmarks.insertions import AVERAGES_S, KINK_S, SECONDS
from benchmarks.twin_beds import new_bed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.random import Generator

    from barocast.runtime.bundle import Bundle
    from barocast.runtime.engines import Engine
    from benchmarks.artefact_hosts import Host
    from benchmarks.twin_beds import TwinBed

COHORT: Final = Path(
    os.environ.get("BAROCAST_COHORT", Path(__file__).resolve().parents[2] / "shared" / "cohort")
)
SEED: Final = 20
JOBS: Final = 2
HISTORY_S: Final = WINDOW_MIN * 60 + 60
"""Played before anything is put in, so that forecasts are made."""
AFTER_S: Final = WINDOW_MIN * 60
"""As long as a window holds the artefact."""
MATCH_S: Final = 300.0
"""An alarm of the twin this near is the same alarm: the alarm's own refractory."""
SETTLE_S: Final = 2.0
"""What the bed itself may take (requirement ACQ-01: technical alarm within 2 s)."""
WAVE_S: Final = 5.0
"""Stretch of wave that is judged, and its step (waves.numerics)."""
REASONS: Final[Mapping[str, frozenset[Reason]]] = MappingProxyType(
    {
        "flush": frozenset({Reason.FLUSH, Reason.RANGE}),
        "zeroing": frozenset({Reason.ZEROING, Reason.DISCONNECTED, Reason.RANGE}),
        "disconnected": frozenset(
            {Reason.ZEROING, Reason.DISCONNECTED, Reason.FLAT, Reason.FLUSH, Reason.RANGE}
        ),
        "damped": frozenset({Reason.FLAT}),
        "clamped": frozenset({Reason.FLAT, Reason.FLUSH}),
        "level": frozenset(),
    }
)
"""What may be said of each. A rail high up is told as a flush, a mean alone only as out of range."""


@dataclass(frozen=True, slots=True)
class Found:
    """What came of one insertion."""

    form: str
    kind: str
    told_in_full: bool
    """Whether the feed told a value of nothing but the artefact, and such a feed could recognise it."""
    seen: bool
    """`signal not usable` was shown for a reason that fits."""
    delay_s: float
    """From its beginning until that; NaN where it was not."""
    in_time: bool
    during: int
    """Forecast alarms raised while it lasted, which the twin does not have."""
    after: int
    """The same within the windows that hold it."""
    by_gap: int
    """Of both, those that are raised as well where the stretch is simply missing."""
    at_brink: int
    """Of the others, those at which the twin's own risk is above p_off: it would not end an alarm either."""
    lost: int
    """Alarms of the twin that the branch does not have."""
    abstained: tuple[str, ...]
    """Reasons of the branch's abstentions that the twin does not have."""


def measure(hosts_of_each: int | None = None) -> str:
    """Put in, play, compare; nothing where there is no cohort. `hosts_of_each` limits a trial run."""
    if not COHORT.is_dir():
        print(f"artefacts: no cohort at {COHORT}; set BAROCAST_COHORT to its folder", file=sys.stderr)
        return ""
    work = [
        (form, number)
        for form in artefact_hosts.FORMS
        for number in range(artefact_hosts.count(COHORT, form))
    ]
    if hosts_of_each is not None:
        work = [(form, number) for form, number in work if number < hosts_of_each]
    with get_context("spawn").Pool(JOBS) as pool:
        found = [one for some in pool.imap_unordered(_of_host, work, chunksize=1) for one in some]
    return report(found, len(work), machine.described(), SEED)


_LOADED: list[tuple[Bundle, Engine]] = []
"""Of this process."""


def _of_host(which: tuple[str, int]) -> list[Found]:
    if not _LOADED:
        bundle = read_bundle(default_bundle(), trusted_keys().values())
        _LOADED.append((bundle, OrtEngine(bundle)))
    form, number = which
    host = artefact_hosts.host(COHORT, form, number)
    seed = [SEED, number, list(artefact_hosts.FORMS).index(form)]
    return examine(host, plans(host, np.random.default_rng(seed)), *_LOADED[0])


def plans(host: Host, random: Generator) -> list[Plan]:
    """Draw `host.each` insertions of every kind, at places where the pressure was measured."""
    drawn = []
    for kind in (kind for kind in SECONDS for _ in range(host.each)):
        seconds = int(random.integers(SECONDS[kind][0], SECONDS[kind][1] + 1))
        starts = host.places(HISTORY_S, seconds)
        if starts.size:
            average_s = int(random.integers(AVERAGES_S[0], AVERAGES_S[1] + 1))
            start, seed = int(random.choice(starts)), int(random.integers(2**31))
            drawn.append(Plan(kind, start, seconds, average_s, seed))
    return sorted(drawn, key=lambda plan: plan.start)


def examine(host: Host, planned: Sequence[Plan], bundle: Bundle, engine: Engine) -> list[Found]:
    """Play one case, and every insertion as a branch of it."""
    bed = new_bed(bundle, engine, host.patient, host.stale_s)
    branches, at = [], 0
    for plan in planned:
        bed.play(host.series, at, plan.start)
        branches.append(bed.branched())
        at = plan.start
    bed.play(host.series, at, host.seconds)
    return [_compared(host, plan, bed, branch) for plan, branch in zip(planned, branches, strict=True)]


def _compared(host: Host, plan: Plan, twin: TwinBed, before: TwinBed) -> Found:
    until = min(plan.stop + AFTER_S, host.seconds)
    branch = before.branched()
    branch.play(host.inserted(plan), plan.start, until)
    alone = _only(branch, twin, plan.start, until)
    by_gap = at_brink = 0
    if alone:
        before.play(host.missing(plan), plan.start, until)
        others = [t_s for t_s in alone if not _stands(before, t_s)]
        by_gap = len(alone) - len(others)
        at_brink = sum(max(_risk(twin, t_s), _risk(before, t_s)) >= 1.0 for t_s in others)
    delay_s = _shown(branch, twin, plan)
    return Found(
        form=host.form,
        kind=plan.kind,
        told_in_full=host.tells(plan),
        seen=not np.isnan(delay_s),
        delay_s=delay_s,
        in_time=delay_s <= limit_s(host, plan),
        during=sum(t_s < plan.stop for t_s in alone),
        after=sum(t_s >= plan.stop for t_s in alone),
        by_gap=by_gap,
        at_brink=at_brink,
        lost=len(_only(twin, branch, plan.start, until)),
        abstained=_abstained(branch, twin, plan.start, until),
    )


def limit_s(host: Host, plan: Plan) -> float:
    """Give how long it may take until it is shown: what the series itself needs, and SETTLE_S."""
    own_s = WAVE_S if host.has_wave else plan.average_s + host.every_s
    return own_s + SETTLE_S + (KINK_S if plan.kind == "clamped" else 0.0)


def _only(one: TwinBed, other: TwinBed, start: int, until: int) -> list[float]:
    """Give the alarms that one raises meanwhile where the other shows none within MATCH_S."""
    return [t_s for t_s in one.told.raised_s if start <= t_s < until and not _stands(other, t_s)]


def _risk(bed: TwinBed, t_s: float) -> float:
    """Give the highest risk at the raising horizon around a time, as a share of p_off."""
    point = bed.shared[0].manifest.alarm
    near = [
        risk.p[HORIZONS_MIN.index(point.horizon_min)]
        for at_s, risk in bed.risks
        if abs(at_s - t_s) <= EVERY_S
    ]
    return max(near, default=0.0) / point.trigger.p_off


def _stands(bed: TwinBed, t_s: float) -> bool:
    return any(abs(at_s - t_s) <= MATCH_S for at_s in bed.told.standing_s)


def _shown(branch: TwinBed, twin: TwinBed, plan: Plan) -> float:
    """Give the delay until the status was shown for a reason that fits; NaN: never while it could be."""
    fits = [WORDS[reason] for reason in REASONS[plan.kind]]
    late_s = plan.stop + plan.average_s + WAVE_S
    told = [(max(t_s, plan.start), words) for t_s, words in _during(branch, plan.start, late_s)]
    if any(words for _, words in _during(twin, plan.start, plan.start)):
        return float("nan")
    delays = (t_s - plan.start for t_s, words in told if any(fit in words for fit in fits))
    return next(delays, float("nan"))


def _during(bed: TwinBed, first_s: float, last_s: float) -> list[tuple[float, str]]:
    """Give what was told of the signal in a stretch, what stood at its beginning first."""
    before = [told for told in bed.told.signal if told[0] < first_s]
    return before[-1:] + [told for told in bed.told.signal if first_s <= told[0] <= last_s]


def _abstained(branch: TwinBed, twin: TwinBed, start: int, until: int) -> tuple[str, ...]:
    counted = [Counter(why for t_s, why in bed.abstained if start <= t_s < until) for bed in (branch, twin)]
    return tuple((counted[0] - counted[1]).elements())


if __name__ == "__main__":
    print(measure(*(int(text) for text in sys.argv[1:2])))
