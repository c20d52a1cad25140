"""How long a connection may be quiet before it is taken for half open, learned from the feed itself.

A peer that vanishes leaves a TCP connection that stays open for ever and gives nothing. How long is too long
differs by feed: one gateway sends every second, another every minute. So the usual pause between what
arrives decides; while it is not known patience is short. Where a fresh connection stays quiet as well it
doubles: a feed that is slow, or has become so, is soon left in peace. Only a connection can try it: a port on
which nobody has called is not quiet, but waits.
"""

from __future__ import annotations

import statistics
from collections import deque
from typing import Final

SHORTEST_S: Final = 15.0
"""Less would take a monitor's own short silence, or a busy network, for a dead one."""
LONGEST_S: Final = 150.0
"""Two and a half periods of the slowest gateways, a message a minute."""
PAUSES: Final = 5.0
"""Usual pauses missed in a row."""
LEAST_PAUSE_S: Final = 0.5
"""What comes closer together is one message in pieces."""
DOUBLINGS: Final = 4
"""After so many SHORTEST_S is beyond LONGEST_S: a count without end would overflow."""
KEPT: Final = 9
"""Pauses whose median is the usual one."""


class Patience:
    """The patience with one feed; times are monotonic seconds."""

    def __init__(self) -> None:
        self._pauses: deque[float] = deque(maxlen=KEPT)
        self._heard_s: float | None = None
        self._since_s: float | None = None
        """When the wait of now began: with the last bytes, or with the last connection."""
        self._vain = 0
        """Connections since anything was heard, up to DOUBLINGS."""

    def begins(self, now_s: float) -> None:
        """Tell that a connection stands: the wait of now is for what it will say."""
        self._since_s = now_s

    def heard(self, now_s: float) -> None:
        """Tell that something arrived."""
        if self._heard_s is not None and now_s - self._heard_s >= LEAST_PAUSE_S:
            self._pauses.append(now_s - self._heard_s)
        self._heard_s = self._since_s = now_s
        self._vain = 0

    def ends(self, now_s: float) -> bool:
        """Whether it is at an end; the next wait then begins."""
        if self._since_s is None:
            self._since_s = now_s
        if now_s - self._since_s < self.seconds:
            return False
        self._since_s = now_s
        self._vain = min(self._vain + 1, DOUBLINGS)
        return True

    @property
    def seconds(self) -> float:
        """How long the wait of now may last."""
        usual_s = statistics.median(self._pauses) if self._pauses else 0.0
        return min(max(PAUSES * usual_s, SHORTEST_S) * float(2**self._vain), LONGEST_S)
