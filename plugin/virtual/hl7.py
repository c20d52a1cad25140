"""A virtual gateway that pushes HL7 v2 over MLLP, as IHE PCD-01 gateways do (ORU^R01, MDC codes, UCUM-free).

    every `every_s`   MSH, PID, OBR-7 and one OBX a numeric, each with its own OBX-14
    then              waits for MSA|AA (or CA) with its MSH-10; without one it sends the same again after
                      RESEND_S, as gateways that must not lose a result do

What the source cannot measure (NaN) goes out as an empty OBX-5 with OBX-11 X. Patient fields are empty: a
virtual monitor has no name to leak.
"""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

from barocast.runtime.decoders.mllp import wrap
from barocast.runtime.tracks import CHANNELS

if TYPE_CHECKING:
    from barocast.plugin.virtual.source import Source

RESEND_S: Final = 10.0
"""Seconds without an acknowledgement after which a message is sent again."""
_UNITS: Final = {
    "mmHg": "266016^MDC_DIM_MMHG^MDC",
    "1/min": "264864^MDC_DIM_BEAT_PER_MIN^MDC",
    "%": "262688^MDC_DIM_PERCENT^MDC",
    "°C": "268192^MDC_DIM_DEGC^MDC",
}
_ACKNOWLEDGED: Final = re.compile(rb"MSA\|(AA|CA)\|([^|\r]*)")


class VirtualHl7:
    """One bed behind a pushing gateway."""

    def __init__(
        self,
        source: Source,
        *,
        every_s: float = 1.0,
        started: datetime = datetime(2026, 1, 1, tzinfo=timezone.utc),
    ) -> None:
        self._source = source
        self._every_s = every_s
        self._started = started
        self._first_s: float | None = None
        self._sent = 0
        self._waiting: tuple[bytes, bytes, float] | None = None
        """(MSH-10, message, sent at) of the one not yet acknowledged."""
        self.resent = 0
        """Messages that had to be sent again."""

    def receive(self, data: bytes, now_s: float) -> bytes:
        """Take acknowledgements."""
        for _, control in _ACKNOWLEDGED.findall(data):
            if self._waiting is not None and control == self._waiting[0]:
                self._waiting = None
        return self.due(now_s)

    def due(self, now_s: float) -> bytes:
        """Give the next message when the last is acknowledged, or the last one again when it is overdue."""
        if self._first_s is None:
            self._first_s = now_s
        if self._waiting is not None:
            return self._again(now_s)
        t_s = self._sent * self._every_s
        if now_s - self._first_s < t_s:
            return b""
        self._sent += 1
        control = str(self._sent).encode()
        block = wrap(self._message(control.decode(), t_s).encode())
        self._waiting = (control, block, now_s)
        return block

    def _again(self, now_s: float) -> bytes:
        if self._waiting is None or now_s - self._waiting[2] < RESEND_S:
            return b""
        control, block, _ = self._waiting
        self._waiting = (control, block, now_s)
        self.resent += 1
        return block

    def _message(self, control: str, t_s: float) -> str:
        moment = self._started + timedelta(seconds=t_s)
        stamp = f"{moment:%Y%m%d%H%M%S}.{moment.microsecond // 1000:03}+0000"
        rows = [
            rf"MSH|^~\&|VIRTUAL^0000000000000001^EUI-64||||{stamp}||ORU^R01^ORU_R01|{control}|P|2.6|||NE|AL",
            "PID|||",
            f"OBR|1|||69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|||{stamp}",
        ]
        numerics = ((name, value) for name, value in self._source.numerics(t_s).items() if _spoken(name))
        rows += [_row(place, name, value, stamp) for place, (name, value) in enumerate(numerics, 1)]
        return "\r".join(rows) + "\r"


def _spoken(channel: str) -> bool:
    track = CHANNELS[channel]
    return track.mdc is not None and track.unit in _UNITS


def _row(place: int, channel: str, value: float, stamp: str) -> str:
    track = CHANNELS[channel]
    shown, status = ("", "X") if math.isnan(value) else (f"{value:g}", "R")
    code = f"{track.mdc}^MDC_{channel}^MDC"
    return f"OBX|{place}|NM|{code}|1.1.1.{track.mdc}|{shown}|{_UNITS[track.unit]}|||||{status}|||{stamp}"
