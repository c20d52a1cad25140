"""What a reader must know before the first figure: what the tool itself can see against a validation.

In: the report's plain values. Out: sentences, the gravest first; a report without any gives none. What looks
like a leak is looked for, not proved: a caution says what was seen and what it may mean.
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from barocast.calibration.comparators import COMPARATORS, UNFITTED
from barocast.calibration.figures.verdict import Verdict
from barocast.calibration.report.printed import listed, number, share

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Report = Mapping[str, Any]

FEW_ONSETS: Final = 100
"""Events that could be foreseen; below it a validation hardly measures calibration (Collins et al. 2016)."""
FEW_ANSWERS: Final = 0.8
"""Below it the figures are about a choice of moments."""
FEW_TEACHERS: Final = 50
"""Patients; comparators that learn from fewer are beaten easily."""
LEAST_LEFT: Final = 0.5
"""Of what the best comparator's AUROC lacks to 1: a score that leaves less is looked at, since in this field
years of work take a tenth of it away."""
TOO_GOOD: Final = 0.95
"""AUROC that nobody has reached forward in time; the bar where there is no comparator."""
LEARNED: Final = ("weights", "calibrator", "operating point")
"""What a bundle's record must name."""
NAMES: Final = MappingProxyType(
    {
        "slope": "calibration slope",
        "observed_expected": "observed / expected",
        "ici": "ICI",
        "coverage_80": "coverage of the 80 % band",
    }
)


def cautions(report: Report) -> list[str]:
    """Give the sentences."""
    sources = (_leaks, _record, _threshold, _origin, _size, _coverage, _comparators, _levels, _aims)
    return [text for source in sources for text in source(report)]


def _leaks(report: Report) -> Iterator[str]:
    """Look for scores that know the future: ours, and every column that somebody gave."""
    for minutes, found in report["comparison"].items():
        reached = _aurocs(found)
        known = [value for name, value in reached.items() if name in COMPARATORS and math.isfinite(value)]
        best = max(known, default=None)
        for name, theirs in report["their_scores"].items():
            reached[name] = _aurocs(theirs["comparison"][minutes])[name]
        beside = (
            "there is none to compare with" if best is None else f"no comparator passes {number(best, 3)}"
        )
        for name, auroc in reached.items():
            if name not in COMPARATORS and _too_good(auroc, best):
                yield (
                    f"This looks like leakage: at {minutes} min {name} has AUROC {number(auroc, 3)} while "
                    f"{beside}. Look for inputs that know the outcome, and for patients who taught it."
                )


def _aurocs(found: Report) -> dict[str, float]:
    return {name: one["auroc"]["value"] for name, one in found["scores"].items()}


def _too_good(auroc: float, best: float | None) -> bool:
    return auroc >= TOO_GOOD if best is None else auroc > best and 1 - auroc < LEAST_LEFT * (1 - best)


def _record(report: Report) -> Iterator[str]:
    learned = report["about"]["learned_from"]
    if learned is None:
        yield "The bundle does not say whose patients taught it: that none is judged here is not shown."
        return
    missing = [use for use in LEARNED if use not in learned["uses"]]
    if missing:
        yield (
            f"The bundle does not say whose patients its {listed(missing)} came from: if from these, the "
            "figures are flattered."
        )


def _threshold(report: Report) -> Iterator[str]:
    """Look for a threshold that was picked on these patients, where the record does not exclude it."""
    learned, alarm = report["about"]["learned_from"], report["alarm"]
    if learned is not None and "operating point" in learned["uses"]:
        return
    shipped = alarm["shipped"]
    within = [
        (point["event_sensitivity"], -point["alarms_per_hour"])
        for point in alarm["sweep"]
        if point["alarms_per_hour"] <= shipped["alarms_per_hour"]
    ]
    if shipped["events"] and within and max(within) <= _rank(shipped):
        yield (
            f"Of {len(alarm['sweep'])} thresholds tried on these very patients, none with as few alarms per "
            f"hour finds more events than the shipped {alarm['rules']['p_on']}: so it would be had it been "
            "picked on them, and so it may be by chance."
        )


def _rank(point: Mapping[str, float]) -> tuple[float, float]:
    return point["event_sensitivity"], -point["alarms_per_hour"]


def _origin(report: Report) -> Iterator[str]:
    about = report["about"]
    learned = about["learned_from"]
    if learned is not None and learned["source"] not in about["sources"]:
        yield (
            f"The bundle learned from {learned['source']}, these cases say they are of "
            f"{listed(about['sources'])}: that nobody here taught it rests on that name."
        )


def _size(report: Report) -> Iterator[str]:
    judged, foreseeable = report["about"]["judged"], report["alarm"]["shipped"]["events"]
    if not judged["onsets"]:
        yield "Not one event: whether the forecast finds any cannot be judged on these cases."
    elif foreseeable < FEW_ONSETS:
        yield (
            f"Only {foreseeable} events that could be foreseen ({judged['onsets']} onsets in all) in "
            f"{judged['patients']} patients: read the intervals, not the values."
        )


def _coverage(report: Report) -> Iterator[str]:
    answered = report["about"]["judged"]["answered"]
    if answered == 0:
        yield "Not one landmark got a forecast: nothing about it is shown."
    elif answered < FEW_ANSWERS:
        yield f"Only {share(answered)} of the landmarks got a forecast: the figures are about those alone."


def _comparators(report: Report) -> Iterator[str]:
    learned = set(COMPARATORS) - set(UNFITTED)
    teachers = report["about"]["patients_of_comparators"]
    if not learned & set(next(iter(report["comparison"].values()))["scores"]):
        yield (
            "No comparator that learns could be fitted, there are too few patients or too few of them with "
            "events: what the forecast adds to the course of the pressure is not shown."
        )
    elif teachers < FEW_TEACHERS:
        yield f"The comparators learned from {teachers} patients, which is few: they are beaten easily."


def _levels(report: Report) -> Iterator[str]:
    """Say where the whole interval of observed / expected lies on one side of 1."""
    ratios_of = {
        minutes: found["observed_expected"]
        for minutes, found in report["risk"].items()
        if found["positive_rows"]
    }
    too_high = [minutes for minutes, one in ratios_of.items() if one["high"] < 1]
    too_low = [minutes for minutes, one in ratios_of.items() if one["low"] > 1]
    for direction, at in (("high", too_high), ("low", too_low)):
        if at:
            ratios = [number(ratios_of[minutes]["value"]) for minutes in at]
            yield (
                f"Risks came out too {direction} on these patients: observed / expected is {listed(ratios)} "
                f"at {listed(at)} min, and the whole intervals lie on that side of 1."
            )


def _aims(report: Report) -> Iterator[str]:
    for verdict, said in (
        (Verdict.MISSED, "The aim is missed"),
        (Verdict.UNCLEAR, "Too few patients to tell whether the aim is met"),
    ):
        found = list(_with(report, str(verdict)))
        if found:
            yield f"{said}: {'; '.join(found)}."


def _with(report: Report, verdict: str) -> Iterator[str]:
    for name, told in NAMES.items():
        at = [minutes for minutes, one in report["risk"].items() if one["verdicts"].get(name) == verdict]
        if at:
            yield f"{told} at {listed(at)} min"
        if report["forecast"]["verdicts"].get(name) == verdict:
            yield told
