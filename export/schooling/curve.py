"""A learning curve: how the loss fell, at which learning rate, and what was watched meanwhile."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Point:
    """What was noted after one step."""

    step: int
    """Steps taken so far."""
    loss: float
    """Mean over the steps since the former point."""
    learning_rate: float
    """Of this step."""
    watched: Mapping[str, float] = field(default_factory=dict)
    """Figures of the averaged weights; empty where nobody looked."""


@dataclass(frozen=True, slots=True)
class Curve:
    """All points of a run, resumed ones included, in order."""

    points: tuple[Point, ...] = ()

    def watched(self, name: str) -> tuple[list[int], list[float]]:
        """Give the steps at which a figure was watched, and the figure."""
        seen = [(point.step, point.watched[name]) for point in self.points if name in point.watched]
        return [step for step, _ in seen], [figure for _, figure in seen]

    @property
    def names(self) -> list[str]:
        """Every figure that was watched, sorted."""
        return sorted({name for point in self.points for name in point.watched})


def to_plain(points: Sequence[Point]) -> list[dict[str, Any]]:
    """Give what JSON can hold; a figure that is no number becomes null."""
    return [
        {
            "step": point.step,
            "loss": point.loss,
            "learning_rate": point.learning_rate,
            "watched": {n: v if math.isfinite(v) else None for n, v in point.watched.items()},
        }
        for point in points
    ]


def from_plain(points: Sequence[Mapping[str, Any]]) -> list[Point]:
    """Undo to_plain."""
    return [
        Point(
            point["step"],
            point["loss"],
            point["learning_rate"],
            {n: math.nan if v is None else v for n, v in point["watched"].items()},
        )
        for point in points
    ]
