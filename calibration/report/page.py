"""The report as one HTML file that stands alone: no script, no font, no picture from anywhere else.

In: the report's plain values. Out: HTML text. Every number on the page is one of report.json, printed; where
a figure does not exist the page says so in words. Cautions come first, because a reader who stops there
should have read them.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from barocast.calibration.report import printed
from barocast.calibration.report.card import card, not_shown
from barocast.calibration.report.cautions import cautions
from barocast.calibration.report.gallery import PICTURES, hang
from barocast.calibration.report.tripod import ITEMS

if TYPE_CHECKING:
    from collections.abc import Mapping

TEMPLATE: Final = "page.html"
FILTERS: Final = ("alarmed", "estimate", "interval", "listed", "number", "share")
"""Of `printed`, for the template."""


def page(report: Mapping[str, Any], pictures: Mapping[str, str] | None = None) -> str:
    """Give the page; `pictures` where they have been drawn already."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {name: getattr(printed, name) for name in FILTERS}
    text = files("barocast.calibration.report").joinpath(TEMPLATE).read_text(encoding="utf-8")
    drawn = hang(report) if pictures is None else pictures
    return environment.from_string(text).render(
        report=report,
        pictures={name: Markup(picture) for name, picture in drawn.items()},  # noqa: S704 - our own SVG
        otherwise={name: picture.otherwise for name, picture in PICTURES.items()},
        cautions=cautions(report),
        not_shown=not_shown(report),
        card=card(report),
        checklist=ITEMS,
    )
