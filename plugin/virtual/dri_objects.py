"""What a virtual DRI monitor measures: a source's numbers and waves as sub-records.

A channel that the source does not have belongs to a group that does not exist; one that it has but cannot
measure now (NaN) is sent as a monitor sends it, switched off or as a code. A cuff pressure and a
thermodilution stand until the next one and are marked after OLD_S; CO2 is a share of AMBIENT_MMHG.
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from barocast.runtime.decoders.dri_channels import PRESSURE_LABELS, TEMPERATURE_LABELS
from barocast.runtime.decoders.dri_physiology import ACTIVE, EXISTS, GROUPS, Reading
from barocast.runtime.decoders.dri_waves import SOCKETS, WAVES, samples_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from barocast.plugin.virtual.source import Source
    from barocast.runtime.decoders.dri_physiology import Group

AMBIENT_MMHG: Final = 759.8
OLD_S: Final = 60
CUT_LATE_EVERY: Final = 30
"""Seconds between packets that are cut one sample late."""
_STATUS: Final = 0x0002
"""Of a wave sub-record without a gap, as recorded; a count goes on above it."""

_PRESSURE_NUMBERS: Final = ("sys", "dia", "mean")
_CHANNELS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "ECG": {"hr": "HR"},
        "NIBP": {name: f"NIBP_{name.upper()}" for name in _PRESSURE_NUMBERS},
        "T1": {"temp": "TEMP"},
        "SPO2": {"spo2": "SPO2", "pr": "PR"},
        "CO2": {"et": "ETCO2", "rr": "RR"},
        "CO": {"co": "CO"},
        "BIS": {"bis": "BIS"},
    }
)
"""Group -> its numbers -> channels of the source."""
_COUNTED: Final[Mapping[str, float]] = MappingProxyType({"ETCO2": 100 / AMBIENT_MMHG, "CO": 1000.0})
"""Channel -> units of its group in one canonical unit: per cent in a mmHg, mL/min in a L/min."""
_VESSELS: Final = {"ART": "ABP", "ABP": "ABP", "FEM": "ABP", "UAC": "ABP", "CVP": "CVP", "PA": "PAP"}
_PRESSURE_NUMBER: Final = {name: number for number, name in PRESSURE_LABELS.items()}
_OESOPHAGUS: Final = next(number for number, name in TEMPERATURE_LABELS.items() if name == "ESO")


class MonitorGroups:
    """The groups and waves of one patient; `sockets` is pressure group -> label. Time only ever advances."""

    def __init__(self, source: Source, sockets: Mapping[str, str]) -> None:
        self._source = source
        self._sockets = sockets
        self._measured: dict[str, tuple[dict[str, float], int]] = {}
        """Group measured now and then -> its last values and the second when they were new."""

    def readings(self, second: int) -> list[Reading]:
        """Give every group that the source has something for, `second` seconds after the start."""
        values = self._source.numerics(float(second))
        found = (self._reading(group, values, second) for group in GROUPS)
        return [reading for reading in found if reading]

    def wave(self, kind: int, second: int) -> bytes:
        """Give the wave sub-record that is sent `second` seconds after the start."""
        wave = WAVES[kind]
        first, last = _cut(second - 1, wave.rate_hz), _cut(second, wave.rate_hz)
        channel = self._wave_channel(kind)
        values = self._source.wave(channel, first / wave.rate_hz, last - first, wave.rate_hz)
        if channel == "CO2_WAVE":
            values = values * 100 / AMBIENT_MMHG
        return samples_bytes(values, wave, _STATUS | second << 4 & 0xFFF0)

    def _reading(self, group: Group, values: dict[str, float], second: int) -> Reading | None:
        channels = self._channels(group)
        shown = {
            number: values[channel] * _COUNTED.get(channel, 1.0)
            for number, channel in channels.items()
            if channel in values
        }
        if not shown:
            return None
        measurable = any(math.isfinite(value) for value in shown.values())
        label = self._label(group, shown, second)
        if group.name == "CO2":
            shown["ambient"] = AMBIENT_MMHG
        return Reading(group, EXISTS | ACTIVE * measurable, label, shown)

    def _channels(self, group: Group) -> Mapping[str, str]:
        label = self._sockets.get(group.name)
        if label is None:
            return _CHANNELS.get(group.name, {})
        return {name: f"{_VESSELS.get(label, label)}_{name.upper()}" for name in _PRESSURE_NUMBERS}

    def _label(self, group: Group, shown: dict[str, float], second: int) -> int:
        if group.name in self._sockets:
            return _PRESSURE_NUMBER[self._sockets[group.name]]
        if group.old_bit:
            return group.old_bit if self._is_old(group.name, shown, second) else 0
        return _OESOPHAGUS if group.name == "T1" else 0

    def _is_old(self, name: str, shown: dict[str, float], second: int) -> bool:
        last, since = self._measured.get(name, ({}, second))
        if last != shown:
            self._measured[name] = (shown, second)
        return last == shown and second - since > OLD_S

    def _wave_channel(self, kind: int) -> str:
        for socket, label in self._sockets.items():
            if SOCKETS[socket] == kind:
                return f"{_VESSELS.get(label, label)}_WAVE"
        return WAVES[kind].channel or WAVES[kind].name


def _cut(second: int, rate_hz: int) -> int:
    """Give how many samples have been sent when the packet of `second` is."""
    late = second > 0 and second % CUT_LATE_EVERY == 0
    return second * rate_hz + late
