"""The questions of an installer, in plain lines on a terminal; what is found here is offered by number.

    ask_for(answers, Terminal()) -> Answers      whatever is answered already is offered as the default

An answer that cannot be meant is said, and asked for again. An end of input raises SettingsError.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from barocast.plugin import sound_command
from barocast.plugin.discover import BY_ID, SECONDS, monitors, serial_ports, ways_in
from barocast.plugin.feeds import find_feed, live_names
from barocast.plugin.sinks.sound import WAV_TARGET
from barocast.plugin.transports.addresses import check_address
from barocast.plugin.transports.transport import TransportLost
from barocast.plugin.web.access import Address
from barocast.runtime.decoders.intellivue_calls import CALL_PORT
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from barocast.plugin.discover import Found
    from barocast.plugin.setup.answers import Answers

LINES: Final = {
    "intellivue-serial": "baud=115200",
    "dri": "baud=19200&parity=E&rtscts=1",
    "bis": "baud=57600",
    "medibus": "baud=9600&parity=E",
    "masimo": "baud=9600",
}
"""Serial feeds -> how their lines are set, as in docs/configuration.md."""
SCREEN: Final = "127.0.0.1:8520"
STORAGE: Final = "/var/lib/barocast"
SERIAL: Final = "serial"


@dataclass(frozen=True, slots=True)
class Terminal:
    """Whoever answers."""

    read: Callable[[str], str] = input
    say: Callable[[str], None] = print

    def ask(self, question: str, default: str = "", check: Callable[[str], object] = str) -> str:
        """Ask until the answer is good; `check` raises SettingsError for one that is not."""
        shown = f"{question} [{default}]: " if default else f"{question}: "
        while True:
            try:
                answer = self.read(shown).strip() or default
            except EOFError as error:
                raise SettingsError(
                    f"{question}: nobody answers; use --non-interactive with options"
                ) from error
            try:
                check(answer)
            except SettingsError as error:
                self.say(f"  {error}")
                continue
            return answer

    def agrees(self, question: str, *, default: bool) -> bool:
        """Ask yes or no."""
        return self.ask(f"{question} (y/n)", "y" if default else "n").lower().startswith("y")


def ask_for(answers: Answers, terminal: Terminal) -> Answers:
    """Ask everything."""
    named = replace(answers, name=terminal.ask("Name of the bed, no person's", answers.name or "OR 1", _some))
    placed = _feed(named, terminal)
    loud = replace(placed, sound=_sound(placed.sound, terminal))
    address = terminal.ask("Page for a browser, HOST:PORT, or none", answers.screen or SCREEN, _page)
    seen = replace(loud, screen="" if address == "none" else address)
    if seen.screen:
        token = terminal.agrees("Must whoever acts on the page know a token", default=True)
        seen = replace(seen, token=token)
    folder = terminal.ask("Folder for logs and cases, or none", answers.storage or STORAGE)
    return replace(seen, storage="" if folder == "none" else folder)


def _feed(answers: Answers, terminal: Terminal) -> Answers:
    found: list[Found] = [*serial_ports(BY_ID), *ways_in()]
    if terminal.agrees(f"Listen {SECONDS:.0f} s for IntelliVue monitors on the network", default=False):
        found += _calling(terminal)
    for number, each in enumerate(found, start=1):
        terminal.say(f"  {number}  {each.kind:<15} {each.address}   {each.about}")
    said = terminal.ask("Number of the monitor's port, or its address", answers.address, _some)
    chosen = found[int(said) - 1] if said.isdecimal() and 0 < int(said) <= len(found) else None
    if chosen is not None and chosen.kind != SERIAL:
        return replace(answers, feed=chosen.kind, address=chosen.address)
    kind = terminal.ask(f"Kind of feed: {', '.join(live_names())}", answers.feed, find_feed)
    offered = _offered(chosen.address if chosen is not None else said, kind)
    return replace(answers, feed=kind, address=terminal.ask("Address", offered, check_address))


def _offered(address: str, kind: str) -> str:
    """Give a serial port's address with the line settings of its feed."""
    port = address.partition("?")[0]
    return f"{port}?{LINES[kind]}" if port.startswith(SERIAL) and kind in LINES else address


def _calling(terminal: Terminal) -> Sequence[Found]:
    try:
        return list(monitors(CALL_PORT, SECONDS))
    except TransportLost as lost:
        terminal.say(f"  {lost}")
        return []


def _sound(device: str, terminal: Terminal) -> str:
    """Choose a loudspeaker, and hear it."""
    _sound_command("list", terminal)
    while True:
        said = terminal.ask("Sound device, never a default one; wav:DIR for files; or none", device or "none")
        if said == "none" or said.startswith(WAV_TARGET):
            return "" if said == "none" else said
        if _sound_command("test", terminal, said) or not terminal.agrees("Another device", default=True):
            return said


def _sound_command(act: str, terminal: Terminal, *device: str) -> bool:
    """Run `barocast sound`; whether it was proven."""
    parser = argparse.ArgumentParser()
    sound_command.add_arguments(parser)
    try:
        return sound_command.run(parser.parse_args([act, *device])) == 0
    except SettingsError as error:
        terminal.say(f"  {error}")
        return False


def _some(answer: str) -> None:
    if not answer:
        raise SettingsError("an answer is needed")


def _page(answer: str) -> None:
    if answer != "none":
        Address.parse(answer)
