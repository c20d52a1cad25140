"""What a virtual monitor says to our session in a conversation: bytes that anyone can make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from barocast.plugin.feeds import find_feed

if TYPE_CHECKING:
    from barocast.plugin.virtual.monitor import VirtualMonitor

TICKS_PER_S = 10
"""How often both ends are asked what is due."""


def spoken(feed: str, monitor: VirtualMonitor, seconds: float) -> bytes:
    """Let the feed's session talk to the monitor; give what the monitor says."""
    make = find_feed(feed).session
    if make is None:
        raise ValueError(f"{feed} has a virtual monitor and no session")
    session, said, reply = make(), bytearray(), b""
    for tick in range(round(seconds * TICKS_PER_S)):
        now_s = tick / TICKS_PER_S
        heard = monitor.receive(reply, now_s) + monitor.due(now_s)
        _, answer = session.receive(heard, now_s)
        reply = answer + session.due(now_s)
        said += heard
    return bytes(said)
