"""A virtual gateway that pushes HL7 v2 over MLLP, as IHE PCD-01 gateways do (hl7_messages).

    every `every_s`   one message of all numerics, and of the last interval of the `waves` that are named
    then              waits for MSA|AA (or CA) with its MSH-10; without one it sends the same again after
                      RESEND_S, as gateways that must not lose a result do

What integrators need to see go wrong can be ordered: `demonstrate` (the values become those of a training
system, MSH-11 T), `refusing` (it hangs up and does not call), `restart` (control ids and time start anew).
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.plugin.virtual.hl7_messages import Stretch, header, numeric_group, wave_group
from barocast.plugin.virtual.monitor import Link
from barocast.runtime.decoders.mllp import wrap

if TYPE_CHECKING:
    from collections.abc import Collection

    from barocast.plugin.virtual.source import Source

RESEND_S: Final = 10.0
"""Seconds without an acknowledgement after which a message is sent again."""
WAVES: Final = MappingProxyType({"ABP_WAVE": (125, 0.05), "PLETH_WAVE": (75, 0.01)})
"""Waves that it can tell: rate (Hz), resolution (unit per count)."""
_ACKNOWLEDGED: Final = re.compile(rb"MSA\|(AA|CA)\|([^|\r]*)")


class VirtualHl7:
    """One bed behind a pushing gateway (monitor.VirtualMonitor, HasDemo, HasLink)."""

    def __init__(
        self,
        source: Source,
        *,
        every_s: float = 1.0,
        started: datetime = datetime(2026, 1, 1, tzinfo=timezone.utc),
        waves: Collection[str] = (),
    ) -> None:
        self._source = source
        self._every_s = every_s
        self._started = started
        self._waves = waves
        self._processing = "P"
        self._first_s: float | None = None
        self._lived_s = 0.0
        """The patient's seconds before the last restart: a patient is not started anew."""
        self._sent = 0
        self._waiting: tuple[bytes, bytes, float] | None = None
        """(MSH-10, message, sent at) of the one not yet acknowledged."""
        self.refusing = False
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
        control = str(self._sent)
        block = wrap(self._message(control, t_s).encode())
        self._waiting = (control.encode(), block, now_s)
        return block

    def demonstrate(self, *, on: bool) -> None:
        """Enter or leave the training mode."""
        self._processing = "T" if on else "P"

    def link(self, _now_s: float) -> Link:
        """Give the state of the line."""
        return Link.SHUT if self.refusing else Link.UP

    def restart(self, now_s: float) -> None:
        """Begin again with the first control id and the time of the first start; nothing waits any more."""
        if self._first_s is not None:
            self._lived_s += now_s - self._first_s
        self._first_s, self._sent, self._waiting = now_s, 0, None

    def _again(self, now_s: float) -> bytes:
        if self._waiting is None or now_s - self._waiting[2] < RESEND_S:
            return b""
        control, block, _ = self._waiting
        self._waiting = (control, block, now_s)
        self.resent += 1
        return block

    def _message(self, control: str, t_s: float) -> str:
        moment = self._started + timedelta(seconds=t_s)
        rows = [header(control, moment, self._processing), "PID|||"]
        rows += numeric_group(self._source.numerics(self._lived_s + t_s), moment)
        began = moment - timedelta(seconds=self._every_s)
        stretches = self._stretches(t_s) if self._waves and began >= self._started else {}
        if stretches:
            rows += wave_group(stretches, began, moment)
        return "\r".join(rows) + "\r"

    def _stretches(self, t_s: float) -> dict[str, Stretch]:
        """Give the waves of the last interval that the source can tell."""
        found = {}
        for name in self._waves:
            rate_hz, resolution = WAVES[name]
            n = round(self._every_s * rate_hz)
            values = self._source.wave(name, self._lived_s + t_s - self._every_s, n, rate_hz)
            if not np.isnan(values).all():
                found[name] = Stretch(rate_hz, resolution, values)
        return found
