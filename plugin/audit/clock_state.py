"""What a row says of time: both clocks, the boot, and whether the wall clock can be believed.

    StepWatch.moment()  -> Moment       to be stamped on a row
    StepWatch.stepped() -> seconds      by which the wall clock was set since the last look; 0.0: not

Seconds since boot cannot be set by anybody, so wall minus boot time moves only when somebody sets the wall
clock. A box without a network is never `synced`; then `stepped` says that the rows of this boot do not share
one wall clock. Rows are ordered by their sequence and by `t_s` within a boot, never by the wall clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from barocast.plugin import clock

if TYPE_CHECKING:
    from collections.abc import Callable

STEP_S: Final = 1.0
"""Seconds; less is a clock that is slewed, or a slow look at two clocks."""


class ClockState(str, Enum):
    """Whether the wall clock follows a reference."""

    SYNCED = "synced"
    UNSYNCED = "unsynced"
    STEPPED = "stepped"
    """Set by more than STEP_S since the log was opened, and following nothing."""

    def __str__(self) -> str:
        """Print the word that a row carries, on every Python alike."""
        return self.value


@dataclass(frozen=True, slots=True)
class ClockSources:
    """Where time comes from: the box's own clocks, or a test's."""

    boottime_s: Callable[[], float] = clock.boottime_s
    """Seconds since boot."""
    wall_s: Callable[[], float] = clock.wall_s
    """Seconds since 1970."""
    wall_time: Callable[[], str] = clock.wall_time
    """ISO 8601, UTC."""
    boot_id: Callable[[], str] = clock.boot_id
    synced: Callable[[], bool] = clock.synced


@dataclass(frozen=True, slots=True)
class Moment:
    """When something happened, as far as the box knows."""

    t_s: float
    """Seconds since boot."""
    boot_id: str
    wall: str
    """ISO 8601, UTC."""
    clock: ClockState


class StepWatch:
    """Looks at both clocks."""

    def __init__(self, sources: ClockSources) -> None:
        self._sources = sources
        self._boot_id = sources.boot_id()
        self._offset_s = self._offset()
        self._has_stepped = False

    def moment(self, wall: str = "") -> Moment:
        """Give now; `wall` is the caller's own reading where it has made one."""
        sources = self._sources
        return Moment(sources.boottime_s(), self._boot_id, wall or sources.wall_time(), self.state)

    @property
    def state(self) -> ClockState:
        """What the wall clock is worth now."""
        if self._sources.synced():
            return ClockState.SYNCED
        return ClockState.STEPPED if self._has_stepped else ClockState.UNSYNCED

    def stepped(self) -> float:
        """Give the seconds by which the wall clock was set since the last look; each step is told once."""
        offset_s = self._offset()
        step_s, self._offset_s = offset_s - self._offset_s, offset_s
        if abs(step_s) <= STEP_S:
            return 0.0
        self._has_stepped = True
        return step_s

    def _offset(self) -> float:
        return self._sources.wall_s() - self._sources.boottime_s()
