"""Learning curves as one SVG picture: the loss, and each watched figure, over steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from barocast.calibration.report.canvas import QUIET, drawing, svg

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from barocast.export.schooling.curve import Curve

COLUMNS: Final = 2
ROW_IN: Final = 2.6
"""Height of a row of axes."""


def curves_svg(curves: Mapping[str, Curve], name: str = "curves") -> str:
    """Give the picture of one or several runs, named by their keys, as an <svg> element."""
    return svg(lambda: _drawn(curves), name, f"Learning curves of {', '.join(curves)}")


def _drawn(curves: Mapping[str, Curve]) -> Figure:
    figures = sorted({name for curve in curves.values() for name in curve.names})
    rows = -(-(2 + len(figures)) // COLUMNS)
    figure, axes = drawing(rows, COLUMNS, ROW_IN * rows)
    titles = ("loss", "learning rate", *figures)
    for axis, title in zip(axes, titles, strict=False):
        axis.set(title=title, xlabel="step")
        for run, curve in curves.items():
            axis.plot(*_line(curve, title), label=run)
    _name_lines(axes[0], len(curves))
    for spare in axes[len(titles) :]:
        spare.set_axis_off()
    return figure


def _line(curve: Curve, title: str) -> tuple[list[int], list[float]]:
    steps = [point.step for point in curve.points]
    if title == "loss":
        return steps, [point.loss for point in curve.points]
    if title == "learning rate":
        return steps, [point.learning_rate for point in curve.points]
    return curve.watched(title)


def _name_lines(axis: Axes, runs: int) -> None:
    if runs > 1:
        axis.legend(labelcolor=QUIET)
