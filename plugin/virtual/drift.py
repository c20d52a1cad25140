"""A monitor's clock that runs fast or slow for a while: true seconds to told ones and back.

Both count from the same start. What a drift has put between them stays when it ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from barocast.plugin.virtual.troubles import Trouble

if TYPE_CHECKING:
    from collections.abc import Iterable

    from barocast.plugin.virtual.troubles import Order

_ROUNDS: Final = 4
"""Each leaves a thousandth of the error of the last, at drifts of milliseconds per second."""


class DriftingClock:
    """The clock of one monitor under its orders; the drifts among them count."""

    def __init__(self, orders: Iterable[Order]) -> None:
        self._drifts = [order for order in orders if order.trouble is Trouble.DRIFT]

    def told_s(self, true_s: float) -> float:
        """Give what the clock shows."""
        return true_s + self._ahead_s(true_s)

    def true_s(self, told_s: float) -> float:
        """Give when it shows that."""
        true_s = told_s
        for _ in range(_ROUNDS):
            true_s = told_s - self._ahead_s(true_s)
        return true_s

    def _ahead_s(self, true_s: float) -> float:
        return sum(
            min(max(true_s - drift.at_s, 0.0), drift.duration_s) * drift.ms_per_s / 1000
            for drift in self._drifts
        )
