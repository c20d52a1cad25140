"""A session beside which the patient's description is read, where the site asks for it, sans-IO.

The describer hears every byte before the session does, and its request is sent between the session's own
turns: when the session has been silent for QUIET_S, every ASK_S while it is associated. So no decoder and no
session knows of demographics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from barocast.runtime.decoders.demographics import Describer
    from barocast.runtime.domain import Event, FeedCounts, Patient
    from barocast.runtime.sessions.session import Session

ASK_S: Final = 60.0
"""A patient is admitted, or mended, once in hours."""
QUIET_S: Final = 1.0
"""Longer than any turn of a session: what a monitor takes at a time is not exceeded."""


class DescribedSession:
    """One connection (runtime.sessions.session.Session), and who lies there."""

    def __init__(self, session: Session, describer: Describer) -> None:
        self._session = session
        self._describer = describer
        self._said_s = self._ask_at_s = float("-inf")

    @property
    def counts(self) -> FeedCounts:
        """What was seen so far."""
        return self._session.counts

    @property
    def status(self) -> str:
        """One word for the screen."""
        return self._session.status

    @property
    def patient(self) -> Patient:
        """Age, sex and size as the line told them last."""
        return self._describer.patient

    def receive(self, data: bytes, now_s: float) -> tuple[list[Event], bytes]:
        """Take what the monitor sent; give the events and what to send back at once."""
        self._describer.feed(data)
        events, reply = self._session.receive(data, now_s)
        if reply:
            self._said_s = now_s
        return events, reply

    def due(self, now_s: float) -> bytes:
        """Give what time alone makes due; the request when nothing else is."""
        due = self._session.due(now_s)
        if due:
            self._said_s = now_s
            return due
        if self.status != "associated" or now_s < max(self._ask_at_s, self._said_s + QUIET_S):
            return b""
        self._said_s, self._ask_at_s = now_s, now_s + ASK_S
        return self._describer.request

    def release(self) -> bytes:
        """Give the orderly farewell."""
        return self._session.release()
