"""Whether a feed is heard: arrivals of usable samples in; silent, standing still, or well out.

    hear(events, now)   -> seconds of the silence that ends with them, None where none was declared
    silence_due(now)    -> whether there is silence to declare: first, again every `every_s`, and on a change
    stands(now)         -> whether values come, all dated alike: nobody knows when they were measured

Only the arrival clock can see silence. A feed whose clock stands still is not lost: its clock is unusable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeGuard

from barocast.runtime.domain import Sample, WaveChunk

if TYPE_CHECKING:
    from barocast.runtime.domain import Event

STANDS: Final = "the feed's clock stands still"


class FeedHearing:
    """One feed, from here."""

    def __init__(self, stale_s: float, every_s: float) -> None:
        """`stale_s` without a usable sample that moves in time is silence, said again `every_s`."""
        self._stale_s = stale_s
        self._every_s = every_s
        self._heard_s: float | None = None
        self._stood_s: float | None = None
        """When the last usable sample came whose time had not moved; None since one that had."""
        self._times: dict[str, float | None] = {}
        """Channel (empty: none of ours) -> device time of its last usable sample."""
        self._declared_s: float | None = None
        self._declared_stands = False

    def hear(self, events: list[Event], now_s: float) -> float | None:
        """Take what came, empty for nothing."""
        was_silent = self.silent_s(now_s)
        usable = {event.channel or "": event.t_s for event in events if _usable(event)}
        moved = any(name not in self._times or self._times[name] != t_s for name, t_s in usable.items())
        self._times |= usable
        if self._heard_s is not None and not moved:
            self._stood_s = now_s if usable else self._stood_s
            return None
        self._heard_s, self._stood_s = now_s, None
        if self._declared_s is None:
            return None
        self._declared_s = None
        return was_silent

    def silence_due(self, now_s: float) -> bool:
        """Whether silence has to be said, for the first time or again; taken for said."""
        if self.silent_s(now_s) < self._stale_s:
            return False
        stands = self.stands(now_s)
        recent = self._declared_s is not None and now_s - self._declared_s < self._every_s
        if recent and stands == self._declared_stands:
            return False
        self._declared_s, self._declared_stands = now_s, stands
        return True

    def stands(self, now_s: float) -> bool:
        """Whether it is only the feed's clock that does not move."""
        late = self.silent_s(now_s) >= self._stale_s
        return late and self._stood_s is not None and now_s - self._stood_s < self._stale_s

    def silent_s(self, now_s: float) -> float:
        """Seconds since the last usable sample; 0 before anything was expected."""
        return 0.0 if self._heard_s is None else now_s - self._heard_s


def _usable(event: Event) -> TypeGuard[Sample | WaveChunk]:
    return isinstance(event, Sample | WaveChunk) and event.valid
