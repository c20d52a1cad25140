"""An SDC device as our consumer hands it on: records of runtime.decoders.sdc_record, sans-IO.

It describes itself once, when it is switched on, and then tells once a second what it measures, numerics and
the arterial wave of that second. It hears nothing: what SDC says to a device, the consumer's library says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from barocast.plugin.virtual.uptime import Uptime
from barocast.runtime.decoders.sdc_record import record
from barocast.runtime.tracks import CHANNELS

if TYPE_CHECKING:
    from barocast.plugin.virtual.source import Source

STARTED_S: Final = 1_772_436_600.0
"""The device's date and time when it was switched on, seconds since 1970."""
NUMERICS: Final = ("ABP_MEAN", "ABP_SYS", "ABP_DIA", "HR")
WAVE: Final = "ABP_WAVE"
RATE_HZ: Final = 125
DECIMALS: Final = 2
_UNITS: Final = {"mmHg": "266016", "1/min": "264928"}
_SOUND: Final = {"validity": "Vld", "mode": "Real", "activation": "On"}


class VirtualSdc:
    """One device with one patient."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._on = Uptime()
        self._described = False

    def receive(self, data: bytes, now_s: float) -> bytes:
        """Hear nothing."""
        del data
        return self.due(now_s)

    def due(self, now_s: float) -> bytes:
        """Give the description, and the reports of the seconds that have passed."""
        first, self._described = not self._described, True
        reports = b"".join(self._report(second) for second in self._on.passed(now_s))
        return (_description() if first else b"") + reports

    def _report(self, second: int) -> bytes:
        shown = self._source.numerics(second)
        values = self._source.wave(WAVE, second - 1, RATE_HZ, RATE_HZ).round(DECIMALS).tolist()
        metrics = [_state(name, second, value=shown[name]) for name in NUMERICS]
        return record(
            {"is": "report", "metrics": metrics, "waves": [_state(WAVE, second - 1, values=values)]}
        )


def _description() -> bytes:
    metrics = [_metric(name) for name in NUMERICS] + [_metric(WAVE) | {"period_s": 1 / RATE_HZ}]
    return record({"is": "mdib", "devices": [{"handle": "mds", "mode": "Nml"}], "metrics": metrics})


def _metric(name: str) -> dict[str, Any]:
    track = CHANNELS[name]
    told = {
        "handle": name,
        "device": "mds",
        "place": "line",
        "code": str(track.mdc),
        "unit": _UNITS[track.unit],
    }
    return told | {"category": "Msrmt", "derivation": ""}


def _state(name: str, second: int, **measured: object) -> dict[str, Any]:
    return {"handle": name, "t": STARTED_S + second} | _SOUND | measured
