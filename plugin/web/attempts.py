"""Wrong tokens: each is answered late, few at a time wait for that, and the page says that they come.

    await attempts.wrong()  -> status and words of the answer to one: 401 after LATE_S, or 429 at once
    attempts.trouble        -> one line while MANY came within LASTS_S; else ""

The right token is never late and never counted: nobody can lock out who has it, however many wrong ones
come. What protects is its length (access.LEAST_TOKEN); this slows a person or a simple program, and is seen.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

from barocast.plugin.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable

LATE_S: Final = 1.0
"""How long a wrong token waits for its answer."""
MOST_LATE: Final = 8
"""Wrong tokens that wait at a time: each holds a connection, and screens need those."""
MANY: Final = 5
"""More than a person who mistypes needs."""
LASTS_S: Final = 600.0
"""Seconds that they are spoken of."""
WRONG: Final = (401, "not the token of this box")
TOO_MANY: Final = (429, "too many wrong tokens at a time; try again")
TROUBLE: Final = (
    f"{MANY} or more wrong tokens came to the screen within {LASTS_S / 60:g} minutes; "
    "see who can reach its port, and give it a new token if one of them may have been near"
)


class Attempts:
    """Of one page. `trouble` may be asked for from any thread."""

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock or Clock()
        self._came_s: deque[float] = deque(maxlen=MANY)
        self._waiting = 0

    async def wrong(self) -> tuple[int, str]:
        """Note a wrong token, and give what it is answered when it is time to."""
        self._came_s.append(self._clock())
        if self._waiting >= MOST_LATE:
            return TOO_MANY
        self._waiting += 1
        try:
            await asyncio.sleep(LATE_S)
        finally:
            self._waiting -= 1
        return WRONG

    @property
    def trouble(self) -> str:
        """One line, the same as long as it holds: it is told once."""
        many = len(self._came_s) == MANY and self._clock() - self._came_s[0] < LASTS_S
        return TROUBLE if many else ""
