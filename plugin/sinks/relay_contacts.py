"""Contacts of relay boards by address, and the boards behind them: opened when needed, again after a loss.

    gpio:///dev/gpiochip0?line=17          a line of the box itself; &active=low inverts it,
                                           &read_back=27 is an input wired to the relay's other contact
    lcus:///dev/ttyUSB0?contact=1          USB relay of the LCUS kind (frames of four bytes), contacts from 1
    numato:///dev/ttyACM0?contact=0        USB relay that takes lines of text (Numato), contacts from 0

    Rack({"red": address, ...}).set({"red": True, ...}) -> what failed, empty when nothing did

A board is opened once for all its contacts, by one Rack: two ways out cannot share one. What happens to a
contact when this process dies is the board's: see `AT_DEATH`.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import parse_qsl, urlsplit

from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "gpio": ("barocast.plugin.sinks.relay_gpio", "GpioBoard"),
    "lcus": ("barocast.plugin.sinks.relay_serial", "LcusBoard"),
    "numato": ("barocast.plugin.sinks.relay_serial", "NumatoBoard"),
}
"""Scheme -> module and class of its board; imported when one is opened."""
AT_DEATH: Final[Mapping[str, str]] = {
    "gpio": "the kernel releases the line when the process dies; whether it falls then is the chip's matter",
    "lcus": "the contact stays as it was when the process dies",
    "numato": "the contact stays as it was when the process dies",
}
EXAMPLE: Final = (
    "gpio:///dev/gpiochip0?line=17, lcus:///dev/ttyUSB0?contact=1 or numato:///dev/ttyACM0?contact=0"
)
MAX_NUMBER: Final = 1023
"""No chip and no board has more."""


class RelayLost(Exception):  # noqa: N818 - it names what happened, which is no programming error
    """The board is gone or does not do what it is told; open it again."""


@dataclass(frozen=True, slots=True)
class Contact:
    """One contact, as an address says it."""

    kind: str
    path: str
    number: int
    """Line of the chip, contact of the board."""
    active_low: bool = False
    """The relay is energised by 0 V (gpio)."""
    read_back: int | None = None
    """Line of an input that is active while the relay is energised (gpio)."""


class Board(Protocol):
    """A row of contacts. Made with its path and the contacts that will be used, all at rest at first."""

    def set(self, contact: Contact, *, on: bool) -> None:
        """Energise it or let it fall. Raises RelayLost."""

    def read(self, contact: Contact) -> bool | None:
        """Say whether it is energised, as the board itself tells; None where it cannot. Raises RelayLost."""

    def close(self) -> None:
        """Let all fall and let go of the device."""


def contact_of(address: str) -> Contact:
    """Read an address. Raises SettingsError."""
    parts = urlsplit(address)
    options = dict(parse_qsl(parts.query))
    number = "line" if parts.scheme == "gpio" else "contact"
    known = {number, "active", "read_back"} if parts.scheme == "gpio" else {number}
    if parts.scheme not in KINDS or parts.netloc or not parts.path or number not in options:
        raise SettingsError(f"relay: {address!r} is no contact; write {EXAMPLE}")
    if unknown := sorted(options.keys() - known):
        raise SettingsError(
            f"relay: {address}: {unknown[0]} is unknown; {parts.scheme} takes {sorted(known)}"
        )
    if options.get("active", "high") not in {"high", "low"}:
        raise SettingsError(f"relay: {address}: active: must be high or low")
    return Contact(
        parts.scheme,
        parts.path,
        _number(address, number, options[number]),
        active_low=options.get("active") == "low",
        read_back=_number(address, "read_back", options["read_back"]) if "read_back" in options else None,
    )


def _number(address: str, key: str, word: str) -> int:
    if not (word.isascii() and word.isdigit() and int(word) <= MAX_NUMBER):
        raise SettingsError(f"relay: {address}: {key}: must be a number up to {MAX_NUMBER}, not {word!r}")
    return int(word)


def open_board(path: str, contacts: Sequence[Contact]) -> Board:
    """Open the board behind one path. Raises RelayLost."""
    module, name = KINDS[contacts[0].kind]
    board: Board = getattr(import_module(module), name)(path, contacts)
    return board


class Rack:
    """Contacts by name, on as many boards as they need. Safe to use from two threads."""

    def __init__(
        self,
        addresses: Mapping[str, str],
        opener: Callable[[str, Sequence[Contact]], Board] = open_board,
    ) -> None:
        """Open nothing yet. Raises SettingsError."""
        self.contacts = {name: contact_of(address) for name, address in addresses.items()}
        self._opener, self._boards, self._lock = opener, dict[str, Board](), threading.Lock()
        self._set: dict[str, bool] = {}
        """What each contact was told last; nothing of a board that was lost."""
        kinds = {(contact.path, contact.kind) for contact in self.contacts.values()}
        if len({path for path, _ in kinds}) < len(kinds):
            raise SettingsError("relay: one device is named as two kinds of board; name it as what it is")

    def set(self, states: Mapping[str, bool]) -> str:
        """Bring contacts to these states; give what failed, empty when nothing did."""
        with self._lock:
            return _joined(self._reach(name, on=on) for name, on in states.items())

    def check(self) -> str:
        """Ask every contact that can tell whether it is as it was told."""
        with self._lock:
            return _joined(self._ask(name, on=on) for name, on in self._set.copy().items())

    def close(self) -> None:
        """Let every contact fall, and let go of the boards."""
        with self._lock:
            for path in list(self._boards):
                self._drop(path)

    def _reach(self, name: str, *, on: bool) -> str:
        contact = self.contacts[name]
        try:
            board = self._board(contact.path)
            if self._set.get(name) != on:
                board.set(contact, on=on)
                self._set[name] = on
        except RelayLost as lost:
            self._drop(contact.path)
            return f"{contact.path}: {lost}"
        return ""

    def _ask(self, name: str, *, on: bool) -> str:
        contact = self.contacts[name]
        try:
            told = self._boards[contact.path].read(contact) if contact.path in self._boards else None
        except RelayLost as lost:
            self._drop(contact.path)
            return f"{contact.path}: {lost}"
        if told is None or told == on:
            return ""
        words = {True: "energised", False: "fallen"}
        return f"{contact.path}: contact {contact.number} is {words[told]}, and should be {words[on]}"

    def _board(self, path: str) -> Board:
        if path not in self._boards:
            mine = [contact for contact in self.contacts.values() if contact.path == path]
            self._boards[path] = self._opener(path, mine)
        return self._boards[path]

    def _drop(self, path: str) -> None:
        board = self._boards.pop(path, None)
        self._set = {name: on for name, on in self._set.items() if self.contacts[name].path != path}
        if board is not None:
            with suppress(RelayLost):
                board.close()


def _joined(troubles: Iterable[str]) -> str:
    """Say each once: a board that is gone fails for all its contacts."""
    return "; ".join(filter(None, dict.fromkeys(troubles)))
