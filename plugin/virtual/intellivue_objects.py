"""What a virtual IntelliVue measures: a source's numbers and waves as objects of a poll result.

A channel that the source does not have is no object; one that it has but cannot measure now (NaN) is
sent as a monitor sends it, without a number and UNAVAILABLE or INVALID. NIBP carries the time at which
it was last measured.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.runtime.decoders import intellivue_codes as codes
from barocast.runtime.decoders.intellivue_alarms import Alarm, alarm_bytes
from barocast.runtime.decoders.intellivue_numbers import number_bytes
from barocast.runtime.decoders.intellivue_pdu import Observation
from barocast.runtime.decoders.intellivue_values import date_time_bytes, float_word, listed
from barocast.runtime.decoders.intellivue_waves import WaveLayout, samples_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from barocast.plugin.virtual.source import Source

ARRAY_TICKS: Final = 2048
"""256 ms: the length of one sample array."""
CONTEXT: Final = 1
NO_TRANSDUCER: Final = Alarm(0x1A04, 0, "ABP NO TRANSDUCER", "low", technical=True)


@dataclass(frozen=True, slots=True)
class _Numeric:
    """One numeric object: its label, unit, digits, and channels with their codes."""

    label: int
    unit: int
    decimals: int
    parts: tuple[tuple[str, int], ...]
    intermittent: bool = False


def _pressures(name: str, label: int, *, intermittent: bool = False) -> _Numeric:
    parts = tuple((f"{name}_{part}", label + step) for step, part in ((1, "SYS"), (2, "DIA"), (3, "MEAN")))
    return _Numeric(label, codes.MMHG, 0, parts, intermittent)


def _single(channel: str, code: int, unit: int, decimals: int = 0) -> _Numeric:
    return _Numeric(code, unit, decimals, ((channel, code),))


_NUMERICS: Final = (
    _pressures("NIBP", 0x4A04, intermittent=True),
    _pressures("PAP", 0x4A1C),
    _single("HR", 0x4182, codes.BPM),
    _single("PR", 0x4822, codes.BPM),
    _single("SPO2", 0x4BB8, codes.PERCENT),
    _single("ETCO2", 0x50B0, codes.MMHG),
    _single("RR", 0x500A, codes.RPM),
    _single("CVP_MEAN", 0x4A47, codes.MMHG),
    _single("TEMP", 0x4B48, codes.CELSIUS, 1),
    _single("BIS", 0xF04E, codes.DIMENSIONLESS),
    _single("CO", 0x4BDC, codes.LITRES_PER_MIN, 1),
)

_PRESSURE: Final = WaveLayout(32, 64, 13, -40.0, 520.0, 160, 9120, codes.MMHG)
_LAYOUTS: Final = {
    "ABP_WAVE": (0x4A14, _PRESSURE),
    "PAP_WAVE": (0x4A1C, _PRESSURE),
    "CVP_WAVE": (0x4A44, _PRESSURE),
    "PLETH_WAVE": (0x4BB4, WaveLayout(32, 64, 12, math.nan, math.nan, 0, 4095, codes.DIMENSIONLESS)),
    "CO2_WAVE": (0x50AC, WaveLayout(16, 128, 12, -5.0, 60.0, 100, 4000, codes.MMHG)),
}


class MonitorObjects:
    """The numeric, wave and alarm objects of one patient."""

    def __init__(self, source: Source, *, waves: tuple[str, ...], arterial: int, demo: bool) -> None:
        self._source = source
        self._numeric = (_pressures("ABP", arterial), *_NUMERICS)
        self._layouts = {code: (name, _LAYOUTS[name][1]) for name, code in _wave_codes(waves, arterial)}
        self.demo = demo
        """Whether the patient is invented, and every value says so."""
        self._measured: dict[int, tuple[list[int], bytes]] = {}
        """Label of an intermittent numeric -> its last words and the time they were new."""

    @property
    def _state(self) -> int:
        return codes.STATE_DEMO if self.demo else 0

    def numerics(self, t_s: float, wall: datetime) -> list[Observation]:
        """Give every numeric at `t_s`; `wall` is the date and time then."""
        values = self._source.numerics(t_s)
        return [
            Observation(CONTEXT, handle, self._numeric_attributes(numeric, values, wall))
            for handle, numeric in enumerate(self._numeric, 1)
            if any(channel in values for channel, _ in numeric.parts)
        ]

    def _numeric_attributes(
        self, said: _Numeric, values: dict[str, float], wall: datetime
    ) -> dict[int, bytes]:
        words = [float_word(values.get(channel, math.nan), said.decimals) for channel, _ in said.parts]
        items = [
            number_bytes(code, self._state | _missing(word), said.unit, word)
            for word, (_, code) in zip(words, said.parts, strict=True)
        ]
        attributes = {codes.LABEL: codes.label_id(said.label).to_bytes(4, "big")}
        if said.intermittent:
            attributes[codes.MEASURED_AT] = self._measured_at(said.label, words, wall)
        if len(items) == 1:
            return attributes | {codes.NUMERIC_VALUE: items[0]}
        return attributes | {codes.COMPOUND_NUMERIC: listed(items)}

    def _measured_at(self, label: int, words: list[int], wall: datetime) -> bytes:
        if label not in self._measured or self._measured[label][0] != words:
            self._measured[label] = (words, date_time_bytes(wall))
        return self._measured[label][1]

    def waves(self, t_s: float, wanted: tuple[int, ...], described: set[int]) -> list[Observation]:
        """Give 256 ms from `t_s` on of the wanted waves; describe those not yet `described`."""
        return list(self._arrays(t_s, wanted, described))

    def _arrays(self, t_s: float, wanted: tuple[int, ...], described: set[int]) -> Iterator[Observation]:
        for handle, (code, (channel, layout)) in enumerate(self._layouts.items(), 101):
            if code not in wanted:
                continue
            rate_hz = codes.TICKS_PER_S / layout.period_ticks
            values = self._source.wave(channel, t_s, layout.n, rate_hz)
            attributes = {} if code in described else layout.attributes()
            described.add(code)
            state = self._state | (codes.STATE_INVALID if np.isnan(values).all() else 0)
            attributes[codes.WAVE_SAMPLES] = samples_bytes(code, state, layout.encode(values))
            yield Observation(CONTEXT, handle, attributes)

    def alarms(self, t_s: float) -> list[Observation]:
        """Give the alarm lists at `t_s`: an arterial line that shows no number is a technical alarm."""
        values = self._source.numerics(t_s)
        off = "ABP_MEAN" in values and math.isnan(values["ABP_MEAN"])
        technical = listed([alarm_bytes(NO_TRANSDUCER)] if off else [])
        lists = {codes.TECHNICAL_ALARMS: technical, codes.PATIENT_ALARMS: listed([])}
        return [Observation(0, 0, lists)]


def _missing(word: int) -> int:
    return codes.STATE_UNAVAILABLE if word == float_word(math.nan) else 0


def _wave_codes(waves: tuple[str, ...], arterial: int) -> Iterator[tuple[str, int]]:
    for name in waves:
        yield name, arterial if name == "ABP_WAVE" else _LAYOUTS[name][0]
