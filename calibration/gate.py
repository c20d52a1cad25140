"""A release held against floors: pass or fail, each with its reason.

In: the report's plain values and the site's floors, each a path into the report with the least or the most
that is accepted. Out: a Finding for each floor. A figure that could not be computed fails, and so does any of
a section that was left out: nothing passes unseen. A floor may be set on the value or, harder, on the end of
its interval (`risk.10.auroc.low`). A name in a path may hold dots (`subgroups.BMI.18.5 to 25.auroc.low`).
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
    leaves = dict(_leaves(report))
    return [_finding(floor, _figure(leaves, floor.figure)) for floor in floors]


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


def _figure(leaves: Mapping[str, Any], path: str) -> float | None:
    """Give a figure of a report laid flat; None where it could not be computed."""
    if _is_number(leaves.get(path)):
        return float(leaves[path])
    if any(f"{path}.".startswith(left_out) for left_out in _left_out(leaves)):
        return None
    if any(f"{leaf}.".startswith(f"{path}.") for leaf in leaves):
        raise ValueError(f"{path}: is no number; go on to one inside it")
    numbers = [leaf for leaf, value in leaves.items() if _is_number(value)]
    near = difflib.get_close_matches(path, numbers, n=1, cutoff=0.0)
    raise ValueError(f"{path}: a report has no such figure; the nearest is {near[0] if near else 'none'}")


def _left_out(leaves: Mapping[str, Any]) -> Iterator[str]:
    """Give the beginnings of the paths under which this report has nothing."""
    for leaf, value in leaves.items():
        if value is None or value == {}:
            yield f"{leaf}."
        elif leaf.endswith(".suppressed"):  # a subgroup with too few events for figures
            yield leaf.removesuffix("suppressed")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _leaves(report: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Give each path of a report that goes no further, with what it leads to."""
    for name, part in report.items():
        if isinstance(part, dict) and part:
            yield from _leaves(part, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", part
