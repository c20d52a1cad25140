r"""USB relay boards on a serial port, 9600 baud: two common sets of commands.

LCUS (boards of 1 to 8 relays with a CH340), one way, nothing is told back:

    A0  contact 1..8  01 on | 00 off  sum of the three, low byte

Numato and its kin, lines of text with an echo and a prompt:

    relay on 0\r     ->  relay on 0\n\r>
    relay read 0\r   ->  relay read 0\n\ron\n\r>         contacts above 9 are letters, from A

Neither board lets a contact fall by itself when nobody speaks to it any more.

Sources: the boards' own instruction sheets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from barocast.plugin.clock import Clock
from barocast.plugin.sinks.relay_contacts import Contact, RelayLost
from barocast.plugin.transports.serial_port import SerialTransport
from barocast.plugin.transports.transport import TransportLost

if TYPE_CHECKING:
    from collections.abc import Sequence

BAUD: Final = 9600
ANSWER_S: Final = 0.5
"""Longest wait for the prompt; a board answers within 50 ms."""
MAX_ANSWER: Final = 256
"""Bytes: an answer is below 40; more is some other device that talks on this port."""
PROMPT: Final = b">"
LETTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUV"
"""How the text names a contact of a board of up to 32."""
LCUS_CONTACTS: Final = range(1, 256)


class LcusBoard:
    """Speaks the four-byte frames."""

    def __init__(self, path: str, contacts: Sequence[Contact]) -> None:
        self._contacts = contacts
        if wrong := [c.number for c in contacts if c.number not in LCUS_CONTACTS]:
            raise RelayLost(f"has no contact {wrong[0]}; they count from 1")
        self._port = _opened(path)
        for contact in contacts:
            self.set(contact, on=False)

    def set(self, contact: Contact, *, on: bool) -> None:
        """Send one frame."""
        frame = bytes((0xA0, contact.number, on))
        _send(self._port, frame + bytes((sum(frame) & 0xFF,)))

    def read(self, contact: Contact) -> bool | None:  # noqa: ARG002 - as the protocol has it
        """Give None: this board tells nothing."""
        return None

    def close(self) -> None:
        """Let all fall and close the port."""
        try:
            for contact in self._contacts:
                self.set(contact, on=False)
        finally:
            self._port.close()


class NumatoBoard:
    """Speaks the lines of text, and reads back."""

    def __init__(self, path: str, contacts: Sequence[Contact]) -> None:
        self._contacts = contacts
        if wrong := [c.number for c in contacts if c.number >= len(LETTERS)]:
            raise RelayLost(f"has no contact {wrong[0]}; they count from 0 to {len(LETTERS) - 1}")
        self._port = _opened(path)
        self._ask("")  # ends whatever half line the board still holds
        for contact in contacts:
            self.set(contact, on=False)

    def set(self, contact: Contact, *, on: bool) -> None:
        """Send the command and wait for the prompt."""
        self._ask(f"relay {'on' if on else 'off'} {LETTERS[contact.number]}")

    def read(self, contact: Contact) -> bool | None:
        """Ask the board."""
        answer = self._ask(f"relay read {LETTERS[contact.number]}").split()
        words = {b"on": True, b"off": False}
        return next((words[word] for word in reversed(answer) if word in words), None)

    def close(self) -> None:
        """Let all fall and close the port."""
        try:
            for contact in self._contacts:
                self.set(contact, on=False)
        finally:
            self._port.close()

    def _ask(self, line: str) -> bytes:
        _send(self._port, line.encode() + b"\r")
        answer, clock = b"", Clock()
        while PROMPT not in answer and len(answer) < MAX_ANSWER and (waited_s := clock()) < ANSWER_S:
            answer += _received(self._port, ANSWER_S - waited_s)
        if PROMPT not in answer:
            raise RelayLost(f"does not answer as a Numato board ({answer[:20]!r}); is it an lcus one?")
        return answer


def _opened(path: str) -> SerialTransport:
    try:
        return SerialTransport(path, BAUD)
    except TransportLost as lost:
        raise RelayLost(f"{lost}; plug the board in, and use its name in /dev/serial/by-id") from lost


def _send(port: SerialTransport, data: bytes) -> None:
    try:
        port.write(data)
    except TransportLost as lost:
        raise RelayLost(str(lost)) from lost


def _received(port: SerialTransport, timeout_s: float) -> bytes:
    try:
        return port.read(timeout_s)
    except TransportLost as lost:
        raise RelayLost(str(lost)) from lost
