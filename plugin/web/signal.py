"""Whether the arterial pressure can be used now, and if not why, as a sentence for the screen.

What is wrong with a signal that is there comes from runtime/signal_status.py, as the alarm system has it;
what is not there at all, or no longer, is said here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from barocast.runtime.domain import Reason
from barocast.runtime.signal_status import FOLLOWS, words_of
from barocast.runtime.timeline import CURRENT_S

if TYPE_CHECKING:
    from barocast.plugin.sinks.view import View

STALE: Final = "stale"
ABSENT: Final = frozenset({Reason.CODE, Reason.MISSING, Reason.UNAVAILABLE})
"""Reasons by which the monitor says that it has no number."""


@dataclass(frozen=True, slots=True)
class Signal:
    """Whether a forecast has something to stand on."""

    usable: bool
    reason: str | None = None
    """A stable word; None when usable."""
    words: str = ""
    """One sentence; empty when usable."""


GOOD: Final = Signal(usable=True)


def signal_of(view: View) -> Signal:
    """Judge what the screen knows of MAP. A jump that is still to be confirmed is no news of the signal."""
    mean = view.numerics.get("ABP_MEAN")
    if view.signal is not None:
        return _unusable(str(view.signal), words_of(view.signal))
    if mean is None or mean.reason in ABSENT:
        return _unusable(str(Reason.MISSING), f"the monitor gives no arterial pressure; {FOLLOWS}")
    if mean.age_s > CURRENT_S:
        return _unusable(STALE, f"the last arterial pressure is {mean.age_s:.0f} s old; {FOLLOWS}")
    return GOOD


def _unusable(reason: str, words: str) -> Signal:
    return Signal(usable=False, reason=reason, words=f"{words[0].upper()}{words[1:]}.")
