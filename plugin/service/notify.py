"""What the service tells systemd (sd_notify(3)): READY, STATUS, WATCHDOG, STOPPING.

One datagram to the socket that NOTIFY_SOCKET names; without one nothing is told, and nothing fails.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

MICROSECONDS: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Notifier:
    """The way to the service manager."""

    address: str = ""
    """Path of a socket, `@` in front for an abstract one; empty: nobody listens."""
    watchdog_s: float | None = None
    """Seconds within which WATCHDOG=1 is expected; None where there is no watchdog."""

    def tell(self, *words: str) -> None:
        """Send assignments such as `READY=1`; a manager that does not listen is no trouble of the bed's."""
        if not self.address:
            return
        path = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            out.settimeout(0)  # a manager that hangs must not hang us
            out.sendto("\n".join(words).encode(), path)


def notifier(environment: Mapping[str, str] = os.environ) -> Notifier:
    """Read what systemd set; a watchdog that was meant for another process is not ours."""
    meant = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    microseconds = environment.get("WATCHDOG_USEC", "") if meant else ""
    watchdog_s = float(microseconds) * MICROSECONDS if microseconds.isdigit() else None
    return Notifier(environment.get("NOTIFY_SOCKET", ""), watchdog_s)
