"""TCP: a connection that we make, or a port that a gateway calls.

One gateway is heard at a time, or two patients would run into one. Of those who call:

- Nobody is heard yet: the first whose handshake is done; one that speaks before one that is mute.
- Somebody is heard: he stays. A caller that speaks takes his place only when he has never said anything,
  when he has been silent for AGAIN_S and the call comes from his own host (a gateway that lost its
  connection and calls again), or for SILENT_S (gateways send at least every 60 s).
- A caller has CALLER_S to finish its handshake and be taken; then it is turned away. At most CALLERS
  wait; one more turns the oldest away.

A handshake advances between reads and blocks none: a caller that says nothing holds up nobody.
"""

from __future__ import annotations

import contextlib
import select
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from barocast.plugin.clock import Clock
from barocast.plugin.transports.connection import Connection, SocketTransport, dial, kept_alive
from barocast.plugin.transports.transport import TransportLost

if TYPE_CHECKING:
    from collections.abc import Callable

AGAIN_S: Final = 10.0
"""Seconds of silence after which a new call of the same host is the same gateway again."""
SILENT_S: Final = 90.0
"""Seconds of silence after which another host may take over; stands above every gateway's interval."""
CALLER_S: Final = 15.0
"""Seconds that a caller may take; the kernel needs fewer to find out that its predecessor is dead."""
CALLERS: Final = 4
"""Callers that may wait at once: what a port scan can make us keep open."""
TOLD_S: Final = 60.0
"""Seconds for which a refusal is told; whoever is refused for a lasting reason has called again by then."""


@dataclass(slots=True)
class _Caller:
    """Whoever has called the port."""

    connection: Connection
    host: str
    until_s: float
    """When it is turned away, unless it was taken."""
    ready: bool = False
    """Its handshake is done."""
    said: bytes = b""
    """What it said before it was taken: one piece, at most CHUNK."""
    heard_s: float | None = None
    """When it said something last; None before it did."""


class ListeningTransport:
    """A TCP port that a gateway calls; when it goes, the next one is taken.

    `answer` makes a Connection of a new call; `report` hears why one was refused, and "" when all is well.
    """

    def __init__(
        self,
        host: str,
        port: int,
        answer: Callable[[socket.socket], Connection] = SocketTransport,
        *,
        clock: Callable[[], float] | None = None,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._server = socket.create_server((host, port), family=family)
        except (OSError, UnicodeError) as error:  # UnicodeError: a name with a label that no resolver takes
            raise TransportLost(f"{host}:{port}: {error}") from error
        self._server.settimeout(0.0)  # a caller may be gone between knock and answer
        self._answer, self._report, self._clock = answer, report, clock or Clock()
        self._callers: list[_Caller] = []
        self._heard: _Caller | None = None
        self._told_s: float | None = None

    @property
    def port(self) -> int:
        """The port that is really open (asking for 0 takes any)."""
        port: int = self._server.getsockname()[1]
        return port

    @property
    def connected(self) -> bool:
        """Whether somebody is heard."""
        return self._heard is not None

    def read(self, timeout_s: float) -> bytes:
        """Give what has come, or answer who knocks, waiting at most `timeout_s`."""
        data = self._said()
        if self._knocks(0.0 if data else timeout_s):
            self._let_in()
        self._callers = [caller for caller in self._callers if self._stays(caller)]
        self._choose()
        self._forget_refusal()
        return data or self._said()

    def write(self, data: bytes) -> None:
        """Send all of `data` to whoever is heard."""
        if self._heard is None:
            return
        try:
            self._heard.connection.write(data)
        except TransportLost:
            self._hang_up()

    def close(self) -> None:
        """Close all connections and the port."""
        for caller in self._callers:
            caller.connection.close()
        self._callers.clear()
        self._hang_up()
        self._server.close()
        if self._told_s is not None:  # nobody is left to take it back
            self._tell("")

    def _said(self) -> bytes:
        heard = self._heard
        if heard is None:
            return b""
        try:
            data = heard.said or heard.connection.read(0.0)
        except TransportLost:
            self._hang_up()
            return b""
        heard.said = b""
        if data:
            heard.heard_s = self._clock()
        return data

    def _knocks(self, timeout_s: float) -> bool:
        """Wait for anything that matters; say whether somebody knocks.

        Who waits to be taken does not matter: what he said would end every wait at once.
        """
        awaited = [caller for caller in self._callers if not caller.ready]
        awaited += [self._heard] if self._heard else []
        door = self._server.fileno()
        ready, _, _ = select.select([door, *(c.connection.fileno() for c in awaited)], [], [], timeout_s)
        return door in ready

    def _let_in(self) -> None:
        try:
            connection, address = self._server.accept()
        except OSError:  # gone again
            return
        try:
            answered = self._answer(kept_alive(connection))
        except (OSError, TransportLost) as error:
            connection.close()
            self._refuse(str(address[0]), str(error))
            return
        if len(self._callers) == CALLERS:
            self._callers.pop(0).connection.close()
        self._callers.append(_Caller(answered, str(address[0]), self._clock() + CALLER_S))

    def _stays(self, caller: _Caller) -> bool:
        """Let a caller go on with its handshake or its first words; say whether it may wait on."""
        try:
            caller.ready = caller.ready or caller.connection.shake()
            if caller.ready and not caller.said:
                caller.said = caller.connection.read(0.0)
        except TransportLost as lost:
            why = "" if caller.ready else str(lost)  # one that only looked in is nobody's trouble
        else:
            if self._clock() < caller.until_s:
                return True
            why = self._late(caller)
        caller.connection.close()
        self._refuse(caller.host, why)
        return False

    def _late(self, caller: _Caller) -> str:
        if not caller.ready:
            return f"did not finish the TLS handshake within {CALLER_S:g} s; is it set to TLS?"
        if caller.said and self._heard:
            return f"calls while {self._heard.host} is heard; give each gateway a port of its own"
        return ""

    def _choose(self) -> None:
        ready = sorted(
            (caller for caller in self._callers if caller.ready), key=lambda caller: not caller.said
        )
        if ready and self._makes_way(ready[0]):
            self._hang_up()
            self._heard = ready[0]
            self._callers.remove(ready[0])
            self._tell("")

    def _makes_way(self, caller: _Caller) -> bool:
        heard = self._heard
        if heard is None:
            return True
        if not caller.said or heard.heard_s is None:
            return bool(caller.said)
        limit_s = AGAIN_S if caller.host == heard.host else SILENT_S
        return self._clock() - heard.heard_s >= limit_s

    def _refuse(self, host: str, why: str) -> None:
        if why:
            self._tell(f"{host}: {why}")

    def _tell(self, text: str) -> None:
        self._told_s = self._clock() if text else None
        self._report(text)

    def _forget_refusal(self) -> None:
        if self._told_s is not None and self._clock() - self._told_s >= TOLD_S:
            self._tell("")

    def _hang_up(self) -> None:
        if self._heard is not None:
            with contextlib.suppress(OSError):
                self._heard.connection.close()
        self._heard = None


def connect(host: str, port: int) -> SocketTransport:
    """Call `host`. Raises TransportLost."""
    return SocketTransport(dial(host, port))
