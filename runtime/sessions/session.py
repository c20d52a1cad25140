"""One monitor connection, sans-IO: bytes and `now` in; events and the bytes to send out.

A session decodes what the monitor says and speaks the client's side of its protocol. It owns no
port and reads no clock: the service hands it bytes as they come and asks every fraction of a
second what is due. Silence, refusal and abort are answered by starting over, for ever. Over datagrams
`data` is one of them, and so is all that one call of `receive` and the `due` after it give together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from barocast.runtime.domain import Event, FeedCounts


class Decoder(Protocol):
    """Bytes of one wire format to events. Any bytes in any chunking: never an exception."""

    @property
    def counts(self) -> FeedCounts:
        """What was seen so far."""

    def feed(self, data: bytes) -> list[Event]:
        """Take the next bytes; give whatever they complete."""

    def close(self) -> list[Event]:
        """Say what was left unfinished at the end of the stream (`cut short`)."""


class Session(Protocol):
    """One end of a live connection."""

    @property
    def counts(self) -> FeedCounts:
        """What was seen so far."""

    @property
    def status(self) -> str:
        """One word for the screen and `doctor`: `connecting`, `associated`, `silent`, ..."""

    def receive(self, data: bytes, now_s: float) -> tuple[list[Event], bytes]:
        """Take what the monitor sent; give the events and what to send back at once."""

    def due(self, now_s: float) -> bytes:
        """Give what time alone makes due: requests, renewals, keep-alives. `now_s` is monotonic."""

    def release(self) -> bytes:
        """Give the orderly farewell."""
