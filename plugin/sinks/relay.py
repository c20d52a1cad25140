"""A relay that says by falling: energised while the box is well and nothing alarms, `[sinks.relay]`.

    contact    gpio:///dev/gpiochip0?line=17, lcus:///..., numato:///...      (relay_contacts)
    opens_at   lowest priority that lets it fall: low, medium, high, or never (then only a failure does)
    pulsed     true: toggled every second while all is well, for a time relay that holds its contact

It falls when an alarm of that priority is neither acknowledged nor paused, when the bed has said nothing for
UNTOLD_S, and when the process dies: within how long is the board's matter. Pulses into a time relay set to
3 s fall within 5 s whatever dies; a GPIO line wired back is tried at start; a USB board that is not pulsed
stays as it was, so there the sink is `best_effort`, and the separate failure buzzer has to speak.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from barocast.plugin.clock import Clock
from barocast.plugin.sinks.beat import Beat
from barocast.plugin.sinks.relay_contacts import AT_DEATH, Rack, RelayLost, contact_of, open_board
from barocast.plugin.sinks.relay_gpio import GpioBoard
from barocast.plugin.sinks.sink import Guarantee, SelfTest
from barocast.plugin.sinks.way_out import Origin, WayOut
from barocast.runtime.alarm.rules import Priority
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from barocast.plugin.sinks.relay_contacts import Board, Contact
    from barocast.plugin.sinks.sink import Receipt
    from barocast.runtime.alarm.events import AlarmSnapshot

REFRESH_S: Final = 1.0
"""Between two turns of the relay's own thread, each a pulse where it is pulsed (ALM-13: 2 s at most)."""
UNTOLD_S: Final = 8.0
"""Snapshots come every 5 s: a bed that is quiet for so long is wedged."""
PATIENCE_S: Final = 3.0
"""A board that does not come back within this is held by something."""
NEVER: Final = "never"
OPENS_AT: Final[dict[str, int]] = {**{str(p): int(p) for p in Priority}, NEVER: max(Priority) + 1}
_OUT: Final = "out"


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """The table [sinks.relay]."""

    contact: str
    """Address of the contact."""
    opens_at: str = "medium"
    """low, medium, high or never."""
    pulsed: bool = False
    """Toggled every second while all is well."""

    def __post_init__(self) -> None:
        """Raise SettingsError for what cannot be meant."""
        contact_of(self.contact)
        if self.opens_at not in OPENS_AT:
            raise SettingsError(f"relay: opens_at: {self.opens_at!r} is not one of {', '.join(OPENS_AT)}")


class RelaySink:
    """Dead-man: whoever wants it energised has to say so again and again."""

    def __init__(
        self,
        settings: RelaySettings,
        opener: Callable[[str, Sequence[Contact]], Board] = open_board,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """Open nothing yet."""
        self._settings, self._opener, self._clock = settings, opener, clock or Clock()
        self._rack = Rack({_OUT: settings.contact}, opener)
        self._beat = Beat("relay", self.turn, self._clock)
        self.guarantee: Guarantee = "primary" if settings.pulsed else "best_effort"
        """`primary` only where the contact is known to fall when we die."""
        self._quiet, self._told_s = False, float("-inf")
        self._pulse = False
        self._proven = False
        """The contact was seen to fall when its line was released."""
        self._trouble = ""

    def self_test(self) -> SelfTest:
        """Reach the board; at start, before anything is energised, try whether it falls by itself."""
        if not self._beat.running:
            self._trouble = self._prove() or self._rack.set({_OUT: False}) or self._rack.check()
        text = f"relay: {self._trouble or self._settings.contact}"
        return SelfTest(not self._trouble, f"{text}; {self._at_death()}")

    def apply(self, snapshot: AlarmSnapshot) -> Receipt:
        """Hand the state to the relay's thread; tell what that met last."""
        was_quiet = self._quiet
        self._quiet = (snapshot.sounding or 0) < OPENS_AT[self._settings.opens_at]
        self._told_s = self._clock()
        if self._quiet is not was_quiet or not self._beat.running:
            self._beat.wake()
        return self._beat.receipt("relay", self._trouble, PATIENCE_S)

    def turn(self, now_s: float) -> float:
        """Energise, pulse or let fall; give the seconds until the next turn."""
        well = self._quiet and now_s - self._told_s <= UNTOLD_S
        self._pulse = well and not self._pulse
        on = self._pulse if self._settings.pulsed else well
        self._trouble = self._rack.set({_OUT: on}) or self._rack.check()
        return REFRESH_S

    def close(self) -> None:
        """Let it fall."""
        if self._beat.close():
            self._rack.close()

    def _prove(self) -> str:
        contact = self._rack.contacts[_OUT]
        if contact.read_back is None:
            return ""
        try:
            board = self._opener(contact.path, [contact])
            fell = board.falls(contact) if isinstance(board, GpioBoard) else None
        except RelayLost as lost:
            return f"{contact.path}: {lost}"
        self._proven = fell is True
        self.guarantee = "primary" if self._proven or self._settings.pulsed else "best_effort"
        return (
            "" if fell is not None else f"{contact.path}: line {contact.read_back} does not follow the relay"
        )

    def _at_death(self) -> str:
        if self._settings.pulsed:
            return "pulsed: set the time relay to 3 s, and it falls within 5 s of our death"
        if self._proven:
            return "seen to fall when its line is released"
        mend = "use pulsed = true with a time relay, or the failure buzzer (docs/ways-out.md)"
        return f"{AT_DEATH[self._rack.contacts[_OUT].kind]}: {mend}"


def open_relay(settings: RelaySettings, origin: Origin) -> RelaySink:  # noqa: ARG001 - a contact names nobody
    """Make the sink of [sinks.relay]."""
    return RelaySink(settings)


RELAY = WayOut(RelaySettings, open_relay)
