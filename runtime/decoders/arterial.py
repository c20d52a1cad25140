"""Which of several arterial lines speaks for ABP_*: one at a time, numerics and waves each on their own.

Order by label: ABP, ART, AORT, FEM, UAP, then by place (module channel). A better line takes over as
soon as it has a value. A worse one only after the chosen line has let PATIENCE values of others pass
without one of its own: a line that is pulled must not end the forecast, one that flickers must not
flip it. Non-invasive pressure never stands in this queue.
"""

from __future__ import annotations

from typing import TypeAlias

LABELS = ("ABP", "ART", "AORT", "FEM", "UAP")
PATIENCE = 30
"""Values of other lines: about ten messages of systolic, diastolic and mean."""

Line: TypeAlias = "tuple[int, str]"
"""(rank of its label in LABELS, place): the smaller speaks."""


class LineChoice:
    """The chosen line of one stream."""

    def __init__(self) -> None:
        self.chosen: Line | None = None
        self._passed_over = 0

    def offer(self, line: Line) -> None:
        """Tell that `line` has a value."""
        if self.chosen is None or line <= self.chosen or self._passed_over >= PATIENCE:
            self.chosen = line
            self._passed_over = 0
        else:
            self._passed_over += 1

    def speaks(self, line: Line) -> bool:
        """Say whether `line` may write ABP_*; without a choice anyone may (it has no value)."""
        return self.chosen is None or line == self.chosen
