"""A tower light: one contact for each colour, flashing by priority, `[sinks.lamp]`.

    red      for high                  gpio:///..., lcus:///..., numato:///...      (relay_contacts)
    yellow   for medium, and low where there is no cyan
    cyan     for low, steadily

It shows the highest condition, acknowledged or not: a light does not disturb. Only an alarm pause darkens
it. A thread of its own flashes it; when the bed has said nothing for UNTOLD_S the light flashes yellow, for
what it showed is no longer known to be true. When the process dies it goes dark or stays as it was: a light
alone is no failure signal, so this sink is `best_effort`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from barocast.plugin.clock import Clock
from barocast.plugin.sinks.beat import Beat
from barocast.plugin.sinks.lamp_flash import FLASHES, lit, until_change
from barocast.plugin.sinks.relay import PATIENCE_S, UNTOLD_S
from barocast.plugin.sinks.relay_contacts import Rack, contact_of, open_board
from barocast.plugin.sinks.sink import Guarantee, SelfTest
from barocast.plugin.sinks.way_out import Origin, WayOut
from barocast.runtime.alarm.events import Inactivation
from barocast.runtime.alarm.rules import Priority

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from barocast.plugin.sinks.relay_contacts import Board, Contact
    from barocast.plugin.sinks.sink import Receipt
    from barocast.runtime.alarm.events import AlarmSnapshot

LONGEST_S: Final = 1.0
"""Between two turns, were the light steady: a lost board is opened again."""
ASIDE_S: Final = 0.002
"""A turn comes so much after its edge: rounding must not make it fall just before."""


@dataclass(frozen=True, slots=True)
class LampSettings:
    """The table [sinks.lamp]: the address of each colour's contact."""

    red: str
    yellow: str
    cyan: str = ""
    """Empty: a low priority lights yellow, steadily."""

    def __post_init__(self) -> None:
        """Raise SettingsError for an address that is none."""
        for address in self.addresses().values():
            contact_of(address)

    def addresses(self) -> dict[str, str]:
        """Give the colours that the lamp has."""
        colours = {"red": self.red, "yellow": self.yellow, "cyan": self.cyan}
        return {colour: address for colour, address in colours.items() if address or colour != "cyan"}


class LampSink:
    """Shows the highest condition as light."""

    guarantee: Guarantee = "best_effort"

    def __init__(
        self,
        settings: LampSettings,
        opener: Callable[[str, Sequence[Contact]], Board] = open_board,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """Open nothing yet."""
        self._clock = clock or Clock()
        self._rack = Rack(settings.addresses(), opener)
        self._beat = Beat("lamp", self.turn, self._clock)
        self._priority: Priority | None = None
        self._told_s = float("-inf")
        self._shown: Priority | None = None
        self._since_s = 0.0
        """When what is shown began: the phase of the flashes."""
        self._trouble = ""

    def self_test(self) -> SelfTest:
        """Reach the boards."""
        if not self._beat.running:
            self._trouble = self._rack.set(dict.fromkeys(self._rack.contacts, False)) or self._rack.check()
        return SelfTest(not self._trouble, f"lamp: {self._trouble or ', '.join(self._rack.contacts)}")

    def apply(self, snapshot: AlarmSnapshot) -> Receipt:
        """Hand the priority to the lamp's thread; tell what that met last."""
        shown = (c.priority for c in snapshot.conditions if c.inactivation is not Inactivation.ALARM_PAUSED)
        priority = max(shown, default=None)
        is_new = priority is not self._priority
        self._priority, self._told_s = priority, self._clock()
        if is_new or not self._beat.running:
            self._beat.wake()
        return self._beat.receipt("lamp", self._trouble, PATIENCE_S)

    def turn(self, now_s: float) -> float:
        """Light what is to be lit now; give the seconds until that changes."""
        shown = self._priority
        if now_s - self._told_s > UNTOLD_S:
            shown = max(shown or Priority.MEDIUM, Priority.MEDIUM)
        if shown is not self._shown:
            self._shown, self._since_s = shown, now_s
        states = dict.fromkeys(self._rack.contacts, False)
        pause_s = LONGEST_S
        if shown is not None:
            flash, since_s = FLASHES[shown], now_s - self._since_s
            colour = next(colour for colour in flash.colours if colour in states)
            states[colour] = lit(flash, since_s)
            pause_s = min(pause_s, until_change(flash, since_s) + ASIDE_S)
        self._trouble = self._rack.set(states)
        return pause_s

    def close(self) -> None:
        """Go dark."""
        if self._beat.close():
            self._rack.close()


def open_lamp(settings: LampSettings, origin: Origin) -> LampSink:  # noqa: ARG001 - a light names nobody
    """Make the sink of [sinks.lamp]."""
    return LampSink(settings)


LAMP = WayOut(LampSettings, open_lamp)
