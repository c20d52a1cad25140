"""What the alarm machine has been told of the parts that failed, against what has failed now.

    news(failed now) -> what to tell: PartFailed for what is new or has another reason, PartWell for the rest

Level-triggered: the whole list is given at every turn, so that no trouble can be forgotten or hang.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from barocast.runtime.alarm.events import PartWell

if TYPE_CHECKING:
    from collections.abc import Iterable

    from barocast.runtime.alarm.events import Part, PartFailed


class Parts:
    """Of one bed."""

    def __init__(self) -> None:
        self._told: dict[tuple[Part, str], PartFailed] = {}

    def news(self, failed: Iterable[PartFailed]) -> list[PartFailed | PartWell]:
        """Compare, and take for told what is given."""
        now = {(one.part, one.source): one for one in failed}
        if now == self._told:
            return []
        well = [PartWell(part, source) for part, source in self._told if (part, source) not in now]
        broken = [one for key, one in now.items() if self._told.get(key) != one]
        self._told = now
        return [*well, *broken]
