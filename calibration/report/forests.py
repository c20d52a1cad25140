"""Estimates with their intervals, one a line: comparators, subgroups, damaged input.

A line without a figure says why in words; it is never left blank, which would read as "no effect".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from barocast.calibration.report.canvas import INK, OURS, QUIET, drawing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Report = Mapping[str, Any]
    Line = tuple[str, Mapping[str, float] | None, str]
    """Label, the estimate, and what is said where there is none."""

LINE_IN: Final = 0.3
"""Height of a line."""


def comparators(report: Report) -> Figure:
    """Draw AUROC of every score with its interval, ours on top, all horizons on one scale."""
    horizons = report["comparison"]
    figure, axes = drawing(1, len(horizons), 1.0 + LINE_IN * len(next(iter(horizons.values()))["scores"]))
    for axis, (minutes, found) in zip(axes, horizons.items(), strict=True):
        scores = [(name, one["auroc"], "no figure") for name, one in found["scores"].items()]
        _lines(axis, scores, ours=0)
        axis.set(title=f"{minutes} min", xlabel="AUROC")
        axis.tick_params(labelleft=axis is axes[0])
    widest = [axis.get_xlim() for axis in axes]
    for axis in axes:
        axis.set_xlim(min(low for low, _ in widest), max(high for _, high in widest))
    return figure


def subgroups(report: Report) -> Figure:
    """Draw AUROC by subgroup, beside that of all."""
    minutes = str(report["alarm"]["horizon_min"])
    everyone = report["risk"][minutes]["auroc"]
    lines: list[Line] = [("everyone", everyone, "no figure")]
    for group, levels in report["subgroups"].items():
        for level, found in levels.items():
            label = f"{group}: {level}  (patients {found['patients']}, events {found['events']})"
            lines.append((label, found.get("auroc"), "too few to print a figure"))
    figure, (axis,) = drawing(1, 1, 1.0 + LINE_IN * len(lines))
    _lines(axis, lines, ours=0)
    axis.axvline(everyone["value"], color=OURS, linewidth=1, linestyle=(0, (1, 2)))
    axis.set(xlabel=f"AUROC, {minutes} min")
    return figure


def damage(report: Report) -> Figure:
    """Draw what each damage of the input costs in AUROC, paired."""
    minutes = str(report["alarm"]["horizon_min"])
    lines: list[Line] = []
    for name, found in report["damage"].items():
        one = found["horizons"][minutes]
        label = f"{name}  ({found['answered']:.0%} answered)"
        lines.append((label, one and one["change"], "nothing to judge"))
    figure, (axis,) = drawing(1, 1, 1.0 + LINE_IN * len(lines))
    _lines(axis, lines)
    axis.axvline(0, color=QUIET, linewidth=1)
    axis.set(xlabel=f"change of AUROC, {minutes} min: below 0 the damage costs")
    return figure


def _lines(axis: Axes, lines: Sequence[Line], ours: int | None = None) -> None:
    """Draw estimates with their intervals, the first on top; the one at `ours` in our colour."""
    for place, (_, found, otherwise) in enumerate(lines):
        if found is None or found["value"] != found["value"]:
            transform = axis.get_yaxis_transform()  # across in shares of the axis, up in lines
            axis.text(0.02, place, otherwise, color=QUIET, fontsize=9, va="center", transform=transform)
            continue
        colour = OURS if place == ours else INK
        axis.plot([found["low"], found["high"]], [place, place], color=colour, linewidth=1.6)
        axis.scatter(found["value"], place, color=colour, s=28, zorder=3)
    axis.set_ylim(len(lines) - 0.5, -0.5)
    axis.set_yticks(range(len(lines)), [label for label, _, _ in lines])
    axis.grid(visible=False, axis="y")
