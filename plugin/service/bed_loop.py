"""One bed's thread: built, served, and built again whatever happens to it.

    start()    in a thread of its own
    stop()     tell it to end; join(timeout_s) waits

An exception in one bed's loop costs that bed a second, and no other bed anything. While it is down its sinks
are told so (cry), every second: a crash loop is heard, not only logged. What only a person can mend
(SettingsError) is told as the bed's trouble and tried again all the same, since a person may mend it now.
"""

from __future__ import annotations

import threading
import traceback
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from barocast.plugin.serve import say, serve
from barocast.plugin.service.cry import stopped
from barocast.runtime.errors import BarocastError

if TYPE_CHECKING:
    from collections.abc import Callable

    from barocast.plugin.bedside import Bedside
    from barocast.plugin.clock import Clock
    from barocast.plugin.serve import Line
    from barocast.plugin.service.progress import Progress
    from barocast.plugin.sinks.sink import AlarmSink

WITHIN_S: Final = 5.0
"""A turn takes 50 ms; one whose engine does not answer, two seconds."""
BUILD_S: Final = 30.0
"""For a bed's sinks to be tried and its port to be named."""
BACK_OFF_S: Final = (1.0, 2.0, 5.0)
"""Before each new try; the last one repeats."""
STEADY_S: Final = 60.0
"""A bed that ran for so long is well: the next failure is a first one again."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A bed with everything that it needs to be served."""

    bedside: Bedside
    line: Line
    show: Callable[[float], None] | None = None
    close: Callable[[], None] = lambda: None
    moved: Callable[[str, float], None] = lambda _loop, _now_s: None
    """Hears which loop went around, and when."""


class BedLoop:
    """Keeps one bed served."""

    def __init__(self, slug: str, fit: Callable[[], Fitted], clock: Clock, progress: Progress) -> None:
        """`fit` puts the bed together; it may raise BarocastError."""
        self.slug = slug
        self.trouble = "starting"
        """Why the bed is not served; empty while it is."""
        self.restarts = 0
        self._fit, self._clock, self._progress = fit, clock, progress
        self._stopping = threading.Event()
        self._served = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"bed {slug}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Tell it to end after this turn."""
        self._stopping.set()

    def join(self, timeout_s: float) -> bool:
        """Wait for its end; whether it came."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def wait_served(self, timeout_s: float) -> bool:
        """Wait until it was put together once; whether it was."""
        return self._served.wait(timeout_s)

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            began_s = self._clock()
            sinks: list[AlarmSink] = []
            try:
                self._serve(sinks)
            except Exception as error:  # noqa: BLE001 - whatever happens to a bed, it is built again
                failures = 1 if self._clock() - began_s >= STEADY_S else failures + 1
                self._fail(error)
                self._cry(sinks, BACK_OFF_S[min(failures, len(BACK_OFF_S)) - 1])

    def _serve(self, sinks: list[AlarmSink]) -> None:
        """Put the bed together and serve it until it is told to end; `sinks` holds its ways out meanwhile."""
        building = f"{self.slug} building"
        self._progress.expect(building, BUILD_S)
        try:
            fitted = self._fit()
        finally:
            self._progress.forget(building)
        sinks += fitted.bedside.sinks
        self.trouble = ""
        self._served.set()
        loops = [f"{self.slug} {loop}" for loop in ("acquisition", "alarm")]
        for loop in loops:
            self._progress.expect(loop, WITHIN_S)
        try:
            serve(
                fitted.bedside,
                fitted.line,
                clock=self._clock,
                until=self._stopping.is_set,
                sleep=self._clock.sleep,
                show=fitted.show,
                moved=lambda loop: self._moved(loop, fitted),
            )
            fitted.bedside.close()
        finally:
            for loop in loops:
                self._progress.forget(loop)
            fitted.close()

    def _moved(self, loop: str, fitted: Fitted) -> None:
        self._progress.moved(f"{self.slug} {loop}")
        fitted.moved(loop, self._clock())

    def _fail(self, error: Exception) -> None:
        self.restarts += 1
        known = isinstance(error, BarocastError)
        self.trouble = str(error) if known else f"{type(error).__name__}: {error}"
        say(f"{self.slug}: stopped: {self.trouble}")
        if not known:
            say("".join(traceback.format_exception(error)).rstrip())

    def _cry(self, sinks: list[AlarmSink], seconds: float) -> None:
        """Tell the sinks, again and again, until it is time to try anew; then let go of them."""
        until_s = self._clock() + seconds
        while self._clock() < until_s and not self._stopping.wait(min(1.0, seconds)):
            snapshot = stopped(self.slug, self.trouble, self._clock(), self.restarts)
            for sink in sinks:
                with suppress(Exception):
                    sink.apply(snapshot)
        for sink in sinks:
            with suppress(Exception):
                sink.close()
