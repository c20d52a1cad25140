"""The account as one SVG picture: what each change costs, with its interval, at each horizon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from barocast.calibration.report.canvas import drawing, svg
from barocast.export.ledger.arms import TEACHER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure

ROW_IN: Final = 0.28
MARGIN_IN: Final = 1.2


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
            found = scores[name]["ours_minus"]
            axis.plot([found["low"], found["high"]], [row, row], "-", color="C0")
            axis.plot(found["value"], row, "o", color="C0", markersize=4)
        axis.axvline(0, color="0.6", linewidth=1)
        axis.set(title=f"{minutes} min", yticks=range(len(names)), yticklabels=[])
    axes[0].set_yticklabels(list(reversed(names)))
    return figure
