"""The way out `syslog`: a line for each change of an alarm, and one every HEARTBEAT_S, to this box or a host.

    [sinks.syslog]      address = "/dev/log" | "udp://host:514" | "tcp://host:601"

/dev/log ends in the journal where journald runs. UDP loses lines without a word; TCP frames them by their
length (RFC 6587) and keeps those that wait, up to KEPT.
"""

from __future__ import annotations

import os
import socket
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from barocast.plugin.clock import wall_s
from barocast.plugin.sinks.calling import Calling
from barocast.plugin.sinks.posted import KEPT, PostedSink
from barocast.plugin.sinks.receiver import check_receiver, open_receiver
from barocast.plugin.sinks.way_out import Origin, WayOut
from barocast.plugin.transports.transport import WRITE_S, TransportLost
from barocast.runtime.encoders.alert_phases import AlertPhases
from barocast.runtime.encoders.syslog import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from barocast.plugin.sinks.posted import Dated
    from barocast.plugin.transports.transport import Transport

NAME: Final = "syslog"
HEARTBEAT_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class SyslogSettings:
    """The table [sinks.syslog]."""

    address: str = "/dev/log"
    """A socket's path, or udp:// or tcp://."""

    def __post_init__(self) -> None:
        if not self.address.startswith("/"):
            check_receiver(NAME, self.address, schemes=("udp", "tcp"))


class Log(Protocol):
    """Where lines go."""

    def write(self, line: bytes) -> None:
        """Write one line. Raises TransportLost."""

    def close(self) -> None:
        """Let go of it."""


class LocalSocket:
    """A datagram socket of this box, such as /dev/log."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.settimeout(WRITE_S)
        try:
            self._socket.connect(path)
        except OSError as error:
            self._socket.close()
            raise TransportLost(f"{path}: {error.strerror}") from error

    def write(self, line: bytes) -> None:
        """Send one datagram."""
        try:
            self._socket.send(line)
        except OSError as error:
            raise TransportLost(f"{self._path}: {error.strerror or error}") from error

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


class CountedStream:
    """A TCP connection: each line after its length, which says where the next begins (RFC 6587, 3.4.1)."""

    def __init__(self, port: Transport) -> None:
        self._port = port

    def write(self, line: bytes) -> None:
        """Send one line; a receiver that has hung up is noticed by what it says, which is nothing else."""
        self._port.read(0.0)
        self._port.write(b"%d %s" % (len(line), line))

    def close(self) -> None:
        """Hang up."""
        self._port.close()


class SyslogWork:
    """Keeps a log told. `clock` gives monotonic seconds, `wall` seconds since 1970."""

    every_change = True

    def __init__(
        self,
        writer: Writer,
        open_log: Callable[[], Log],
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = wall_s,
    ) -> None:
        """Open nothing yet."""
        self._writer, self._clock, self._wall = writer, clock, wall
        self._calling = Calling(open_log, clock)
        self._phases = AlertPhases()
        self._lines: deque[bytes] = deque(maxlen=KEPT)
        self._lost = False
        self._beat_s = float("-inf")

    def turn(self, news: Sequence[Dated]) -> str:
        """Write a line for each change, and the heartbeat when it is due."""
        for dated in news:
            for report in self._phases.take(dated.snapshot, dated.wall_s):
                self._keep(self._writer.alarm(report))
        if self._clock() - self._beat_s >= HEARTBEAT_S:
            self._beat_s = self._clock()
            self._keep(self._writer.heartbeat(len(self._phases.standing(0.0)), self._wall()))
        self._write()
        lost = f"lines not written: more than {KEPT} waited" if self._lost else ""
        return self._calling.trouble or lost

    def close(self) -> None:
        """Close the log."""
        self._calling.close()

    def _keep(self, line: bytes) -> None:
        self._lost = self._lost or len(self._lines) == KEPT  # the oldest goes
        self._lines.append(line)

    def _write(self) -> None:
        log = self._calling.port()
        try:
            while log is not None and self._lines:
                log.write(self._lines[0])
                self._lines.popleft()
                self._calling.works()
        except TransportLost as lost:
            self._calling.lose(str(lost))
        self._lost = self._lost and bool(self._lines)


def _open(settings: SyslogSettings, origin: Origin) -> PostedSink:
    address, local = settings.address, settings.address.startswith("/")

    def open_log() -> Log:
        if local:
            return LocalSocket(address)
        port = open_receiver(NAME, address)
        return CountedStream(port) if address.startswith("tcp") else port

    writer = Writer(origin.bed, socket.gethostname(), os.getpid(), local)
    return PostedSink(NAME, address, SyslogWork(writer, open_log))


SYSLOG: Final = WayOut(SyslogSettings, _open)
