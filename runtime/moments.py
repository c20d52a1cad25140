"""What was told of one time, kept together until it is complete: events in, runs of events out.

A judgement that compares values of one time must not depend on how the bytes were cut. So a moment
begins with the first event that tells something of its time, holds everything behind it (the order
stays), and ends with the first event that shows that the device's clock has gone on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from barocast.runtime.domain import Corrupt

if TYPE_CHECKING:
    from barocast.runtime.domain import Event

MAX_HELD: Final = 1024
"""Events held at most: more than any monitor tells at one time; beyond it the moment ends as it is."""


class Moment:
    """The events held at present; empty between two moments."""

    def __init__(self) -> None:
        self.t_s: float | None = None
        """Seconds on the device's clock; None for a feed without times."""
        self._events: list[Event] = []

    def __bool__(self) -> bool:
        """Tell whether anything is held."""
        return bool(self._events)

    @property
    def full(self) -> bool:
        """Whether no more may be held."""
        return len(self._events) >= MAX_HELD

    def ended_by(self, event: Event, *, tells: bool) -> bool:
        """Whether `event` belongs to another moment; `tells`: it is one of those that are compared.

        What is compared ends a moment by any other time, also an earlier one, so that a clock set back
        cannot hold the feed up; anything else (a wave, a late cuff) only by a later time.
        """
        if not self._events:
            return False
        t_s = None if isinstance(event, Corrupt) else event.t_s
        if tells:
            return t_s != self.t_s
        return t_s is not None and self.t_s is not None and t_s > self.t_s

    def hold(self, event: Event, t_s: float | None) -> None:
        """Keep `event` behind what is held; the first one gives the moment its time."""
        if not self._events:
            self.t_s = t_s
        self._events.append(event)

    def release(self) -> list[Event]:
        """Give what was held, in order, and begin anew."""
        held, self._events = self._events, []
        return held
