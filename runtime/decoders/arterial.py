"""Which of several arterial lines speaks for ABP_*: one at a time.

Order by label: ABP, ART, AORT, FEM, UAP, then by place (module channel). A better line takes over as
soon as it has a value. A worse one only after the chosen line has let PATIENCE values of others, or
PATIENCE_S of them, pass without one of its own: a line that is pulled must not end the forecast, one
that flickers must not flip it. Non-invasive pressure never stands in this queue.

A choice among waves may follow that among numbers: then a wave under another label than theirs is
another line, and does not speak. Under one label the places may differ: few gateways put both in one.
"""

from __future__ import annotations

import math
from typing import TypeAlias

LABELS = ("ABP", "ART", "AORT", "FEM", "UAP")
PATIENCE = 30
"""Values of other lines: about ten messages of systolic, diastolic and mean."""
PATIENCE_S = 60.0
"""Device time from the first of them: for gateways that send once a minute."""

Line: TypeAlias = "tuple[int, str]"
"""(rank of its label in LABELS, place): the smaller speaks."""


class LineChoice:
    """The chosen line of one stream; `leader`: the choice whose label it follows."""

    def __init__(self, leader: LineChoice | None = None) -> None:
        self.chosen: Line | None = None
        self._leader = leader
        self._passed_over = 0
        self._since_s = math.nan
        """Device time of the first value that was passed over."""

    def offer(self, line: Line, t_s: float | None = None) -> None:
        """Tell that `line` has a value, of this device time."""
        now_s = math.nan if t_s is None else t_s
        if not self._follows(line):
            return
        if self._gives_way(line, now_s):
            self.chosen = line
            self._passed_over, self._since_s = 0, math.nan
        else:
            self._passed_over += 1
            self._since_s = now_s if math.isnan(self._since_s) else self._since_s

    def speaks(self, line: Line) -> bool:
        """Say whether `line` may write ABP_*; without a choice anyone may (it has no value)."""
        return self._follows(line) and (self.chosen is None or line == self.chosen)

    def _gives_way(self, line: Line, now_s: float) -> bool:
        if self.chosen is None or line <= self.chosen or not self._follows(self.chosen):
            return True
        return self._passed_over >= PATIENCE or now_s - self._since_s >= PATIENCE_S

    def _follows(self, line: Line) -> bool:
        leading = self._leader.chosen if self._leader else None
        return leading is None or leading[0] == line[0]
