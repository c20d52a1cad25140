"""Bed -> View: gathers what the screen shows, at the screen's own pace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.plugin.sinks.view import Feed, View
from barocast.runtime.timeline import STEP_S, WINDOW_MIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from barocast.plugin.bedside import Bedside
    from barocast.plugin.sinks.terminal import TerminalSink

FRAME_S: Final = 0.25
"""Wall seconds between two pictures."""
SHOWN_WITHIN_S: Final = 60.0
"""A numeric that is older than this is shown as missing."""


def view_of(
    bedside: Bedside,
    title: str,
    now_s: float,
    *,
    simulated: bool = False,
    silent: bool = False,
    trend_min: float = WINDOW_MIN,
) -> View:
    """Give everything on the screen at one moment, with at most `trend_min` minutes of pressure."""
    pipeline, device_s = bedside.watch.pipeline, bedside.device_s(now_s)
    trend = pipeline.timeline.recent("ABP_MEAN", round(trend_min * 60 / STEP_S))
    return View(
        title=title,
        bundle_id=bedside.watch.bundle_id,
        alarm=bedside.watch.snapshot(now_s),
        numerics=bedside.vitals.numerics(device_s, SHOWN_WITHIN_S),
        trend_min=np.arange(1 - trend.size, 1) * STEP_S / 60,
        trend_map=trend,
        decision=bedside.decision,
        feeds=(_feed(bedside),),
        troubles=tuple(f"{part}: {text}" for part, text in bedside.troubles.items()),
        simulated=simulated,
        silent=silent,
        signal=bedside.signal.reason,
        case_s=pipeline.case_s,
        decision_age_s=max(device_s - bedside.decision.t_s, 0.0) if bedside.decision else 0.0,
    )


def _feed(bedside: Bedside) -> Feed:
    losses = {words: lost() for words, lost in bedside.losses.items()}
    return Feed(bedside.name, bedside.session.status, bedside.session.counts, losses)


class Screen:
    """Shows a bed on a terminal, `every_s` seconds of the given clock apart."""

    def __init__(self, sink: TerminalSink, look: Callable[[float], View], every_s: float) -> None:
        self._sink = sink
        self._look = look
        self._every_s = every_s
        self._next_s = float("-inf")

    def __call__(self, now_s: float) -> None:
        """Draw when it is time."""
        if now_s >= self._next_s:
            self._next_s = now_s + self._every_s
            self._sink.show(self._look(now_s))
