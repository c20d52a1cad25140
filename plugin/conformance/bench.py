"""What a feed is checked against: a virtual monitor, a recording, or both; found by entry point.

The entry point has the feed's name, in the group `barocast.virtual_monitors`. Behind it is a Bench, or just a
function that gives a fresh virtual monitor. One for datagrams gives lists of them in place of bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Said: TypeAlias = bytes | Sequence[bytes]
    """What a monitor says at once: a stretch of a stream, or datagrams."""

GROUP: Final = "barocast.virtual_monitors"


class Monitor(Protocol):
    """The far end of a line, sans-IO: virtual.monitor.VirtualMonitor, or its like over datagrams."""

    def receive(self, data: bytes, now_s: float, /) -> Said:
        """Take what the client sent; give the answer. `now_s` is monotonic."""

    def due(self, now_s: float, /) -> Said:
        """Give what time alone makes due."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What there is to check a feed with."""

    monitor: Callable[[], Monitor] | None = None
    """Gives a monitor that was switched on this moment; its clock starts the same each time."""
    recording: Callable[[], bytes] | None = None
    """Gives bytes that Feed.decoder reads; None: they are what the monitor says."""


def find_bench(name: str) -> Bench:
    """Give the bench of a feed, an empty one when nobody offers it. Raises SettingsError for a wrong one."""
    found = next((point for point in entry_points(group=GROUP) if point.name == name), None)
    if found is None:
        return Bench()
    offered = found.load()
    if isinstance(offered, Bench):
        return offered
    if not callable(offered):
        raise SettingsError(
            f"virtual monitor {name!r}: {found.value} is neither a Bench nor a function; mend its package"
        )
    return Bench(offered)
