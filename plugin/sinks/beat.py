"""A thread that does one thing again and again, so that no device holds the alarm loop up.

`turn(now_s)` is called at once after `wake`, and whenever the seconds that it gave last have passed. It must
not raise. A turn that does not come back (the device holds it, or it broke after all) becomes a Receipt.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from barocast.plugin.clock import Clock
from barocast.plugin.sinks.sink import Receipt

if TYPE_CHECKING:
    from collections.abc import Callable

CLOSE_S: Final = 2.0
"""Wait for a turn to end; one that does not is left to the end of the process."""


class Beat:
    """The thread is started by the first `wake`."""

    def __init__(
        self, name: str, turn: Callable[[float], float], clock: Callable[[], float] | None = None
    ) -> None:
        self._turn, self._clock = turn, clock or Clock()
        self._woken, self._ended = threading.Event(), threading.Event()
        self._began_s: float | None = None
        """When the running turn began; None between two."""
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def running(self) -> bool:
        """Whether turns are made."""
        return self._thread.is_alive()

    def wake(self) -> None:
        """Make a turn now."""
        self._woken.set()
        if self._thread.ident is None:
            self._thread.start()

    def receipt(self, sink: str, trouble: str, patience_s: float) -> Receipt:
        """Tell what the last turn met, or that one has lasted longer than `patience_s`."""
        began_s = self._began_s
        held = began_s is not None and self._clock() - began_s > patience_s
        said = "the device does not come back" if held else trouble
        return Receipt(ok=not said, text=said and f"{sink}: {said}")

    def close(self) -> bool:
        """Make no more turns; say whether the last one has ended."""
        self._ended.set()
        self._woken.set()
        if self._thread.ident is not None:
            self._thread.join(CLOSE_S)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._ended.is_set():
            self._woken.clear()
            self._began_s = self._clock()
            pause_s = self._turn(self._began_s)
            self._began_s = None
            self._woken.wait(max(0.0, pause_s))
