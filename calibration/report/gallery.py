"""Every picture of a report: how it is drawn, what it is called, and what is said where there is none.

`hang` gives name -> SVG text, empty where the report has nothing to draw. Pictures in AGGREGATE show no
single patient and may leave the house; the others may not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from barocast.calibration.report import curves, forests, whole_cases
from barocast.calibration.report.canvas import svg

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from matplotlib.figure import Figure

    Report = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Picture:
    """One of them."""

    draw: Callable[[Report], Figure]
    title: str
    """For those who cannot see it."""
    exists: Callable[[Report], bool]
    """Whether the report has anything to draw."""
    otherwise: str
    """What is said where it has not."""
    aggregate: bool = True
    """Whether it shows no single patient."""


def _judged(report: Report) -> bool:
    return any(found["rows"] for found in report["risk"].values())


def _both_classes(report: Report) -> bool:
    return any(math.isfinite(found["auroc"]["value"]) for found in report["risk"].values())


def _events(report: Report) -> bool:
    return bool(report["alarm"]["shipped"]["events"])


def _compared(report: Report) -> bool:
    return any(len(found["scores"]) > 1 and found["rows"] for found in report["comparison"].values())


NO_FORECAST: Final = "No picture: not one landmark got a forecast that can be judged."
NO_EVENT: Final = "No picture: no event followed any forecast, so there is nothing to tell apart or to find."
PICTURES: Final[Mapping[str, Picture]] = MappingProxyType(
    {
        "discrimination": Picture(
            curves.discrimination,
            "ROC curves and precision-recall curves of the risk at 5, 10 and 15 minutes",
            _both_classes,
            NO_EVENT,
        ),
        "reliability": Picture(
            curves.reliability,
            "Observed frequency against forecast risk with 95 % bands, and histograms of the risk",
            _judged,
            NO_FORECAST,
        ),
        "alarm_burden": Picture(
            curves.alarm_burden,
            "Share of events alarmed against alarms per hour over all thresholds; histogram of lead times",
            _events,
            NO_EVENT,
        ),
        "forecast": Picture(
            curves.forecast,
            "Mean absolute error of the MAP forecast and coverage of its 80 % band, by minutes ahead",
            lambda report: math.isfinite(report["forecast"]["mae_mmhg"]["value"]),
            NO_FORECAST,
        ),
        "comparators": Picture(
            forests.comparators,
            "AUROC with 95 % intervals of Barocast and of every comparator on the same rows",
            lambda report: _compared(report) and _both_classes(report),
            "No picture: there is nothing to compare with on these cases.",
        ),
        "net_benefit": Picture(
            curves.net_benefit,
            "Decision curves: net benefit of acting on the forecast, always, or never",
            _both_classes,
            NO_EVENT,
        ),
        "subgroups": Picture(
            forests.subgroups,
            "AUROC with 95 % intervals by subgroup of patients",
            lambda report: bool(report["subgroups"]) and _both_classes(report),
            "No picture: nothing is known of the patients, or no event followed any forecast.",
        ),
        "damage": Picture(
            forests.damage,
            "Change of AUROC with 95 % intervals for each kind of damaged input",
            lambda report: bool(report["damage"]) and _both_classes(report),
            "No picture: the cases were not played with damage, or no event followed any forecast.",
        ),
        "worst": Picture(
            whole_cases.worst,
            "Arterial pressure, onsets, risk and alarms of the cases with the highest log loss",
            lambda report: bool(report["worst"]),
            NO_FORECAST,
            aggregate=False,
        ),
    }
)


def hang(report: Report) -> dict[str, str]:
    """Draw every picture; empty text where there is nothing to draw."""
    return {name: _hung(name, picture, report) for name, picture in PICTURES.items()}


def _hung(name: str, picture: Picture, report: Report) -> str:
    return svg(lambda: picture.draw(report), name, picture.title) if picture.exists(report) else ""
