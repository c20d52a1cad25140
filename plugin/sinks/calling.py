"""A host that we call, and call again whenever it is gone: after 1, 2, 5, 10 and then every 20 s.

    port = calling.port()           open, or None while there is none
    calling.lose(why)               it is gone          calling.works()     it has answered
    calling.trouble                 why it was lost, until a new one has answered or stood for STEADY_S

Opening may take seconds: this belongs in a thread of its own (sinks.posted). A receiver that hangs up after
each message and answers again within a second is no trouble.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from barocast.plugin.transports.transport import TransportLost

if TYPE_CHECKING:
    from collections.abc import Callable

BACK_OFF_S: Final = (1.0, 2.0, 5.0, 10.0, 20.0)
"""Before each new call; the last one repeats (requirement ACQ-02)."""
GRACE_S: Final = 2.0
"""Seconds in which a port that worked may be gone before that is told, unless a new call has failed."""

STEADY_S: Final = 15.0
"""Seconds after which a port is good though nothing was asked of it; above every wait for an answer."""


class Closing(Protocol):
    """Anything that can be opened and closed."""

    def close(self) -> None:
        """Let go of it."""


P = TypeVar("P", bound=Closing)


class Calling(Generic[P]):
    """One host. `open_port` raises TransportLost; `clock` gives monotonic seconds."""

    def __init__(self, open_port: Callable[[], P], clock: Callable[[], float]) -> None:
        self._open_port, self._clock = open_port, clock
        self._port: P | None = None
        self._why = ""
        self._lost_s = self._opened_s = float("-inf")
        self._next_s = float("-inf")
        self._failures = 0
        """Since it last worked."""
        self._worked = False
        self.calls = 0
        """How many have come about: whoever sees another number speaks with a new connection."""

    @property
    def trouble(self) -> str:
        """Say why there is no port."""
        forgiven = self._failures == 1 and self._worked and self._clock() - self._lost_s < GRACE_S
        return "" if forgiven else self._why

    @property
    def connected(self) -> bool:
        """Whether there is a port now."""
        return self._port is not None

    def port(self) -> P | None:
        """Give the port; call the host where it is time to."""
        now_s = self._clock()
        if self._port is None and now_s >= self._next_s:
            self._open()
        elif self._port is not None and now_s - self._opened_s >= STEADY_S:
            self.works()
        return self._port

    def works(self) -> None:
        """Note that it has answered: the next wait is short again."""
        self._failures, self._why, self._worked = 0, "", True

    def lose(self, why: str) -> None:
        """Close the port, and call again in time."""
        self.close()
        self._why, self._lost_s = why, self._clock()
        self._next_s = self._lost_s + BACK_OFF_S[min(self._failures, len(BACK_OFF_S) - 1)]
        self._failures += 1

    def _open(self) -> None:
        try:
            self._port = self._open_port()
        except TransportLost as lost:
            self.lose(str(lost))
            return
        self._opened_s = self._clock()
        self.calls += 1

    def close(self) -> None:
        """Hang up."""
        if self._port is not None:
            self._port.close()
            self._port = None
