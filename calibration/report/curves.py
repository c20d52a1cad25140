"""The curves of a report, each a function of the report's plain values that gives a picture.

Every axis names its unit, every band says what it is in the caption beside it (page.html), and a figure that
does not exist is left out and never drawn as 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from barocast.calibration.figures.verdict import AIMS
from barocast.calibration.report.canvas import (
    DASHED,
    FAINT,
    HORIZON_COLOURS,
    INK,
    OTHER,
    OURS,
    QUIET,
    drawing,
    write_on,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Report = Mapping[str, Any]

LEAD_BINS: Final = 20
LEAST_TOP: Final = 0.3
"""Of the risk axis: a picture that shows less makes noise look large."""


def reliability(report: Report) -> Figure:
    """Draw observed frequency against risk with its band, and how often each risk was given."""
    n = len(report["risk"])
    figure, axes = drawing(2, n, 4.8)
    for (minutes, found), above, below in zip(report["risk"].items(), axes[:n], axes[n:], strict=True):
        top = max([LEAST_TOP, *found["curve"]["risk"]])
        _curve(above, found["curve"], top)
        _histogram(below, found["histogram"], top)
        above.set_title(f"{minutes} min")
    axes[0].set_ylabel("observed frequency")
    axes[n].set_ylabel("landmarks")
    return figure


def _curve(axis: Axes, curve: Mapping[str, Sequence[float]], top: float) -> None:
    axis.plot([0, top], [0, top], color=QUIET, linewidth=1, linestyle=DASHED)
    axis.fill_between(curve["risk"], curve["low"], curve["high"], color=FAINT, linewidth=0)
    axis.plot(curve["risk"], curve["value"], color=OURS, linewidth=2)
    axis.set(xlim=(0, top), ylim=(0, top), box_aspect=0.8)
    if not curve["risk"]:
        write_on(axis, "no landmark to judge")


def _histogram(axis: Axes, histogram: Mapping[str, Sequence[float]], top: float) -> None:
    edges, rows = np.array(histogram["edges"]), np.array(histogram["rows"])
    axis.bar(edges[:-1], rows, width=np.diff(edges), align="edge", color=OURS, edgecolor="white")
    axis.set(xlim=(0, top), yscale="log", ylim=(0.7, 2 * max(rows.max(), 5)), xlabel="forecast risk")
    axis.set_box_aspect(0.45)
    axis.yaxis.set_major_locator(LogLocator(10, numticks=8))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:,.0f}"))
    axis.yaxis.set_minor_formatter(NullFormatter())


def discrimination(report: Report) -> Figure:
    """Draw ROC, and precision against recall with the prevalence."""
    figure, (roc, precision) = drawing(1, 2, 4.6)
    roc.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle=DASHED)
    for minutes, found in report["risk"].items():
        if not np.isfinite(found["auroc"]["value"]):
            continue
        points, colour = found["operating_points"], HORIZON_COLOURS[minutes]
        label = f"{minutes} min, AUROC {found['auroc']['value']:.3f}"
        roc.plot(1 - np.array(points["specificity"]), points["sensitivity"], color=colour, label=label)
        label = f"{minutes} min, AUPRC {found['auprc']['value']:.3f}"
        precision.plot(points["sensitivity"][1:], points["precision"][1:], color=colour, label=label)
        precision.axhline(found["prevalence"]["value"], color=colour, linewidth=1.2, linestyle=(0, (1, 2)))
    roc.set(title="ROC", xlabel="1 - specificity", ylabel="sensitivity", box_aspect=0.85)
    precision.set(
        title="Precision and recall", xlabel="sensitivity (recall)", ylabel="precision", box_aspect=0.85
    )
    for axis in (roc, precision):
        axis.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
        axis.legend(loc="lower right" if axis is roc else "upper right")
    return figure


def alarm_burden(report: Report) -> Figure:
    """Draw event sensitivity against alarms per hour at every threshold, and the leads of the shipped one."""
    figure, (swept, leads) = drawing(1, 2, 4.0)
    _sweep(swept, report["alarm"])
    minutes = report["alarm"]["leads_min"]
    leads.set(title="Lead at the shipped threshold", xlabel="minutes from alarm to onset", ylabel="events")
    leads.set_xlim(0, report["alarm"]["horizon_min"])
    if minutes:
        leads.hist(
            minutes, bins=LEAD_BINS, range=(0, report["alarm"]["horizon_min"]), color=OURS, edgecolor="white"
        )
        leads.yaxis.set_major_locator(MaxNLocator(integer=True))
    else:
        write_on(leads, "no event had an alarm before it")
    return figure


def _sweep(axis: Axes, alarm: Mapping[str, Any]) -> None:
    shipped = alarm["shipped"]
    for name, colour, label in (
        ("event_sensitivity", OURS, "any lead"),
        ("sensitivity_lead_5min", OTHER, "5 min ahead or more"),
    ):
        points = sorted((point["alarms_per_hour"], point[name]) for point in alarm["sweep"])
        rates, shares = np.array(points).T
        axis.scatter(rates, shares, color=colour, s=9, alpha=0.45, linewidths=0)
        best = np.maximum.accumulate(shares)
        axis.plot(rates, best, color=colour, drawstyle="steps-post", linewidth=1.8, label=label)
        axis.scatter(shipped["alarms_per_hour"], shipped[name], s=70, color=colour, edgecolor=INK, zorder=3)
    axis.annotate(
        "shipped",
        (shipped["alarms_per_hour"], shipped["event_sensitivity"]),
        (9, -12),
        textcoords="offset points",
        fontweight="bold",
    )
    axis.set(title="Alarm burden", xlabel="alarms per hour", ylabel="share of events alarmed", ylim=(0, 1.03))
    axis.set_xlim(left=0)
    axis.legend(loc="upper left" if shipped["event_sensitivity"] < 1 / 2 else "lower right")


def net_benefit(report: Report) -> Figure:
    """Draw decision curves."""
    figure, axes = drawing(1, len(report["risk"]), 3.4)
    for axis, (minutes, found) in zip(axes, report["risk"].items(), strict=True):
        curve, prevalence = found["net_benefit"], found["prevalence"]["value"]
        axis.set(title=f"{minutes} min", xlabel="risk at which one acts")
        if not prevalence > 0:
            write_on(axis, "no event to act on")
            continue
        axis.axhline(0, color=INK, linewidth=1, label="act never")
        axis.plot(curve["threshold"], curve["everyone"], color=OTHER, linestyle=DASHED, label="act always")
        axis.fill_between(curve["threshold"], curve["low"], curve["high"], color=FAINT, linewidth=0)
        axis.plot(curve["threshold"], curve["value"], color=OURS, label="act on the forecast")
        axis.set_ylim(-0.35 * prevalence, max(prevalence * 1.1, curve["high"][0]))
        axis.legend(loc="upper right", fontsize=8.5)
    axes[0].set_ylabel("net benefit per landmark")
    return figure


def forecast(report: Report) -> Figure:
    """Draw error and coverage of the MAP forecast over the minutes ahead."""
    figure, (error, band) = drawing(1, 2, 3.4)
    found = report["forecast"]
    minutes, steps = found["minutes"], found["by_minute"]
    error.plot(
        minutes,
        [step["last_value_mae_mmhg"] for step in steps],
        color=OTHER,
        linestyle=DASHED,
        label="last value",
    )
    error.plot(minutes, [step["mae_mmhg"] for step in steps], color=OURS, label="forecast")
    error.set(title="Mean absolute error", xlabel="minutes ahead", ylabel="mmHg", ylim=(0, None))
    error.legend(loc="lower right")
    shares = [step["coverage_80"] for step in steps]
    band.axhspan(AIMS["coverage_80"].low, AIMS["coverage_80"].high, color=FAINT, linewidth=0)
    band.plot(minutes, shares, color=OURS)
    band.set(title="Coverage of the 80 % band", xlabel="minutes ahead", ylabel="share inside")
    band.set_ylim(min(0.5, min(shares) - 0.05), 1.02)
    return figure
