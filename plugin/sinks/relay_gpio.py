"""Contacts on GPIO lines of the box itself, through libgpiod v2 (extra `relay`).

When a process dies the kernel releases its lines. What a released line does is the chip driver's matter: many
fall back to an input, some keep the last value. `falls` proves it on this box, where an input is wired back.

Source: linux/Documentation/userspace-api/gpio/chardev.rst; gpiod 2 for Python.
"""

from __future__ import annotations

import contextlib
from importlib import import_module
from time import sleep
from typing import TYPE_CHECKING, Any, Final

from barocast.plugin.sinks.relay_contacts import Contact, RelayLost

if TYPE_CHECKING:
    from collections.abc import Sequence

CONSUMER: Final = "barocast"
"""What `gpioinfo` shows as the line's user."""
SETTLE_S: Final = 0.05
"""A relay's armature moves in 5 to 20 ms."""
MEND: Final = "check with `gpioinfo`, and that the service may open the chip"


class GpioBoard:
    """The lines of one chip that we use."""

    def __init__(self, path: str, contacts: Sequence[Contact], library: Any = None) -> None:  # noqa: ANN401 - gpiod
        self._gpiod = library or _library()
        self._path = path
        outputs = {contact.number: self._output(contact) for contact in contacts}
        inputs = {c.read_back: self._input() for c in contacts if c.read_back is not None}
        self._lines = self._request(outputs | inputs)

    def set(self, contact: Contact, *, on: bool) -> None:
        """Drive the line."""
        value = self._gpiod.line.Value
        with _lost():
            self._lines.set_value(contact.number, value.ACTIVE if on else value.INACTIVE)

    def read(self, contact: Contact) -> bool | None:
        """Read the input that is wired back, once the relay has had time to move."""
        if contact.read_back is None:
            return None
        sleep(SETTLE_S)
        with _lost():
            return bool(self._lines.get_value(contact.read_back) == self._gpiod.line.Value.ACTIVE)

    def falls(self, contact: Contact) -> bool | None:
        """Energise, release and read: whether the relay falls as it would if we died; None: cannot be told.

        The board is closed after it.
        """
        self.set(contact, on=True)
        if self.read(contact) is not True:
            self.close()
            return None
        with _lost():
            self._lines.release()
        self._lines = self._request({contact.read_back: self._input()})
        fell = self.read(contact) is False
        with _lost():
            self._lines.release()
        return fell

    def close(self) -> None:
        """Let all fall and release the lines."""
        with _lost():
            self._lines.release()

    def _request(self, config: dict[Any, Any]) -> Any:  # noqa: ANN401 - gpiod's own
        with _lost():
            return self._gpiod.request_lines(self._path, consumer=CONSUMER, config=config)

    def _output(self, contact: Contact) -> Any:  # noqa: ANN401 - gpiod's own
        line = self._gpiod.line
        return self._gpiod.LineSettings(
            direction=line.Direction.OUTPUT,
            active_low=contact.active_low,
            output_value=line.Value.INACTIVE,
        )

    def _input(self) -> Any:  # noqa: ANN401 - gpiod's own
        return self._gpiod.LineSettings(direction=self._gpiod.line.Direction.INPUT)


@contextlib.contextmanager
def _lost() -> Any:  # noqa: ANN401 - a context manager
    try:
        yield
    except (OSError, ValueError, RuntimeError) as error:
        raise RelayLost(f"{getattr(error, 'strerror', None) or error}; {MEND}") from error


def _library() -> Any:  # noqa: ANN401 - its types are partial
    try:
        return import_module("gpiod")
    except ModuleNotFoundError as error:
        raise RelayLost("needs the library gpiod: pip install 'barocast[relay]'") from error
