"""A listening socket that lets so many in at a time, and hangs up on the others at once.

asyncio tells of a TLS connection only once its handshake is over: whoever connects and says nothing would
hold a descriptor for a minute, and never be counted. A bed's sinks and logs need descriptors of the same
process. uvicorn counts requests, not connections.
"""

from __future__ import annotations

import socket
from typing import Any, Final

from barocast.plugin.web.board import MOST_WATCHERS

MOST_CONNECTIONS: Final = MOST_WATCHERS + 60
"""Every screen, and its short requests."""


class Door(socket.socket):
    """Counts who is inside from the moment of accept(2)."""

    def __init__(self, *kind: int) -> None:
        super().__init__(*kind)
        self._inside: list[socket.socket] = []

    def accept(self) -> tuple[socket.socket, Any]:
        """Let the next one in. Raises ConnectionAbortedError, as if he had gone, where there is no room."""
        line, who = super().accept()
        self._inside = [each for each in self._inside if each.fileno() >= 0]
        if len(self._inside) >= MOST_CONNECTIONS:
            line.close()
            raise ConnectionAbortedError
        self._inside.append(line)
        return line, who
