"""The screen as a sink: a live view on a terminal, one status line per decision anywhere else."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.text import Text

from barocast.plugin.sinks.screen_layout import render
from barocast.plugin.sinks.sink import Guarantee, Receipt, SelfTest
from barocast.plugin.sinks.view import SILENT_TRIAL
from barocast.runtime.domain import HORIZONS_MIN, Abstain, Risk

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Group

    from barocast.plugin.sinks.view import View
    from barocast.runtime.alarm.events import AlarmSnapshot
    from barocast.runtime.domain import Decision

FRAMES_PER_S = 4
FROZEN_S = 10.0
"""Seconds without a view or a snapshot (due every 5 s) after which old values are taken away."""


class TerminalSink:
    """Shows the latest View; an alarm snapshot that comes between two views replaces its alarm."""

    guarantee: Guarantee = "best_effort"

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        """Draw nothing until the first view. `clock` gives monotonic seconds."""
        self._console = console or Console()
        self._clock = clock
        self._shown_s = float("-inf")
        self._view: View | None = None
        self._live: Live | None = None

    def self_test(self) -> SelfTest:
        """Say where and how it will show."""
        width, height = self._console.size
        where = f"terminal {width} by {height}" if self._console.is_terminal else "one line per decision"
        return SelfTest(ok=True, text=f"screen: {where}")

    def show(self, view: View) -> Receipt:
        """Make this the view."""
        before, self._view, self._shown_s = self._view, view, self._clock()
        try:
            if self._console.is_terminal:
                self._start()
            elif view.decision is not None and (before is None or view.decision is not before.decision):
                # Not Console.print: on a closed pipe rich ends the whole process.
                self._console.file.write(status_line(view) + "\n")
                self._console.file.flush()
        except OSError as error:
            return Receipt(ok=False, text=f"screen: {error.strerror}")
        return Receipt()

    def apply(self, snapshot: AlarmSnapshot) -> Receipt:
        """Show this alarm state with the latest view."""
        return self.show(replace(self._view, alarm=snapshot)) if self._view is not None else Receipt()

    def close(self) -> None:
        """Give the terminal back."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _start(self) -> None:
        if self._live is None:
            self._live = Live(
                console=self._console, screen=True, refresh_per_second=FRAMES_PER_S, get_renderable=self._draw
            )
            self._live.start(refresh=True)

    def _draw(self) -> Group | Text:
        quiet_s = self._clock() - self._shown_s
        if self._view is None or quiet_s > FROZEN_S:
            return Text(
                f"!! no update for {quiet_s:.0f} s: values removed", style="bold black on bright_yellow"
            )
        return render(self._view, *self._console.size)


def status_line(view: View) -> str:
    """Give one decision and the alarm state as one line of text."""
    view = view.shown()
    alarm = "; ".join(c.text for c in view.alarm.conditions) or "no alarm condition"
    return f"{SILENT_TRIAL if view.silent else _decision_words(view.decision)} | {alarm}"


def _decision_words(decision: Decision | None) -> str:
    if decision is None:
        return "no decision yet"
    when = f"{decision.t_s:.0f} s"
    if isinstance(decision, Risk):
        risks = ", ".join(f"{p:.0%} in {h} min" for h, p in zip(HORIZONS_MIN, decision.p, strict=False))
        return f"{when} forecast: MAP<65 {risks}"
    return f"{when} {'abstain' if isinstance(decision, Abstain) else 'fault'}: {decision.reason}"
