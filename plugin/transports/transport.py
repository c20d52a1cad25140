"""The seam of every port: bytes in, bytes out, and what happens when it goes away.

`read` gives what has come within the time-out, b"" when nothing has; a port that is gone raises
TransportLost, and the caller opens it again. Of datagrams `read` gives one, whole, and `write` sends one.
"""

from __future__ import annotations

from typing import Final, Protocol

CHUNK: Final = 65536
"""Most bytes taken at once: bounds what one step has to decode."""
CONNECT_S: Final = 5.0
"""Seconds after which a connection that does not come about is lost."""
WRITE_S: Final = 0.2
"""Seconds after which a write that does not end is lost. The bed stands still meanwhile, and it ends at once
unless the other end reads nothing."""


class TransportLost(Exception):  # noqa: N818 - it names what happened, which is no programming error
    """The port or the connection is gone; open it again."""


class Transport(Protocol):
    """An open port."""

    @property
    def connected(self) -> bool:
        """Whether there is another end that could say something; a port that waits for a call has none."""

    def read(self, timeout_s: float) -> bytes:
        """Give what has come, waiting at most `timeout_s`. Raises TransportLost."""

    def write(self, data: bytes) -> None:
        """Send all of `data`. Raises TransportLost."""

    def close(self) -> None:
        """Let go of the port."""
