"""The loop around a bed: a port, a clock, and a bedside that is stepped for ever.

A port that is lost is opened again after 1, 2, 5, 10 and then every 20 s; meanwhile the bed is stepped
with nothing, so that silence is noticed and said.
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Final

from barocast.plugin.transports.transport import TransportLost

if TYPE_CHECKING:
    from collections.abc import Callable

    from barocast.plugin.bedside import Bedside
    from barocast.plugin.transports.transport import Transport

READ_S: Final = 0.05
"""Longest wait for bytes: bounds how late anything that time alone makes due can be."""
BACK_OFF_S: Final = (1.0, 2.0, 5.0, 10.0, 20.0)


def say(text: str) -> None:
    """Say something about the box itself on stderr, where a service's journal hears it."""
    print(f"barocast: {text}", file=sys.stderr, flush=True)


class Line:
    """A port that is opened again whenever it is lost."""

    def __init__(self, open_port: Callable[[], Transport]) -> None:
        self._open_port = open_port
        self._port: Transport | None = None
        self._failures = 0
        self._next_s = float("-inf")
        self.trouble = ""
        """Why there is no port; empty while there is one."""

    def read(self, timeout_s: float, now_s: float) -> bytes:
        """Give what has come; nothing while the port is gone."""
        try:
            port = self._opened(now_s)
            return port.read(timeout_s) if port else b""
        except TransportLost as lost:
            self._lose(str(lost), now_s)
            return b""

    def write(self, data: bytes, now_s: float) -> None:
        """Send `data`; what a lost port did not take is asked for again by the protocol."""
        if not data or self._port is None:
            return
        try:
            self._port.write(data)
        except TransportLost as lost:
            self._lose(str(lost), now_s)

    def close(self) -> None:
        """Let go of the port."""
        if self._port is not None:
            self._port.close()
        self._port = None

    def _opened(self, now_s: float) -> Transport | None:
        if self._port is None and now_s >= self._next_s:
            self._port = self._open_port()
            self._failures, self.trouble = 0, ""
        return self._port

    def _lose(self, why: str, now_s: float) -> None:
        self.close()
        self.trouble = why
        self._next_s = now_s + BACK_OFF_S[min(self._failures, len(BACK_OFF_S) - 1)]
        self._failures += 1


def serve(
    bedside: Bedside,
    line: Line,
    *,
    clock: Callable[[], float],
    until: Callable[[], bool],
    sleep: Callable[[float], None],
    show: Callable[[float], None] | None = None,
) -> None:
    """Step the bed until `until()`; `clock` is monotonic seconds."""
    try:
        while not until():
            now_s = clock()
            data = line.read(READ_S, now_s)
            if not data and line.trouble:
                sleep(READ_S)
            now_s = clock()
            line.write(bedside.step(data, now_s), now_s)
            bedside.report("port", line.trouble)
            if show is not None:
                show(now_s)
    finally:
        with contextlib.suppress(TransportLost):
            line.write(bedside.session.release(), clock())
        line.close()
