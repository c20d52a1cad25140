"""The look that every picture of a report shares, and a picture as SVG text.

Pictures are drawn with matplotlib's object interface: no global state, no window, and the same values give
the same bytes. Colours are told apart by colour-blind eyes too (Okabe and Ito 2008), and by label.
"""

from __future__ import annotations

import io
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape

import matplotlib as mpl
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from matplotlib.axes import Axes

INK: Final = "#1b2733"
QUIET: Final = "#8a97a3"
GRID: Final = "#e3e8ec"
OURS: Final = "#0072b2"
OTHER: Final = "#d55e00"
FAINT: Final = "#b9d6e8"
DASHED: Final = (0, (4, 3))
HORIZON_COLOURS: Final = MappingProxyType({"5": "#d55e00", "10": "#0072b2", "15": "#009e73"})
WIDTH_IN: Final = 10.0
_STYLE: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": 10.0,
        "axes.edgecolor": QUIET,
        "axes.labelcolor": INK,
        "axes.titlesize": 11.0,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": GRID,
        "xtick.color": INK,
        "ytick.color": INK,
        "text.color": INK,
        "legend.frameon": False,
        "svg.fonttype": "path",
        "svg.hashsalt": "barocast",
    }
)
_IDS: Final = re.compile(r'(?<=[ "(])(id="|(?:xlink:)?href="#|url\(#)')
"""Where an SVG names its parts, or one of them."""
_POINTS: Final = re.compile(r"(?<= d=\")[^\"]*")
_EXCESS: Final = re.compile(r"(\.\d\d)\d+")
"""Of a path's points: a hundredth of a point is finer than any screen."""
_SPARE: Final = re.compile(r"<metadata>.*?</metadata>|(?<=>)\s+(?=<)|<!--.*?-->", re.DOTALL)
"""What only a person who reads the source would look at."""


def drawing(rows: int, columns: int, height_in: float) -> tuple[Figure, list[Axes]]:
    """Give an empty picture of `rows` x `columns` axes, row by row."""
    figure = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
    return figure, [figure.add_subplot(rows, columns, place + 1) for place in range(rows * columns)]


def svg(draw: Callable[[], Figure], name: str, title: str) -> str:
    """Give the picture as an <svg> element, ready to stand in a page beside others.

    `title` tells those who cannot see it what it is; `name` keeps its parts apart from other pictures' parts.
    """
    out = io.StringIO()
    with mpl.rc_context(dict(_STYLE)):  # type: ignore[arg-type]  # its settings' names are three hundred literals
        draw().savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    text = _IDS.sub(rf"\1{name}-", text[text.index("<svg") :])
    text = _POINTS.sub(lambda points: " ".join(_EXCESS.sub(r"\1", points[0]).split()), _SPARE.sub("", text))
    told = f' role="img" aria-labelledby="{name}-title"><title id="{name}-title">{escape(title)}</title>'
    return text.replace(">", told, 1)


def write_on(axis: Axes, text: str) -> None:
    """Say in an empty axis why it is empty."""
    axis.text(0.5, 0.5, text, transform=axis.transAxes, ha="center", va="center", color=QUIET)
