"""The seam of every virtual monitor: what it hears, what it says, against a clock that is handed in.

A monitor may also be able to refuse a client in its protocol's own words (CanRefuse), to show an invented
patient (HasDemo), or to let go of its line (HasLink); who carries out a trouble asks for these.
"""

from __future__ import annotations

from enum import Enum
from typing import Protocol, runtime_checkable


class VirtualMonitor(Protocol):
    """One end of a cable, sans-IO."""

    def receive(self, data: bytes, now_s: float) -> bytes:
        """Take what the client sent; give the answer. `now_s` is monotonic."""

    def due(self, now_s: float) -> bytes:
        """Give what time alone makes due."""


class Link(Enum):
    """What becomes of the line between monitor and client."""

    UP = "up"
    MUTE = "mute"
    """It stands, and nothing passes."""
    SHUT = "shut"
    """A connection is closed, and no new one is taken or made."""
    GONE = "gone"
    """The peer has vanished without a word: half open for the client, and nobody takes a new connection."""


@runtime_checkable
class CanRefuse(Protocol):
    """Turns clients away in its own protocol."""

    def refuse(self, *, on: bool) -> bytes:
        """Begin or cease to; give what is said to the client of now, who is let go."""


@runtime_checkable
class HasDemo(Protocol):
    """Has a mode in which it shows an invented patient, and says so."""

    def demonstrate(self, *, on: bool) -> None:
        """Enter or leave it."""


@runtime_checkable
class HasLink(Protocol):
    """Decides over its line."""

    def link(self, now_s: float) -> Link:
        """Give the state of the line at `now_s`."""


def link_of(monitor: object, now_s: float) -> Link:
    """Give the state of a monitor's line; up where it does not decide over it."""
    return monitor.link(now_s) if isinstance(monitor, HasLink) else Link.UP
