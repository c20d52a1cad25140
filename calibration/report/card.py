"""The model card of a validation, filled from the run: for what, on whom, how good, and what is not shown.

In: the report's plain values. Out: (heading, lines), and the same as Markdown. It stands beside the maker's
own card in the bundle and says nothing that this run did not measure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from barocast.calibration.report.cautions import cautions
from barocast.calibration.report.printed import alarmed, estimate, listed, number, share

if TYPE_CHECKING:
    from collections.abc import Mapping

    Report = Mapping[str, Any]
    Part = tuple[str, list[str]]


def card(report: Report) -> list[Part]:
    """Give the parts of the card."""
    return [
        ("Intended use", _use(report)),
        ("Outcome", _outcome(report)),
        ("Judged on", _judged(report)),
        ("Performance, with 95 % intervals over patients", _performance(report)),
        ("Limits", [*cautions(report), *not_shown(report)]),
    ]


def markdown(report: Report) -> str:
    """Give the card as Markdown."""
    about = report["about"]
    head = f"# Model card: {about['bundle']}, as validated\n\nModel SHA-256 `{about['model_sha256']}`.\n"
    parts = [
        "\n".join([f"## {heading}\n", *(f"- {line}" for line in lines)]) for heading, lines in card(report)
    ]
    return "\n\n".join([head, *parts]) + "\n"


def not_shown(report: Report) -> list[str]:
    """Say what no validation of this kind shows."""
    sources = listed(report["about"]["sources"])
    return [
        "That anybody is better off: no outcome was looked at.",
        "What acting on a forecast does: nobody is known to have acted on these.",
        f"How it does elsewhere: {sources} is what was judged.",
        "What treatment did: treated and untreated falls look alike in a pressure.",
        "The first 15 min of a case, induction included, and any patient without an arterial line.",
        "How people and alarms get on with each other: these were computed, not heard.",
    ]


def _use(report: Report) -> list[str]:
    return [
        report["about"]["intended_use"],
        "Research software, not a medical device. It does not replace the monitor's own alarms.",
    ]


def _outcome(report: Report) -> list[str]:
    event = report["about"]["event"]
    said = (
        f"Onset of MAP below {number(event['below_mmhg'], 0)} mmHg for {number(event['lasting_s'], 0)} s or "
        f"longer within {listed(list(report['risk']))} min, and the course of MAP to 15 min."
    )
    return [said]


def _judged(report: Report) -> list[str]:
    about = report["about"]
    judged, taught = about["judged"], about["cases_by_what_they_taught"]
    left = [
        f"{number(count, 0)} cases that taught it {use}" for use, count in taught.items() if use != "nothing"
    ]
    said = (
        f"{number(judged['patients'], 0)} patients of {listed(about['sources'])}, "
        f"{number(judged['cases'], 0)} cases, {number(judged['hours'], 0)} h, "
        f"{number(judged['onsets'], 0)} events, {number(judged['landmarks'], 0)} landmarks of which "
        f"{share(judged['answered'])} got a forecast."
    )
    return [said, *([f"Left out: {listed(left)}."] if left else [])]


def _performance(report: Report) -> list[str]:
    return [
        *(_risk(*one) for one in report["risk"].items()),
        _alarm(report["alarm"]),
        _forecast(report["forecast"]),
    ]


def _risk(minutes: str, found: Mapping[str, Any]) -> str:
    ranked = f"AUROC {estimate(found['auroc'])}, AUPRC {estimate(found['auprc'])}"
    level = f"observed / expected {estimate(found['observed_expected'])}, ICI {estimate(found['ici'])}"
    return (
        f"{minutes} min: {ranked} at a prevalence of {estimate(found['prevalence'])}; "
        f"calibration slope {estimate(found['slope'])}, {level}."
    )


def _alarm(alarm: Mapping[str, Any]) -> str:
    shipped = alarm["shipped"]
    found = alarmed(shipped, alarm["all_onsets"])
    sensitivity = estimate(shipped["event_sensitivity_interval"])
    rate = estimate(shipped["alarms_per_hour_interval"], 2)
    return (
        f"Alarms on the {alarm['horizon_min']} min risk at {alarm['rules']['p_on']}: before {found}, "
        f"event sensitivity {sensitivity}; {rate} alarms per eligible hour "
        f"({number(shipped['hours'], 1)} h), PPV {estimate(shipped['ppv_interval'])}, median lead, "
        f"min: {number(shipped['lead_median_min'], 1)}."
    )


def _forecast(found: Mapping[str, Any]) -> str:
    error, last = (estimate(found[name], 2) for name in ("mae_mmhg", "last_value_mae_mmhg"))
    pinball = estimate(found["crps_mmhg"], 2)
    return (
        f"MAP to 15 min: mean absolute error {error} mmHg (last value {last}), coverage of the 80 % band "
        f"{estimate(found['coverage_80'])}, mean pinball loss x 2 (10/50/90 %) {pinball} mmHg."
    )
