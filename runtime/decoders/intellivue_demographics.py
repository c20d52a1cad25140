"""Age, sex, height and weight of an IntelliVue's patient demographics object (class 002A).

    sex 0961  u16: 1 male, 2 female         age 09D8, height 09DC, weight 09DF  FLOAT | unit u16

They are told only when asked for: `request` is a single poll of that class. Family and given name, number
and birth date (095C, 095D, 095A, 0958) stand beside them and are not looked at.

Source: Philips IntelliVue Data Export Interface Programming Guide, "Patient Demographics"; units as in
ISO/IEEE 11073-10101, partition 4.
"""

from __future__ import annotations

from struct import Struct
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from barocast.runtime.decoders import intellivue_codes as codes
from barocast.runtime.decoders.demographics import in_range
from barocast.runtime.decoders.intellivue_builder import build
from barocast.runtime.decoders.intellivue_parser import parse
from barocast.runtime.decoders.intellivue_pdu import PollRequest, PollResult
from barocast.runtime.decoders.intellivue_values import float_value
from barocast.runtime.decoders.mib import Frame
from barocast.runtime.domain import Patient

if TYPE_CHECKING:
    from collections.abc import Mapping

    from barocast.runtime.decoders.intellivue_framing import Framing

SEX: Final = 0x0961
MEASURES: Final[Mapping[int, tuple[str, Mapping[int, float]]]] = MappingProxyType(
    {
        0x09D8: ("age_years", {0x0940: 1.0, 0x0920: 1 / 12, 0x0900: 7 / 365.25, 0x08E0: 1 / 365.25}),
        0x09DC: ("height_cm", {0x0511: 1.0, 0x0500: 100.0, 0x0560: 2.54}),
        0x09DF: ("weight_kg", {0x06C3: 1.0, 0x06C0: 0.001, 0x06E0: 0.45359237}),
    }
)
"""Attribute -> field, and unit -> what one of it is: years, months, weeks, days; cm, m, in; kg, g, lb."""
_MEASURE: Final = Struct(">IH")
_SEXES: Final = MappingProxyType({b"\0\1": "M", b"\0\2": "F"})
_NUMBER: Final = 0xDE
"""Of the poll; the session counts its own from 1."""


class IntelliVueDemographics:
    """One monitor's describer (runtime.decoders.demographics)."""

    def __init__(self, framing: Framing) -> None:
        self.patient = Patient()
        poll = PollRequest(_NUMBER, _NUMBER, codes.DEMOGRAPHICS, extended=False)
        self.request = framing.wrap(build(poll))
        self._deframer = framing.deframer()

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        for found in self._deframer.feed(data):
            pdu = parse(found.payload) if isinstance(found, Frame) else None
            if isinstance(pdu, PollResult) and pdu.object_class == codes.DEMOGRAPHICS:
                for seen in pdu.observations:
                    self.patient = _patient(seen.attributes)


def _patient(attributes: Mapping[int, bytes]) -> Patient:
    told: dict[str, Any] = {
        field: _measure(field, attributes.get(attribute, b""), factors)
        for attribute, (field, factors) in MEASURES.items()
    }
    return Patient(sex=_SEXES.get(attributes.get(SEX, b"")), **told)


def _measure(field: str, value: bytes, factors: Mapping[int, float]) -> float | None:
    if len(value) != _MEASURE.size:
        return None
    word, unit = _MEASURE.unpack(value)
    return in_range(field, float_value(word) * factors[unit]) if unit in factors else None
