"""One client's time with its troubled monitor, along the whole live path: port, Line, serve, session, bed.

    monitor = troubled(rig, orders, seed)
    endure(rig, monitor, bundle, open_port, clock, seconds, sleep) -> Endured
    endure_in_memory(rig, orders, bundle, seconds, seed) -> Endured

`open_port` opens whatever line leads to the monitor: a pty, a socket, memory_line. The clock may run fast,
or be moved by hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from barocast.plugin.bedside import Bedside
from barocast.plugin.opening import at_once
from barocast.plugin.patience import Patience
from barocast.plugin.serve import Line, serve
from barocast.plugin.virtual.account import Account, Witness, account
from barocast.plugin.virtual.memory_line import HandClock
from barocast.plugin.virtual.tell_tale import TellTale
from barocast.plugin.virtual.troubled import TroubledMonitor
from barocast.runtime.engines import OrtEngine
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from barocast.plugin.transports.transport import Transport
    from barocast.plugin.virtual.rigs import Rig
    from barocast.plugin.virtual.troubles import Order
    from barocast.runtime.bundle import Bundle
    from barocast.runtime.domain import FeedCounts


@dataclass(frozen=True, slots=True)
class Endured:
    """What came of it."""

    account: Account
    counts: FeedCounts


def troubled(rig: Rig, orders: Iterable[Order], seed: int = 0) -> TroubledMonitor:
    """Give the rig's monitor with a patient who tells the time, in the troubles ordered."""
    return TroubledMonitor(rig.build, TellTale(), orders, seed=seed, checked=rig.checked)


def endure(
    rig: Rig,
    monitor: TroubledMonitor,
    bundle: Bundle,
    open_port: Callable[[], Transport],
    clock: Callable[[], float],
    seconds: float,
    sleep: Callable[[float], None],
) -> Endured:
    """Serve a bed for `seconds` of `clock`, and judge it. Raises SettingsError where there is no session."""
    return _served(rig, monitor, bundle, Line(open_port, _patience(rig)), clock, seconds, sleep)


def endure_in_memory(
    rig: Rig, orders: Iterable[Order], bundle: Bundle, seconds: float, seed: int = 0
) -> Endured:
    """Do the same without a port, on a clock moved by hand: an hour takes seconds."""
    clock, monitor = HandClock(), troubled(rig, orders, seed)
    line = Line(rig.in_memory(monitor, clock), _patience(rig), at_once)
    return _served(rig, monitor, bundle, line, clock, seconds, clock.sleep)


def _patience(rig: Rig) -> Patience | None:
    return Patience() if rig.connected else None


def _served(
    rig: Rig,
    monitor: TroubledMonitor,
    bundle: Bundle,
    line: Line,
    clock: Callable[[], float],
    seconds: float,
    sleep: Callable[[float], None],
) -> Endured:
    if rig.feed.session is None:
        raise SettingsError(
            f"feed {rig.feed.name!r}: there is nothing to connect to; take one with a session"
        )
    engine = OrtEngine(bundle)
    start_s = monitor.begin(clock())
    witness = Witness(bundle, engine, start_s)
    bedside = Bedside(
        name=rig.feed.name, session=rig.feed.session(), watch=witness, sinks=[], stale_s=rig.feed.stale_s
    )
    serve(bedside, line, clock=clock, until=lambda: clock() - start_s > seconds, sleep=sleep)
    return Endured(account(witness, monitor, rig, seconds), bedside.session.counts)
