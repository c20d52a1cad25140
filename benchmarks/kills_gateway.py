"""A gateway at the far end of a bed's TCP port: simulated pressures as HL7, at any speed, for ever.

    with Gateway(port, mean_at, speed): ...     calls, and calls again whenever the line is gone

Whoever answers is first told the last HISTORY_S, as by a gateway that keeps what nobody has acknowledged, and
then the present. Its clock runs `speed` device seconds a second, and never stops or jumps.
"""

from __future__ import annotations

import contextlib
import math
import select
import socket
import threading
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

from barocast.plugin.virtual.hl7_messages import header, numeric_group
from barocast.plugin.virtual.lines import LOOPBACK
from barocast.runtime.decoders.mllp import wrap

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

BEGAN: Final = datetime(2026, 3, 1, 8, tzinfo=timezone.utc)
HISTORY_S: Final = 960.0
"""A whole window, and a little."""
STEP_S: Final = 10.0
"""Device seconds between two messages."""
CALL_AGAIN_S: Final = 0.05
PACE_S: Final = 0.02
CHUNK: Final = 1 << 16


def risky(t_s: float) -> float:
    """Give a MAP (mmHg) near 69, never still: high risk to the toy, and no event yet."""
    return 69.0 + 1.5 * math.sin(t_s / 37.0)


class Gateway:
    """One bed's."""

    def __init__(self, port: int, mean_at: Callable[[float], float] = risky, speed: float = 1.0) -> None:
        self._port, self._mean_at, self._speed = port, mean_at, speed
        self._since_s = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"gateway {port}", daemon=True)

    def __enter__(self) -> Self:
        """Begin to call."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up."""
        self._over.set()
        self._thread.join()

    @property
    def now_s(self) -> float:
        """Its clock: device seconds since HISTORY_S before it began."""
        return HISTORY_S + (time.monotonic() - self._since_s) * self._speed

    def _run(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, self._port), 1.0) as line:
                self._talk(line)
            self._over.wait(CALL_AGAIN_S)

    def _talk(self, line: socket.socket) -> None:
        step = math.ceil((self.now_s - HISTORY_S) / STEP_S)
        while not self._over.is_set():
            while step * STEP_S <= self.now_s:
                line.sendall(self._message(step))
                step += 1
            if select.select([line], [], [], PACE_S)[0] and not line.recv(CHUNK):
                return

    def _message(self, step: int) -> bytes:
        t_s = step * STEP_S
        moment = BEGAN + timedelta(seconds=t_s)
        mean = self._mean_at(t_s)
        values = {"ABP_SYS": mean + 35.0, "ABP_DIA": mean - 18.0, "ABP_MEAN": mean, "HR": 72.0}
        rows = [header(str(step), moment, "P"), "PID|||", *numeric_group(values, moment)]
        return wrap("\r".join(rows).encode() + b"\r")
