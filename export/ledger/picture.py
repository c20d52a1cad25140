"""The account as one SVG picture: what each change costs, with its interval, at each horizon.

One scale for all, EDGE to either side, so that small changes can be told apart; what lies beyond it is
written there as a figure.
"""

from __future__ import annotations

from math import copysign
from typing import TYPE_CHECKING, Any, Final

from barocast.calibration.report.canvas import drawing, svg
from barocast.export.ledger.arms import TEACHER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW_IN: Final = 0.28
MARGIN_IN: Final = 1.2
EDGE: Final = 0.012
"""Of the scale, in AUROC."""


def ledger_svg(account: Mapping[str, Any]) -> str:
    """Give the arms and readings, the first of them on top, as an <svg> element."""
    title = "What each change costs: the teacher's AUROC less the arm's, with its 95 % interval"
    return svg(lambda: _drawn(account), "ledger", title)


def _drawn(account: Mapping[str, Any]) -> Figure:
    names = [name for name in account["arms"] if name != TEACHER]
    horizons = account["discrimination"]
    figure, axes = drawing(1, len(horizons), MARGIN_IN + ROW_IN * len(names))
    for axis, (minutes, scores) in zip(axes, horizons.items(), strict=True):
        for row, name in enumerate(reversed(names)):
            _draw(axis, row, scores[name]["ours_minus"])
        axis.axvline(0, color="0.6", linewidth=1)
        axis.set(title=f"{minutes} min", xlim=(-EDGE, EDGE), xticks=(-0.01, 0, 0.01))
        axis.set(ylim=(-0.7, len(names) - 0.3), yticks=range(len(names)), yticklabels=[])
    axes[0].set_yticklabels(list(reversed(names)))
    return figure


def _draw(axis: Axes, row: int, found: Mapping[str, float]) -> None:
    value = found["value"]
    if abs(value) > EDGE:
        side = "right" if value > 0 else "left"
        axis.text(
            copysign(EDGE, value), row, f"{value:+.3f} ", ha=side, va="center", color="C0", size="small"
        )
        return
    axis.plot([found["low"], found["high"]], [row, row], "-", color="C0")
    axis.plot(value, row, "o", color="C0", markersize=4)
