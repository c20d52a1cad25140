"""Ways out by name: a sink that a site configures with a table of its own, `[sinks.NAME]`.

An entry point of the group `barocast.sinks` is a WayOut. Its `settings` is a frozen dataclass whose fields
are the table's keys, with defaults for those that may be left out; `open` makes the sink. Anything that
cannot be meant raises SettingsError, in `settings.__post_init__` or in `open`. Whatever else it needs
(a library of an extra) is imported in `open`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from barocast.plugin.sinks.sink import GROUP
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from barocast.plugin.sinks.sink import AlarmSink


@dataclass(frozen=True, slots=True)
class Origin:
    """Who speaks: what a message to the outside may say of itself. Nothing that identifies a person."""

    bed: str
    """[bed] name."""
    bundle: str
    """The model's id."""


@dataclass(frozen=True, slots=True)
class WayOut:
    """One kind of sink."""

    settings: type
    """Frozen dataclass of the keys of `[sinks.NAME]`."""
    open: Callable[[Any, Origin], AlarmSink]
    """Makes the sink; touches no device yet that could block."""


def way_out(name: str) -> WayOut:
    """Find the way out behind a name. Raises SettingsError."""
    found = [point for point in entry_points(group=GROUP) if point.name == name]
    if not found:
        offered = ", ".join(sorted(point.name for point in entry_points(group=GROUP))) or "none"
        raise SettingsError(f"[sinks.{name}]: nothing installed offers it (group {GROUP} has {offered})")
    way = found[0].load()
    if not isinstance(way, WayOut):
        raise SettingsError(f"[sinks.{name}]: takes no table; name it in [sinks] others")
    return way
