"""The service of one box: its beds' loops, the model they share, and the watchdog that they earn.

    READY     told when every bed was put together: bundle verified, known answers right, sinks tried
    WATCHDOG  told only while every loop moves: acquisition and alarm of each bed, and the engine, which is
              asked something known every PROVE_S
    a loop that stands still ends the process: whoever started it (systemd, Restart=always) starts it anew

A pause of the whole process (a laptop's lid, a debugger) is no loop's fault: after one everybody gets a new
start.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from barocast.plugin.serve import say
from barocast.plugin.service.bed_loop import BedLoop

if TYPE_CHECKING:
    from collections.abc import Callable

    from barocast.plugin.clock import Clock
    from barocast.plugin.service.bed_loop import Fitted
    from barocast.plugin.service.model import Model
    from barocast.plugin.service.notify import Notifier
    from barocast.plugin.service.progress import Progress

TURN_S: Final = 0.5
"""Between two looks at the loops."""
PROVE_S: Final = 5.0
"""Between two questions to the engine whose answer is known."""
PAUSED_S: Final = 2.0
"""A turn that took this long was no turn: the process itself stood still."""
INFERENCE: Final = "inference"
INFERENCE_S: Final = 3 * PROVE_S
READY_S: Final = 30.0
"""Longest wait for the beds to be put together; a bed that takes longer is late, not the box."""
STOP_S: Final = 3.0
"""For all beds to end their turn, fall silent and let go of their ports (requirement RUN-01: 5 s in all)."""
WEDGED: Final = 70
"""Exit status: a loop stood still (EX_SOFTWARE of sysexits.h)."""


@dataclass(slots=True)
class Service:
    """Keeps the beds of a box served."""

    model: Model
    clock: Clock
    notifier: Notifier
    progress: Progress
    beds: list[BedLoop] = field(default_factory=list)
    heartbeat: Callable[[], None] = lambda: None
    """Called after READY every TURN_S, while every loop moves: what a failure buzzer listens for."""
    wedged: Callable[[str], None] = lambda _: os._exit(WEDGED)
    """Ends the process, whose wedged thread nothing else can end."""

    def add(self, slug: str, fit: Callable[[], Fitted]) -> None:
        """Add a bed; `fit` puts it together, now and after every failure."""
        self.beds.append(BedLoop(slug, fit, self.clock, self.progress))

    def run(self, until: Callable[[], bool]) -> None:
        """Serve until `until()`."""
        self.progress.expect(INFERENCE, INFERENCE_S)
        for bed in self.beds:
            bed.start()
        self._ready(until)
        turn_s = proved_s = self.clock()
        while not until():
            self.clock.sleep(TURN_S)
            now_s = self.clock()
            if now_s - turn_s > PAUSED_S:
                self.progress.excuse()
            turn_s = now_s
            if now_s - proved_s >= PROVE_S:
                proved_s = now_s
                self._prove()
            if self._report():
                self.heartbeat()
        self._stop()

    def _ready(self, until: Callable[[], bool]) -> None:
        ends_s = self.clock() + READY_S
        for bed in self.beds:
            while not until() and self.clock() < ends_s and not bed.wait_served(TURN_S):
                if bed.restarts:  # it failed, and is tried again: the others need not wait
                    break
                self._earn()
        self.notifier.tell("READY=1", f"STATUS={self.status()}")

    def _prove(self) -> None:
        self.model.prove()  # whatever it answers: it came back, and what is wrong is `model.trouble`
        self.progress.moved(INFERENCE)

    def _report(self) -> bool:
        """End the process where a loop stands still; else say that all is well, and give True."""
        if late := self.progress.late():
            words = ", ".join(f"{loop} for {age:.0f} s" for loop, age in sorted(late.items()))
            say(f"stands still: {words}; ending, to be started again")
            self.notifier.tell(f"STATUS=stands still: {words}", "WATCHDOG=trigger")
            self.wedged(words)
            return False
        self._earn()
        return True

    def _earn(self) -> None:
        if self.notifier.watchdog_s is not None and not self.progress.late():
            self.notifier.tell("WATCHDOG=1", f"STATUS={self.status()}")

    def status(self) -> str:
        """Say how the beds fare, one line."""
        troubles = [f"{bed.slug}: {bed.trouble}" for bed in self.beds if bed.trouble]
        served = f"{len(self.beds) - len(troubles)} of {len(self.beds)} beds served"
        return "; ".join([served, *troubles])

    def _stop(self) -> None:
        self.notifier.tell("STOPPING=1")
        for bed in self.beds:
            bed.stop()
        ends_s = self.clock() + STOP_S
        for bed in self.beds:
            if not bed.join(max(ends_s - self.clock(), 0.0)):
                say(f"{bed.slug}: did not end in time")
        self.model.close()
