"""The desk: where people's acts wait until the bed's own loop takes them up.

    put(act)   from any thread (screen, command line)   -> Future of what came of it, "" or why it was refused
    take()     in the bed's loop, each turn             -> the acts that wait, oldest first

Nothing outside the bed's loop ever touches the bed: an act is at most one turn of the loop late.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from barocast.runtime.alarm.events import Operated
    from barocast.runtime.domain import Patient

MOST_WAITING: Final = 64
"""A loop that has not taken this many is stuck; whoever asks more is told so."""
STUCK: Final = "the bed does not answer; its service is stuck or stopping"


@dataclass(frozen=True, slots=True)
class Admit:
    """A new case begins; one that is open is discharged first."""

    patient: Patient


@dataclass(frozen=True, slots=True)
class Describe:
    """What is known of the patient of the open case, from now on."""

    patient: Patient


@dataclass(frozen=True, slots=True)
class Discharge:
    """The open case ends."""


Act: TypeAlias = "Operated | Admit | Describe | Discharge"


@dataclass(frozen=True, slots=True)
class Asked:
    """An act, and where its outcome is awaited."""

    act: Act
    outcome: Future[str] = field(default_factory=Future)
    """Empty: done; else why it was refused."""


class Desk:
    """A bounded queue between whoever operates a bed and the bed."""

    def __init__(self) -> None:
        self._waiting: deque[Asked] = deque()

    def put(self, act: Act) -> Future[str]:
        """Leave an act; its future is fulfilled by the bed's loop, or at once where the loop is stuck."""
        asked = Asked(act)
        if len(self._waiting) >= MOST_WAITING:
            asked.outcome.set_result(STUCK)
        else:
            self._waiting.append(asked)
        return asked.outcome

    def take(self) -> list[Asked]:
        """Give what waits, and forget it."""
        return [self._waiting.popleft() for _ in range(len(self._waiting))]
