"""The way out `pcd04`: alarms as IHE PCD-04 messages to an alarm manager, over MLLP on TCP or TLS.

    [sinks.pcd04]       address = "tcp://host:port" | "tls://host:port"
                        application, facility (MSH-5, MSH-6: the receiver's), processing = "P" | "T" | "D"
    [sinks.pcd04.tls]   certificate, key, ca, peer, mutual: as [feed.tls], with tls:// only

Nobody guarantees that a message arrives or is read: every one says so. What goes wrong is told to the bed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from barocast.plugin.clock import wall_s
from barocast.plugin.sinks.calling import Calling
from barocast.plugin.sinks.pcd04_session import NO_ANSWER, Pcd04Session
from barocast.plugin.sinks.posted import FAREWELL_S, PostedSink
from barocast.plugin.sinks.receiver import check_receiver, open_receiver
from barocast.plugin.sinks.way_out import Origin, WayOut
from barocast.plugin.transports.credentials import Credentials
from barocast.plugin.transports.transport import TransportLost
from barocast.runtime.encoders.pcd04 import Sender
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from barocast.plugin.sinks.posted import Dated
    from barocast.plugin.transports.transport import Transport

NAME: Final = "pcd04"
PROCESSING: Final = ("P", "T", "D")
READ_S: Final = 0.1
"""Longest wait for an answer before new states are looked at."""
SLICE_S: Final = 1.0
"""Longest turn while the receiver answers: a queue is sent in such slices."""


@dataclass(frozen=True, slots=True)
class Pcd04Settings:
    """The table [sinks.pcd04]."""

    address: str
    """tcp:// or tls://, where the receiver listens."""
    application: str = ""
    """MSH-5, where the receiver wants its name there."""
    facility: str = ""
    """MSH-6, likewise."""
    processing: str = "P"
    """MSH-11: P production, T training, D debugging."""
    tls: Credentials = field(default_factory=Credentials)

    def __post_init__(self) -> None:
        check_receiver(NAME, self.address, self.tls)
        if self.processing not in PROCESSING:
            raise SettingsError(f"processing: {self.processing!r} is not one of {', '.join(PROCESSING)}")


class Pcd04Work:
    """Keeps one receiver told."""

    every_change = True

    def __init__(
        self,
        session: Pcd04Session,
        open_port: Callable[[], Transport],
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = wall_s,
    ) -> None:
        """Call nobody yet. `clock` gives monotonic seconds, `wall` seconds since 1970."""
        self._session, self._clock, self._wall = session, clock, wall
        self._calling = Calling(open_port, clock)
        self._spoken = 0
        """Number of the connection that the session speaks on."""

    def turn(self, news: Sequence[Dated]) -> str:
        """Queue what has changed; send, for SLICE_S at most, as long as the receiver answers."""
        for dated in news:
            self._session.take(dated.snapshot, dated.wall_s)
        self._speak(SLICE_S)
        return self._calling.trouble or self._session.trouble

    def close(self) -> None:
        """End all alarms at the receiver where that is possible at once, and hang up."""
        if self._calling.connected:
            self._session.end(self._wall())
            self._speak(FAREWELL_S)
        self._calling.close()

    def _speak(self, seconds: float) -> None:
        until_s = self._clock() + seconds
        while self._exchange() and self._clock() < until_s:
            pass

    def _exchange(self) -> bool:
        """Send what is due and hear what came; say whether more is to be said."""
        port = self._calling.port()
        if port is None:
            return False
        if self._spoken != self._calling.calls:
            self._session.connected()
            self._spoken = self._calling.calls
        answered = self._session.answered
        try:
            if due := self._session.due(self._clock(), self._wall()):
                port.write(due)
            self._session.receive(port.read(0.0 if self._session.idle else READ_S))
        except TransportLost as lost:
            self._calling.lose(str(lost))
            return False
        if self._session.dead:
            self._calling.lose(NO_ANSWER)
            return False
        if self._session.answered > answered:
            self._calling.works()
        return not self._session.idle


def _open(settings: Pcd04Settings, origin: Origin) -> PostedSink:
    run = f"{int(wall_s()):x}"
    sender = Sender(
        origin.bed, origin.bundle, run, settings.application, settings.facility, settings.processing
    )
    work = Pcd04Work(Pcd04Session(sender), lambda: open_receiver(NAME, settings.address, settings.tls))
    return PostedSink(NAME, settings.address, work)


PCD04: Final = WayOut(Pcd04Settings, _open)
