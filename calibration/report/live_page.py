"""The live report as one HTML file that stands alone, in the look of the validation's page.

In: the live report's plain values. Out: HTML text. What could not be computed is said in words.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

from barocast.calibration.figures.inputs import MARKED
from barocast.calibration.report import printed
from barocast.calibration.report.canvas import DASHED, OURS, QUIET, drawing, svg, write_on
from barocast.calibration.report.page import TEMPLATE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LIVE_TEMPLATE: Final = "live.html"
FILTERS: Final = ("estimate", "number", "share")
"""Of `printed`, for the template."""
ROLLING: Final = (
    ("observed_expected", "Observed / expected", 1.0),
    ("slope", "Calibration slope", 1.0),
    ("answered", "Share of landmarks answered", None),
    ("alarms_per_hour", "Alarms per hour", None),
    ("event_sensitivity", "Share of events alarmed", None),
)
"""Figure of a block, its title, and where it ought to lie."""
HEADROOM: Final = 1.08
"""Above the highest point, so that its mark is whole."""
PICTURE: Final = "Calibration, alarms and input drift of each block of cases, in their order"


def live_page(report: Mapping[str, Any]) -> str:
    """Give the page."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {name: getattr(printed, name) for name in FILTERS}
    picture = svg(lambda: rolling(report["rolling"]), "rolling", PICTURE)
    return environment.from_string(_text(LIVE_TEMPLATE)).render(
        report=report,
        style=Markup(_style()),  # noqa: S704 - our own style sheet
        picture=Markup(picture),  # noqa: S704 - our own SVG
        marked=MARKED,
    )


def rolling(blocks: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw each figure over the blocks, and the drift of each input where there is a reference."""
    figure, axes = drawing(2, 3, 5.0)
    places = range(1, len(blocks) + 1)
    for axis, (name, title, ideal) in zip(axes, ROLLING, strict=False):
        if ideal is not None:
            axis.axhline(ideal, color=QUIET, linewidth=1, linestyle=DASHED)
        axis.plot(places, [block[name] for block in blocks], color=OURS, marker="o")
        axis.set_title(title)
    _drift(axes[-1], [block["drift"] for block in blocks])
    for axis in axes:
        axis.set(xlabel="block of cases", xlim=(0.5, len(blocks) + 0.5))
        low, high = axis.get_ylim()
        axis.set_ylim(min(0.0, low), HEADROOM * max(1.0, high))
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def _drift(axis: Axes, drift: Sequence[Mapping[str, float]]) -> None:
    axis.set_title("Input drift, PSI")
    if not drift[-1]:
        write_on(axis, "no --reference")
        return
    axis.axhline(MARKED, color=QUIET, linewidth=1, linestyle=DASHED)
    for name in drift[-1]:
        axis.plot(range(1, len(drift) + 1), [of[name] for of in drift], marker="o", label=name)
    axis.legend(fontsize=8)


def _style() -> str:
    """Give the validation page's style sheet, so that there is one."""
    text, end = _text(TEMPLATE), "</style>"
    return text[text.index("<style>") : text.index(end) + len(end)]


def _text(name: str) -> str:
    return files("barocast.calibration.report").joinpath(name).read_text(encoding="utf-8")
