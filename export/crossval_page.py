"""The page of a cross-validation, and its files.

In: the report of crossval.figures, with `elsewhere` where another site's patients taught too. Out: Markdown,
and the report as JSON beside it. A report of another shape is a programming error.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from barocast.calibration.figures.comparison import OURS
from barocast.calibration.folds import FOLDS
from barocast.export.crossval import ALL_STEPS, LAST_VALUE
from barocast.export.rows import FUTURE_STEPS

if TYPE_CHECKING:
    from pathlib import Path

CHOSEN: Final = """The network's settings were chosen on these same folds (how many were tried is not on
record), so its own row is slightly optimistic. Others were tried on them since and dropped: a logistic
regression on bent features beside the trees as teachers (chosen among 15 teachers and blends on
inner folds of the first fold's training patients), the same bends in the wide path, and .7 in place of .5
for the teachers' weight: AUROC .8815 / .8337 / .8098, paired differences within .003 and around 0. Boosted
trees that saw the last hour and the time since the last event beside the trend differed from those without
by at most .003, and no blend of either with the network was above the network: dropped too. What
60 patients of intensive care add as further teachers (benchmarks/crossval_elsewhere.md) was too little to
give up the only other site to judge on."""
"""How many ways were compared, and on whom; to be kept true by whoever tries another."""


def save(report: dict[str, Any], folder: Path) -> None:
    """Leave the figures (JSON) and the table (Markdown) in a folder; no patient's row is written."""
    folder.mkdir(parents=True, exist_ok=True)
    name = "crossval_elsewhere" if "elsewhere" in report else "crossval"
    (folder / f"{name}.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    (folder / f"{name}.md").write_text(page(report), encoding="utf-8")


def page(report: dict[str, Any]) -> str:
    """Give the report as a page that stands alone."""
    prevalence = " / ".join(f"{share:.1%}" for share in report["prevalence"])
    pinball = report["forecast"][ALL_STEPS][OURS]["crps_mmhg"]["value"]
    return f"""# Cross-validated figures

`{_command(report)}` on {report["patients"]} patients of VitalDB with a continuous MAP series
(10 s grid, read off published figures), {report["rows"]:,} eligible landmarks, prevalence
{prevalence} at 5 / 10 / 15 min. {FOLDS} folds by patient, predictions pooled, everything that learns
learned anew in each fold; brackets are 95 % intervals of a bootstrap over patients, differences
paired on the same draws. {_network(report)}

{CHOSEN}

The comparators learn from these {report["patients"]} patients alone. The network also learns, in every fold,
from 29 further patients with a series and, in its text branch, from the descriptions of about 2,000
further patients, which no comparator sees. Tried once beside this table: given the 29 as well, the
logistic and LightGBM numeric comparators change by less than 0.005 AUROC at every horizon;
descriptions without landmarks are of no use to them.
{_elsewhere(report)}
{table(report)}

{forecast_table(report)}

Each row is the 30 s mean of MAP that ends that many minutes ahead, the last row all {FUTURE_STEPS} of them;
mmHg, in parentheses the last value's error and how much less ours is. CRPS is that of a distribution
which is normal on either side of its median and passes through the 10, 50 and 90 % quantiles; of the last
value, a point, it is the absolute error. Twice the mean pinball loss of the three quantiles alone, which
needs no such distribution and lies some 11 % lower, is {pinball:.2f} mmHg over all steps.
"""


def table(report: dict[str, Any]) -> str:
    """Print the report's discrimination as a Markdown table."""
    horizons = report["discrimination"]
    lines = [
        "| model | " + " | ".join(f"{h} min AUROC (AUPRC)" for h in horizons) + " |",
        "|---|---|---|---|",
    ]
    for name in horizons["5"]:
        cells = [
            f"{_interval(h[name]['auroc'])} ({h[name]['auprc']['value']:.3f})" for h in horizons.values()
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += [
        "",
        "| ours minus | " + " | ".join(f"{h} min ΔAUROC" for h in horizons) + " |",
        "|---|---|---|---|",
    ]
    for name in list(horizons["5"])[1:]:
        cells = [_interval(h[name]["ours_minus"]) for h in horizons.values()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def forecast_table(report: dict[str, Any]) -> str:
    """Print the forecast's errors beside the last value's, by minutes ahead, as a Markdown table."""
    lines = [
        "| MAP ahead | MAE (last value, less) | CRPS (last value, less) | 80 % band holds |",
        "|---|---|---|---|",
    ]
    for minutes, found in report["forecast"].items():
        errors = " | ".join(_error(found, name) for name in ("mae_mmhg", "whole_crps_mmhg"))
        lines.append(f"| {minutes} min | {errors} | {_interval(found[OURS]['coverage_80'])} |")
    return "\n".join(lines)


def _command(report: dict[str, Any]) -> str:
    return "barocast train crossval" + " --elsewhere DIR" * ("elsewhere" in report)


def _network(report: dict[str, Any]) -> str:
    """Say which network this is."""
    if "elsewhere" in report:
        return "The network is not the shipped one."
    return "The network is the float parent of the shipped graph."


def _elsewhere(report: dict[str, Any]) -> str:
    """Say who else taught the network, where anybody did."""
    if "elsewhere" not in report:
        return ""
    site = report["elsewhere"]
    return f"""
In every fold {site["patients"]} patients of {site["source"]} taught it too, with {site["rows"]:,} landmarks
of MAP joined by straight lines where it was told more seldom than every 10 s. None of them is judged, and no
comparator sees them.
"""


def _error(found: dict[str, Any], name: str) -> str:
    ours, last = (found[model][name]["value"] for model in (OURS, LAST_VALUE))
    return f"{ours:.2f} ({last:.2f}, {_interval(found['last_minus_ours'][name], digits=2)})"


def _interval(found: dict[str, float], digits: int = 3) -> str:
    value, low, high = (f"{found[name]:.{digits}f}" for name in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"
