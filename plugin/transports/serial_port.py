"""RS-232: 8 data bits, 1 stop bit, never XON/XOFF (the streams are binary)."""

from __future__ import annotations

import contextlib
import select
from typing import Final

import serial

from barocast.plugin.transports.transport import CHUNK, WRITE_S, TransportLost

PARITIES: Final = ("N", "E", "O")


class SerialTransport:
    """A serial port (a pty serves as one). Opened exclusively: two readers would share the bytes."""

    connected = True
    """A serial line tells no more."""

    def __init__(self, port: str, baud: int, parity: str = "N", *, rtscts: bool = False) -> None:
        try:
            self._port = serial.Serial(
                port, baud, parity=parity, rtscts=rtscts, exclusive=True, write_timeout=WRITE_S
            )
        except (OSError, ValueError) as error:
            raise TransportLost(f"{port}: {error}") from error

    def read(self, timeout_s: float) -> bytes:
        """Give what has come, waiting at most `timeout_s`."""
        try:
            ready, _, _ = select.select([self._port.fileno()], [], [], timeout_s)
            return bytes(self._port.read(min(self._port.in_waiting, CHUNK))) if ready else b""
        except (OSError, TypeError, ValueError) as error:
            raise TransportLost(str(error)) from error

    def write(self, data: bytes) -> None:
        """Send all of `data`."""
        try:
            self._port.write(data)
        except OSError as error:
            raise TransportLost(str(error)) from error

    def close(self) -> None:
        """Let go of the port."""
        with contextlib.suppress(OSError):
            self._port.close()
