"""What kinds of feed there are: found by entry point, so that a third party's driver is one of them.

A feed is a Feed value behind an entry point of the group `barocast.monitors`, under its name. Commands ask
here and nowhere else. Raises SettingsError for a name that nobody offers.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Final

from barocast.plugin.allowed import is_ours
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from barocast.runtime.decoders.demographics import Describer
    from barocast.runtime.sessions.session import Decoder, Session

GROUP: Final = "barocast.monitors"


@dataclass(frozen=True, slots=True)
class Feed:
    """One kind of feed."""

    name: str
    """As in --feed and [feed] kind."""
    decoder: Callable[[], Decoder]
    """For recorded bytes."""
    session: Callable[[], Session] | None
    """For a live connection; None where there is nothing to connect to."""
    schemes: tuple[str, ...]
    """Schemes of the addresses that it can be heard on (transports.addresses); empty without a session."""
    stale_s: float
    """Seconds without anything usable after which a live feed counts as lost."""
    describer: Callable[[], Describer] | None = None
    """For age, sex and size of the patient; None where the feed does not tell them."""


def feed_names() -> tuple[str, ...]:
    """Give the names of all feeds."""
    return tuple(sorted(point.name for point in entry_points(group=GROUP)))


def live_names() -> tuple[str, ...]:
    """Give the names of our own feeds that can be connected to; a stranger's is not loaded to be listed."""
    ours = sorted(point.name for point in entry_points(group=GROUP) if is_ours(point))
    return tuple(name for name in ours if find_feed(name).session is not None)


def find_feed(name: str) -> Feed:
    """Give a feed by its name."""
    found = sorted(entry_points(group=GROUP, name=name), key=is_ours)
    if not found:
        near = difflib.get_close_matches(name, feed_names(), n=1, cutoff=0.0)
        raise SettingsError(
            f"feed {name!r}: there is none of that name; the nearest is {near[0]!r}, "
            f"and all are {', '.join(feed_names())}"
        )
    point = found[-1]  # ours where there is one: no stranger takes its place
    feed = point.load()
    if not isinstance(feed, Feed):
        raise SettingsError(f"feed {name!r}: {point.value} is no Feed; mend the package that offers it")
    return feed
