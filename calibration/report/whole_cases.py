"""Cases drawn whole: MAP, onsets, risk and alarms. A patient's own series: it stays in the house."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration.report.canvas import DASHED, INK, OTHER, OURS, QUIET, drawing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CASE_IN: Final = 1.75
"""Height of a case."""
SHOWN_MMHG: Final = (30, 130)
GAP_S: Final = 31.0
"""Landmarks further apart are not joined by a line."""


def worst(report: Mapping[str, Any]) -> Figure:
    """Draw the worst cases, the worst on top."""
    cases, rules = report["worst"], report["alarm"]["rules"]
    figure, axes = drawing(len(cases), 1, 0.3 + CASE_IN * len(cases))
    for axis, case in zip(axes, cases, strict=True):
        _pressure(axis, case, report["about"]["event"]["below_mmhg"])
        _risk(axis, case, rules["p_on"])
        axis.set_title(f"case {case['case_id']}, mean log loss {case['log_loss']:.3f}", fontsize=9.5)
    axes[-1].set_xlabel("minutes of the case")
    return figure


def _pressure(axis: Axes, case: Mapping[str, Any], below_mmhg: float) -> None:
    minutes = np.arange(len(case["map_mmhg"])) * case["step_s"] / 60
    axis.plot(minutes, np.array(case["map_mmhg"], dtype=np.float64), color=INK, linewidth=0.8)
    axis.axhline(below_mmhg, color=QUIET, linewidth=0.8)
    axis.set(ylim=SHOWN_MMHG, ylabel="MAP, mmHg", xlim=(0, minutes[-1]))
    for onset in case["onsets_s"]:
        axis.axvline(onset / 60, color=OTHER, linewidth=1.2)


def _risk(axis: Axes, case: Mapping[str, Any], p_on: float) -> None:
    """Draw risks on an axis of their own, the threshold dashed, the alarms as marks on top."""
    risk = axis.twinx()
    risk.grid(visible=False)
    risk.spines["right"].set_visible(True)
    for run in _runs(case["t_s"], case["p"]):
        risk.plot([t_s / 60 for t_s, _ in run], [p for _, p in run], color=OURS, linewidth=1.2)
    risk.axhline(p_on, color=OURS, linewidth=0.7, linestyle=DASHED)
    alarms = [t_s / 60 for t_s in case["alarms_s"]]
    risk.scatter(alarms, [1.0] * len(alarms), marker="v", color=OURS, s=26, zorder=3)
    risk.set(ylim=(0, 1.1), yticks=(0, 0.5, 1))
    risk.set_ylabel("risk", color=OURS)
    risk.tick_params(axis="y", colors=OURS)


def _runs(t_s: Sequence[float], p: Sequence[float]) -> list[list[tuple[float, float]]]:
    """Give stretches without a gap: a line is never drawn over time in which nothing was said."""
    points = list(zip(t_s, p, strict=True))
    cuts = [place + 1 for place, (a, b) in enumerate(pairwise(t_s)) if b - a > GAP_S]
    return [points[start:stop] for start, stop in pairwise([0, *cuts, len(points)])] if points else []
