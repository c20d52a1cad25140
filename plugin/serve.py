"""The loop around a bed: a port, a clock, and a bedside that is stepped for ever.

A port that is lost is opened again after 1, 2, and then every 5 s. It is opened beside the loop (opening): a
turn waits READ_S for it at most, so that silence is noticed and alarms go on meanwhile. Trouble is over, and
the next wait short again, when bytes have come or the port has stood for STEADY_S: one that opens and is lost
at once is no better than one that does not open. A connection that is quiet for too long (patience) may be
half open, which nobody would ever say: it is closed and opened anew. What a protocol answers at once leaves
before the bed works on what came.
"""

from __future__ import annotations

import contextlib
import sys
from concurrent.futures import wait
from typing import TYPE_CHECKING, Final

from barocast.plugin.opening import give_up, in_background
from barocast.plugin.transports.transport import TransportLost
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from barocast.plugin.bedside import Bedside
    from barocast.plugin.opening import Opener, OpenPort
    from barocast.plugin.patience import Patience
    from barocast.plugin.transports.transport import Transport

READ_S: Final = 0.05
"""Longest wait for bytes: bounds how late anything that time alone makes due can be."""
BACK_OFF_S: Final = (1.0, 2.0, 5.0)
"""Before each new try; the last one repeats. Whoever comes back is heard within seconds."""
OPEN_S: Final = 10.0
"""Seconds after which an opening is trouble; only a slow resolver or a name of many hosts takes longer. It is
awaited all the same: a second one beside it would fare no better, and two cannot have one serial port."""
STEADY_S: Final = 10.0
"""Seconds after which a port is good though nothing was heard, as one that a gateway will call some time."""


def say(text: str) -> None:
    """Say something about the box itself on stderr, where a service's journal hears it."""
    print(f"barocast: {text}", file=sys.stderr, flush=True)


class Line:
    """A port that is opened again whenever it is lost; with `patience`, when it is quiet for too long too."""

    def __init__(
        self, open_port: OpenPort, patience: Patience | None = None, opener: Opener = in_background
    ) -> None:
        self._open_port, self._opener = open_port, opener
        self._patience = patience
        self._opening: Future[Transport] | None = None
        self._port: Transport | None = None
        self._since_s = 0.0
        """When the port was opened, or its opening begun."""
        self._failures = 0
        self._next_s = float("-inf")
        self.trouble = ""
        """Why there was no port; empty once there is a good one."""
        self.idle = False
        """Whether the last `read` had nothing to wait for: no port, and not yet the time to open one."""

    def read(self, timeout_s: float, now_s: float) -> bytes:
        """Give what has come; nothing while the port is gone, or on its way."""
        self.idle = self._port is None and self._opening is None and now_s < self._next_s
        if self.idle:
            return b""
        if self._port is None:
            self._open(timeout_s, now_s)
            return b""
        if self._patience_ends(self._port, now_s):
            self.close()
            return b""
        try:
            data = self._port.read(timeout_s)
        except TransportLost as lost:
            self._lose(str(lost), now_s)
            return b""
        self._note(data, now_s)
        return data

    def write(self, data: bytes, now_s: float) -> None:
        """Send `data`; what a lost port did not take is asked for again by the protocol."""
        if not data or self._port is None:
            return
        try:
            self._port.write(data)
        except TransportLost as lost:
            self._lose(str(lost), now_s)

    def close(self) -> None:
        """Let go of the port, and of one that is still to come."""
        if self._opening is not None:
            give_up(self._opening)
        if self._port is not None:
            self._port.close()
        self._opening = self._port = None

    def _open(self, timeout_s: float, now_s: float) -> None:
        """Begin to open a port, or see what has come of it."""
        if self._opening is None:
            self._opening, self._since_s = self._opener(self._open_port), now_s
        wait([self._opening], timeout_s)
        if self._opening.done():
            self._opened(self._opening, now_s)
        elif now_s - self._since_s >= OPEN_S:
            self.trouble = f"not open after {OPEN_S:g} s; is its name known here, and its host on?"

    def _opened(self, opening: Future[Transport], now_s: float) -> None:
        self._opening = None
        try:
            self._port = opening.result()
        except SettingsError:  # only a person can mend it
            raise
        except TransportLost as lost:
            self._lose(str(lost), now_s)
            return
        except Exception as error:  # noqa: BLE001 - a port that does not open costs the port, not the alarms
            self._lose(f"{type(error).__name__}: {error}", now_s)
            return
        self._since_s = now_s
        if self._patience is not None:
            self._patience.begins(now_s)

    def _patience_ends(self, port: Transport, now_s: float) -> bool:
        if self._patience is None:
            return False
        if not port.connected:  # nobody is there who could be quiet
            self._patience.begins(now_s)
            return False
        return self._patience.ends(now_s)

    def _note(self, data: bytes, now_s: float) -> None:
        if data or now_s - self._since_s >= STEADY_S:
            self._failures, self.trouble = 0, ""
        if data and self._patience is not None:
            self._patience.heard(now_s)

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
    moved: Callable[[str], None] = lambda _: None,
) -> None:
    """Step the bed until `until()`; `clock` is monotonic seconds, `moved` hears which loop went around."""
    try:
        while not until():
            now_s = clock()
            data = line.read(READ_S, now_s)
            if line.idle:
                sleep(READ_S)
            now_s = clock()
            received, reply = bedside.receive(data, now_s)
            line.write(reply, now_s)
            moved("acquisition")
            line.write(bedside.process(received, now_s), now_s)
            bedside.report("port", line.trouble)
            moved("alarm")
            if show is not None:
                show(now_s)
    finally:
        with contextlib.suppress(TransportLost):
            line.write(bedside.session.release(), clock())
        line.close()
