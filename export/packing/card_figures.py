"""The model card's figures: performance on the test patients, and the same by subgroup.

In: the run's record. Out: Markdown sections.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from barocast.export.packing.subgroups import LEAST_EVENTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    Record = Mapping[str, Any]

_RISK_FIGURES: Final = {
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "slope": "slope",
    "intercept": "intercept",
    "observed_expected": "O/E",
    "scaled_brier": "scaled Brier",
}


def performance(record: Record) -> str:
    """Give the section of the test patients' figures, and the cross-validated table where there is one."""
    test = record["test"]
    heading = (
        f"## Performance\n\nTest patients ({test['patients']}, {test['rows']} landmarks); 95 % "
        "intervals from 1,000 bootstrap draws of patients.\n\n"
    )
    names = ("horizon", "prevalence", *_RISK_FIGURES.values(), "ICI")
    header = f"| {' | '.join(names)} |\n{'|---' * len(names)}|\n"
    rows = "\n".join(_risk_row(minutes, figures) for minutes, figures in test["risk"].items())
    parts = [heading + header + rows, _forecast(test["forecast"]), _alarm(record["alarm"], test["alarm"])]
    return "\n\n".join([*parts, *_crossval(record.get("crossval"))])


def _forecast(figures: Mapping[str, float]) -> str:
    return (
        f"MAP to 15 min: MAE {figures['mae_mmhg']:.2f} mmHg, pinball loss x 2 "
        f"{figures['crps_mmhg']:.2f} mmHg, the 80 % band holds {figures['coverage_80']:.0%}."
    )


def _alarm(point: Record, figures: Mapping[str, float]) -> str:
    return (
        f"Alarm layer: threshold {point['trigger']['p_on']:.2f} on the {point['horizon_min']} min risk, "
        "chosen on the selection patients for the highest event sensitivity within one alarm an hour. "
        f"On the test patients: {figures['events']} events, sensitivity {figures['event_sensitivity']:.0%}, "
        f"with 5 min lead {figures['sensitivity_lead_5min']:.0%}, median lead "
        f"{figures['lead_median_min']:.1f} min, {figures['alarms_per_hour']:.2f} alarms an hour "
        f"({figures['false_alarms_per_hour']:.2f} false), PPV {figures['ppv']:.0%}."
    )


def _crossval(report: Record | None) -> list[str]:
    if report is None:
        return []
    said = (
        f"Cross-validated by patient ({report['patients']} patients, {report['rows']} landmarks, 5 folds, "
        "everything learned anew in each fold), the float network of the same settings beside the "
        "comparators on the same rows; differences are paired:"
    )
    return [said, report["table"]]


def _risk_row(minutes: str, figures: Record) -> str:
    cells = [
        f"{figures[name]['value']:.3f} [{figures[name]['low']:.3f}, {figures[name]['high']:.3f}]"
        for name in _RISK_FIGURES
    ]
    return f"| {minutes} min | {figures['prevalence']:.1%} | {' | '.join(cells)} | {figures['ici']:.3f} |"


def fairness(record: Record) -> str:
    """Give the section of the test patients by subgroup."""
    rows = [
        f"| {group} | {level} | {found['patients']} | {found['rows']} | {found['events']} | {_auroc(found)} |"
        for group, levels in record["subgroups"].items()
        for level, found in levels.items()
    ]
    return (
        "## Fairness\n\nNo predictor stands for a group of people but age, sex and what the description "
        "says. No group was weighted, and none chose a setting. The test patients by level, with the AUROC "
        f"at {record['alarm']['horizon_min']} min where there are {LEAST_EVENTS} events or "
        "more:\n\n"
        "| group | level | patients | landmarks | events | AUROC |\n|---|---|---|---|---|---|\n"
        + "\n".join(rows)
    )


def _auroc(found: Record) -> str:
    auroc = found["auroc"]
    return "too few" if auroc is None else f"{auroc['value']:.3f} [{auroc['low']:.3f}, {auroc['high']:.3f}]"
