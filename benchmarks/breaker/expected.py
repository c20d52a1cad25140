"""When a forecast stands, said a second time from the documented rules and from nothing else.

two of two risks >= .5 within 600 s raise it, 300 s after the last one that was raised at the soonest;
below .4 it ends; after ten minutes it is raised anew or ends; a minute without a risk takes it away;
a risk of a patient who is hypotensive already may end it, and begins nothing
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

ON, OFF, TWO = 0.5, 0.4, 2
MEMORY_S, REFRACTORY_S, HORIZON_S, CURRENT_S = 600.0, 300.0, 600.0, 60.0


@dataclass(slots=True)
class Expected:
    """Of one patient. All times are simulated seconds."""

    risk_s: float
    """Of the latest risk; of the beginning, before the first."""
    active: bool = False
    raised_s: float = -math.inf
    fired_s: float = -math.inf
    recent: list[tuple[float, float]] = field(default_factory=list)

    def stands(self, now_s: float) -> bool:
        """Whether it must be shown now; and otherwise it must not."""
        return self.active and not self.expired(now_s)

    def expired(self, now_s: float) -> bool:
        """Whether there is no forecast any more, which must be said instead."""
        return now_s - self.risk_s >= CURRENT_S

    def hear(self, p: float, now_s: float, *, hypotensive: bool) -> None:
        """Take a risk that the model gave."""
        gap_s, expired = now_s - self.risk_s, self.expired(now_s)
        self.risk_s = now_s
        if self.active and expired:
            self._go_on(now_s, met=p >= ON and not hypotensive and gap_s <= MEMORY_S)
        elif expired:
            self._go_on(now_s, met=False)
        if hypotensive:
            self.active, self.recent = (False, []) if self.active and p < OFF else (self.active, self.recent)
            return
        if self.active and now_s - self.raised_s >= HORIZON_S:
            self._go_on(now_s, met=p >= ON)
        self.recent = [*self.recent, (now_s, p)][-TWO:]
        if self.active and p < OFF:
            self.active, self.recent = False, []
        elif not self.active and self._met(now_s) and now_s - self.fired_s >= REFRACTORY_S:
            self.active, self.raised_s, self.fired_s = True, now_s, now_s

    def _go_on(self, now_s: float, *, met: bool) -> None:
        """Raise what stands anew, or let it end; exceedances that are fresh count on."""
        if self.active and met:
            self.raised_s = now_s
            return
        self.active = False
        self.recent = [seen for seen in self.recent if now_s - seen[0] <= MEMORY_S]

    def _met(self, now_s: float) -> bool:
        high = [at_s for at_s, p in self.recent if p >= ON and now_s - at_s <= MEMORY_S]
        return len(high) >= TWO
