"""Every cohort patient through the bed's watch and alarm machine: how often it alarms, what holds it back.

Each series goes value by value through the pipeline with the shipped bundle, and time passes between the
values, so that expiries come when they would at the bedside. Nobody acknowledges anything. Rates are sums
over patients, with intervals from a bootstrap over patients. A second trigger without refractory and budget
runs beside the alarm machine on the same risks: whatever it fires on must be raised, stand already, or be
logged as suppressed. Rows of the cohort stay in memory; only sums come out.
"""

from __future__ import annotations

import math
import os
import sys
from collections import Counter
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.calibration.bootstrap import draw_patients, interval
from barocast.calibration.trigger import Trigger, advance
from barocast.export.cohort import MAIN, read_cases, role
from barocast.plugin.watch import Watch
from barocast.runtime.alarm.conditions import NEW_OCCURRENCE
from barocast.runtime.alarm.events import Log
from barocast.runtime.alarm.facts import FORECAST, FREQUENT
from barocast.runtime.alarm.rules import Priority
from barocast.runtime.bundle import default_bundle, read_bundle
from barocast.runtime.domain import Abstain, Patient, Risk, Sample
from barocast.runtime.engines import OrtEngine
from barocast.runtime.pipeline import EVERY_S
from barocast.runtime.timeline import STEP_S
from barocast.runtime.tracks import plausible
from barocast.runtime.trust import trusted_keys
from benchmarks import machine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from barocast.plugin.watch import Outcome
    from barocast.runtime.alarm.events import Effect
    from barocast.runtime.bundle import Bundle
    from barocast.runtime.domain import Floats
    from barocast.runtime.engines import Engine

COHORT: Final = Path(
    os.environ.get("BAROCAST_COHORT", Path(__file__).resolve().parents[2] / "shared" / "cohort")
)
JOBS: Final = 2
ICU: Final = "icu_ahe_2009"
ICU_STEP_S: Final = 60.0
HELD_OUT: Final = f"{MAIN}, test patients"


@dataclass(frozen=True)
class Course:
    """One patient's series."""

    cohort: str
    patient_id: str
    patient: Patient
    mmhg: Floats
    """(n,) one value every `step_s`; NaN: none."""
    step_s: float


@dataclass
class Tally:
    """What one patient's alarms came to; seconds and counts."""

    cohort: str
    patient_id: str
    seconds: float = 0.0
    eligible_s: float = 0.0
    """For which a forecast was given that may alarm."""
    any_s: float = 0.0
    """With an alarm about the patient standing."""
    medium_s: float = 0.0
    """With one of medium priority standing, were forecasts set to it."""
    technical_s: float = 0.0
    raised: int = 0
    """Forecast alarms of their own."""
    again: int = 0
    """Of these, one that still stood after a whole horizon, said anew."""
    coalesced: int = 0
    """Activations over the budget, put into one latched advisory."""
    refractory: int = 0
    """Activations that the refractory held back."""
    fired: int = 0
    """Activations of the trigger without refractory and budget."""
    dropped: int = 0
    """Of these, neither raised nor standing nor logged."""
    decisions: int = 0
    abstained: Counter[str] = field(default_factory=Counter)


def measure() -> str:
    """Replay everything; nothing where there is no cohort."""
    if not COHORT.is_dir():
        print(f"alarm_burden: no cohort at {COHORT}; set BAROCAST_COHORT to its folder", file=sys.stderr)
        return ""
    with get_context("spawn").Pool(JOBS) as pool:
        tallies = pool.map(_tallied, list(_courses(COHORT)), chunksize=4)
    return report(tallies, machine.described())


def _courses(cohort: Path) -> Iterator[Course]:
    for case in read_cases(cohort):
        yield Course(case.folder, case.subject_id, case.patient, case.map_mmhg, STEP_S)
    yield from _icu(cohort / ICU)


def _icu(folder: Path) -> Iterator[Course]:
    from pyarrow import parquet  # noqa: PLC0415 - `validate` extra, as in export.cohort

    table = parquet.read_table(folder / "map_1min.parquet")
    records, values = (table[name].to_numpy(zero_copy_only=False) for name in ("rec", "map"))
    for record in dict.fromkeys(records.tolist()):
        mmhg = values[records == record].astype(float)
        told = np.array([value if plausible("ABP_MEAN", value) else np.nan for value in mmhg])
        yield Course(ICU, str(record), Patient(), told, ICU_STEP_S)


_LOADED: list[tuple[Bundle, Engine]] = []
"""Of this process."""


def _tallied(course: Course) -> Tally:
    if not _LOADED:
        bundle = read_bundle(default_bundle(), trusted_keys().values())
        _LOADED.append((bundle, OrtEngine(bundle)))
    return tallied(course, *_LOADED[0])


def tallied(course: Course, bundle: Bundle, engine: Engine) -> Tally:
    """Replay one patient."""
    watch = Watch(bundle, engine, course.patient)
    unheld = _Unheld(bundle)
    tally = Tally(course.cohort, course.patient_id, seconds=course.mmhg.size * course.step_s)
    for place, value in enumerate(course.mmhg.tolist()):
        now_s = place * course.step_s
        events = [] if math.isnan(value) else [Sample("ABP_MEAN", "map", now_s, value, "mmHg")]
        for outcome in watch.feed(events, now_s):
            rows = _count_rows(tally, outcome.effects)
            fired, dropped = unheld.heard(outcome, now_s, rows)
            tally.fired, tally.dropped = tally.fired + fired, tally.dropped + dropped
            _count_decision(tally, outcome)
        _count_rows(tally, watch.tick(now_s))
        _count_standing(tally, watch, now_s, course.step_s)
    return tally


class _Unheld:
    """The bundle's trigger with neither refractory nor budget, and what was said while the risk stood."""

    def __init__(self, bundle: Bundle) -> None:
        point = bundle.manifest.alarm
        self._rules = replace(point.trigger, refractory_s=0.0)
        self._place = (5, 10, 15).index(point.horizon_min)
        self._trigger = Trigger()
        self._said = False
        """Whether the log has a row since the risk was last below p_on."""

    def heard(self, outcome: Outcome, now_s: float, rows: int) -> tuple[bool, bool]:
        """Take a decision and its number of rows; say whether an activation begins, and was dropped."""
        decision = outcome.decision
        if not isinstance(decision, Risk):
            return False, False
        p = decision.p[self._place]
        self._said = rows > 0 or (self._said and p >= self._rules.p_on)
        if decision.hypotensive and not (self._trigger.active and p < self._rules.p_off):
            return False, False
        self._trigger, fired = advance(self._trigger, p, now_s, self._rules)
        return fired, fired and not self._said and outcome.alarm == "none"


def _count_decision(tally: Tally, outcome: Outcome) -> None:
    tally.decisions += 1
    if isinstance(outcome.decision, Abstain):
        tally.abstained[outcome.decision.reason.split(":")[0]] += 1
    elif isinstance(outcome.decision, Risk) and not outcome.decision.hypotensive:
        tally.eligible_s += EVERY_S


def _count_rows(tally: Tally, effects: Sequence[Effect]) -> int:
    """Count the log's rows about forecasts; give how many."""
    rows = [effect.row for effect in effects if isinstance(effect, Log)]
    about = [row for row in rows if row.condition in {FORECAST, FREQUENT}]
    for row in about:
        own = row.condition == FORECAST and row.transition in NEW_OCCURRENCE
        tally.raised += own
        tally.again += own and row.transition == "raised again"
        tally.coalesced += row.transition == "suppressed" and row.reason.startswith("budget")
        tally.refractory += row.transition == "suppressed" and row.reason.startswith("refractory")
    return len(about)


def _count_standing(tally: Tally, watch: Watch, now_s: float, step_s: float) -> None:
    standing = [c for c in watch.snapshot(now_s).conditions if c.active]
    about = [c for c in standing if not c.technical]
    tally.any_s += step_s * bool(about)
    tally.medium_s += step_s * any(c.name == FORECAST or c.priority >= Priority.MEDIUM for c in about)
    tally.technical_s += step_s * any(c.technical for c in standing)


# --- the page -----------------------------------------------------------------------------------

TEXT: Final = """# What the alarms cost

`make bench ARGS=alarm_burden` on {machine}. Every patient of the cohort through the bed's watch and alarm
machine with the shipped bundle, at its own operating point. Nobody acknowledges anything. Intervals: 95 %,
bootstrap over patients.

{table}

{reasons}

- The bundle learned from most patients of `{main}`: read the row of its test patients. ICU patients are of
  another hospital and told once a minute, which is as long as a risk stands: there an alarm ends and is
  raised again from one value to the next.
- *alarms*: occurrences of `forecast hypotension` (raised, or said anew because the risk stands after 10
  min).
- *eligible hours*: those for which a forecast was given that may alarm (not hypotensive already).
- *time in alarm*: share of all hours with an alarm about the patient standing; *its own*: without the
  latched advisory of the budget, which is what would be of medium priority at a site that sets forecasts to
  `medium`.
- *held by refractory*, *over the budget*: activations that were logged and raised no alarm of their own.
- *dropped*: activations of the same trigger without refractory and budget that were neither raised, nor
  stood, nor were logged. Goal: 0.
- *technical*: share of hours with a technical alarm: the first 15 min of a case, and what its data lacks.
"""
COUNTS: Final = ("raised", "again", "refractory", "coalesced", "fired", "dropped")
HEAD: Final = (
    "cohort",
    "patients",
    "hours",
    "alarms / h",
    "alarms / eligible h",
    "time in alarm",
    "its own",
    "raised (anew)",
    "held by refractory",
    "over the budget",
    "activations / dropped",
    "technical",
)


def report(tallies: Sequence[Tally], described: str) -> str:
    """Give the page."""
    cohorts = dict.fromkeys(t.cohort for t in tallies)
    groups = {cohort: [t for t in tallies if t.cohort == cohort] for cohort in cohorts}
    if MAIN in groups:
        groups[HELD_OUT] = [t for t in groups[MAIN] if role(t.patient_id) == "test"]
    table = [_line(HEAD), _line(["---"] * len(HEAD)), *(_row(name, some) for name, some in groups.items())]
    reasons = "\n".join(f"- Abstentions, {name}: {_reasons(some)}" for name, some in groups.items())
    return TEXT.format(machine=described, table="\n".join(table), reasons=reasons, main=MAIN)


def _row(name: str, tallies: Sequence[Tally]) -> str:
    hours = sum(t.seconds for t in tallies) / 3600
    counts = {what: sum(getattr(t, what) for t in tallies) for what in COUNTS}
    cells = (
        name,
        len({t.patient_id for t in tallies}),
        f"{hours:.0f}",
        _ratio(tallies, "raised", "seconds", 3600),
        _ratio(tallies, "raised", "eligible_s", 3600),
        _ratio(tallies, "any_s", "seconds"),
        _ratio(tallies, "medium_s", "seconds"),
        f"{counts['raised']} ({counts['again']})",
        counts["refractory"],
        counts["coalesced"],
        f"{counts['fired']} / {counts['dropped']}",
        _ratio(tallies, "technical_s", "seconds"),
    )
    return _line(cells)


def _ratio(tallies: Sequence[Tally], above: str, below: str, times: float = 1.0) -> str:
    draws = draw_patients(np.array([t.patient_id for t in tallies]))
    sums = draws.sums(np.array([[getattr(t, above), getattr(t, below)] for t in tallies], dtype=float))
    found = interval(times * sums[:, 0] / sums[:, 1])
    if times == 1.0:
        return f"{found.value:.1%} ({found.low:.1%} to {found.high:.1%})"
    return f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"


def _reasons(tallies: Sequence[Tally]) -> str:
    decisions = sum(t.decisions for t in tallies)
    counted = sum((t.abstained for t in tallies), Counter[str]())
    shares = ", ".join(f"{why} {n / decisions:.1%}" for why, n in counted.most_common())
    return f"of {decisions:,} decisions, {shares or 'none'}"


def _line(cells: Sequence[object]) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"
