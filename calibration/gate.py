"""A release held against floors: pass or fail, each with its reason.

In: the report's plain values and the site's floors, each a path into the report with the least or the most
that is accepted. Out: a Finding for each floor. A figure that does not exist fails: nothing passes unseen. A
floor may be set on the value or, harder, on the end of its interval (`risk.10.auroc.low`).
"""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Floor:
    """One condition. Raises ValueError where it accepts everything or nothing."""

    figure: str
    """Path into report.json, steps joined by dots: `alarm.shipped.alarms_per_hour`."""
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        if self.at_least is None and self.at_most is None:
            raise ValueError(f"{self.figure}: give at_least, at_most or both")
        if None not in (self.at_least, self.at_most) and self.at_least > self.at_most:  # type: ignore[operator]
            raise ValueError(f"{self.figure}: at_least {self.at_least} lies above at_most {self.at_most}")


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of a floor."""

    floor: Floor
    value: float | None
    passed: bool
    reason: str


def hold(report: Mapping[str, Any], floors: Sequence[Floor]) -> list[Finding]:
    """Hold a report against every floor. Raises ValueError for a path that no report has."""
    return [_finding(floor, _figure(report, floor.figure)) for floor in floors]


def _finding(floor: Floor, value: float | None) -> Finding:
    if value is None or not math.isfinite(value):
        return Finding(floor, None, passed=False, reason=f"{floor.figure}: could not be computed")
    low = floor.at_least is not None and value < floor.at_least
    high = floor.at_most is not None and value > floor.at_most
    asked = " and ".join(
        f"{word} {limit:g}"
        for word, limit in (("at least", floor.at_least), ("at most", floor.at_most))
        if limit is not None
    )
    passed = not (low or high)
    said = "is" if passed else "is not"
    return Finding(floor, value, passed, f"{floor.figure}: {value:.4g} {said} {asked}")


def _figure(report: Mapping[str, Any], path: str) -> float | None:
    at: Any = report
    for step in path.split("."):
        if not isinstance(at, dict) or step not in at:
            near = difflib.get_close_matches(path, list(_paths(report)), n=1, cutoff=0.0)
            raise ValueError(
                f"{path}: a report has no such figure; the nearest is {near[0] if near else 'none'}"
            )
        at = at[step]
    if at is not None and (isinstance(at, bool) or not isinstance(at, int | float)):
        raise ValueError(f"{path}: is no number; go on to one inside it")
    return at


def _paths(report: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, part in report.items():
        if isinstance(part, dict):
            yield from _paths(part, f"{prefix}{name}.")
        elif isinstance(part, int | float | None):
            yield f"{prefix}{name}"
