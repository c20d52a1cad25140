"""Bed -> board: called at every turn of the bed's loop, as the terminal's Screen is.

What must be seen at once - an alarm, a pause, a decision, a trouble, a case - is published in the turn in
which it changed; else there is a new picture every `every_s`. What a new forecast leans on takes some runs of
the engine, so the forecast is published first, and its influence in a later turn that has nothing urgent.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from barocast.plugin.screen import view_of
from barocast.plugin.web.state import Told, state_of
from barocast.runtime.domain import Risk
from barocast.runtime.influence import influence_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from barocast.plugin.bedside import Bedside
    from barocast.plugin.cases.case import Case
    from barocast.plugin.web.board import Board
    from barocast.runtime.alarm.rules import AlarmRules
    from barocast.runtime.influence import Ask, Influence
    from barocast.runtime.pipeline import Pipeline

FRAME_S: Final = 0.5
"""Wall seconds between two pictures when nothing changes; half of what a screen may at most wait."""
TREND_MIN: Final = 30.0
"""Minutes of pressure on the page."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page says of a bed beyond what the bed knows of itself."""

    slug: str
    title: str
    rules: AlarmRules
    simulated: bool = False
    silent: bool = False


def _nobody() -> Case | None:
    return None


def _unlogged() -> Sequence[Mapping[str, Any]]:
    return ()


def _unasked(_: Risk) -> Influence | None:
    return None


def leaning(pipeline: Pipeline, ask: Ask, rules: AlarmRules) -> Callable[[Risk], Influence | None]:
    """Give what says what the pipeline's latest forecast leans on; None of an earlier one."""

    def lean(risk: Risk) -> Influence | None:
        window = pipeline.window
        if window is None or window.t_end_s != risk.t_s:
            return None
        return influence_of(risk, window, pipeline.text, ask, rules.horizon)

    return lean


class Publisher:
    """Publishes one bed; every argument that is called is called from the bed's own loop."""

    def __init__(  # noqa: PLR0913 - the sources of a picture, each by its name
        self,
        board: Board,
        bedside: Bedside,
        shown: Shown,
        *,
        wall: Callable[[], str],
        case: Callable[[], Case | None] = _nobody,
        history: Callable[[], Sequence[Mapping[str, Any]]] = _unlogged,
        lean: Callable[[Risk], Influence | None] = _unasked,
        every_s: float = FRAME_S,
    ) -> None:
        """`lean` gives what a forecast leans on; `every_s` is in seconds of the bed's clock."""
        self._board = board
        self._bedside = bedside
        self._shown = shown
        self._wall = wall
        self._case = case
        self._history = history
        self._lean = lean
        self._every_s = every_s
        self.trouble = ""
        """Why there is no new picture; empty when there is one."""
        self._serials = count(1)
        self._next_s = float("-inf")
        self._was: tuple[object, ...] = ()
        self._leaning: tuple[Risk | None, Influence | None] = (None, None)
        """The forecast that was last asked about, and what it leans on."""

    def __call__(self, now_s: float) -> None:
        """Publish when it is time."""
        try:
            self._show(now_s)
            self.trouble = ""
        except Exception as error:  # noqa: BLE001 - a picture that fails costs the picture, not the alarms
            self.trouble = f"the page is not fed ({type(error).__name__}: {error})"

    def _show(self, now_s: float) -> None:
        urgent = self._urgent(now_s)
        changed, self._was = urgent != self._was, urgent
        answered = not changed and self._ask()
        if not (changed or answered or now_s >= self._next_s):
            return
        self._next_s = now_s + self._every_s
        self._board.publish(self._shown.slug, self._state(now_s))

    def _urgent(self, now_s: float) -> tuple[object, ...]:
        """Give what is published in the turn in which it changes."""
        bed, alarm = self._bedside, self._bedside.watch.snapshot(now_s)
        paused = alarm.audio_pause_left_s > 0.0, alarm.alarm_pause_left_s > 0.0, alarm.audio_off
        return alarm.conditions, paused, alarm.decision, bed.troubles, bed.session.status, self._case()

    def _ask(self) -> bool:
        """Ask once about each forecast, and in a silent trial never; say whether there is an answer."""
        decision = self._bedside.decision
        if self._shown.silent or decision is self._leaning[0] or not isinstance(decision, Risk):
            return False
        self._leaning = decision, self._lean(decision)
        return True

    def _state(self, now_s: float) -> dict[str, Any]:
        shown, bed = self._shown, self._bedside
        view = view_of(
            bed, shown.title, now_s, simulated=shown.simulated, silent=shown.silent, trend_min=TREND_MIN
        )
        leaning = self._leaning[1] if self._leaning[0] is bed.decision else None
        told = Told(
            shown.slug,
            next(self._serials),
            self._wall(),
            shown.rules,
            self._case(),
            self._history(),
            leaning,
        )
        return state_of(view, told)
