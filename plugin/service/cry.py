"""What a bed's sinks are told while its loop is down: one technical condition, until it is up again.

    stopped(bed, why, now_s, occurrence) -> AlarmSnapshot

The alarm machine went down with the loop, so this one is made without it.
"""

from __future__ import annotations

from typing import Final

from barocast.runtime.alarm.events import AlarmSnapshot, Condition
from barocast.runtime.alarm.rules import Priority

STOPPED: Final = "bed stopped"


def stopped(bed: str, why: str, now_s: float, occurrence: int) -> AlarmSnapshot:
    """Say that nobody watches this patient now."""
    condition = Condition(
        STOPPED,
        Priority.MEDIUM,
        technical=True,
        text=f"{STOPPED}: {why}; starting again",
        source=bed,
        since_s=now_s,
        occurrence=occurrence,
    )
    return AlarmSnapshot(now_s, (condition,))
