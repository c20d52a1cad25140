"""Age, sex, height and weight in HL7 v2 messages: two fields of PID, and OBX rows.

    PID|...  7 birth date YYYYMMDD   8 sex M, F        age on the day of MSH-7; other fields are not looked at
    OBX|.|NM|188740^^MDC or 8302-2^^LN|.|height|unit   188736 or 29463-7, 3141-9: weight

A PID of another age or sex is of another patient: the size before it is forgotten. What is of another bed
(hl7_bed) is not looked at.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from barocast.runtime.decoders.demographics import in_range
from barocast.runtime.decoders.hl7_bed import Bed
from barocast.runtime.decoders.hl7_message import FALLBACK, split
from barocast.runtime.decoders.mllp import Block, MllpDeframer
from barocast.runtime.domain import Patient

if TYPE_CHECKING:
    from collections.abc import Mapping

_SIZES: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("188740", "8302-2"), "height_cm"),
        **dict.fromkeys(("188736", "29463-7", "3141-9"), "weight_kg"),
    }
)
"""Code, by ISO/IEEE 11073-10101 or LOINC -> field."""
_UNITS: Final[Mapping[str, Mapping[str, float]]] = MappingProxyType(
    {
        "height_cm": {"cm": 1.0, "263441": 1.0, "m": 100.0, "[in_i]": 2.54},
        "weight_kg": {"kg": 1.0, "263875": 1.0, "g": 0.001, "[lb_av]": 0.45359237},
    }
)
"""Field -> unit, in UCUM or by its MDC number -> what one of it is."""
_NUMBER: Final = re.compile(r"\d{1,6}(\.\d{1,6})?", re.ASCII)
_BIRTH, _SEX = 7, 8
_SEXES: Final = MappingProxyType({"F": "F", "M": "M"})
"""Others of HL7 table 0001 describe nobody that a model has seen."""


class Hl7Demographics:
    """One gateway's describer (runtime.decoders.demographics)."""

    request = b""

    def __init__(self) -> None:
        self.patient = Patient()
        self._deframer = MllpDeframer()
        self._bed = Bed()

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        for found in self._deframer.feed(data):
            if isinstance(found, Block):
                self._message(found.payload)

    def _message(self, payload: bytes) -> None:
        message = split(payload)
        if message is None or not self._bed.hears(message):
            return
        bar, component = message.separators.field, message.separators.component
        for line in payload.decode(FALLBACK).replace("\n", "\r").split("\r"):
            fields = line.split(bar)
            if fields[0] == "PID":
                self._identity(fields, message.header.field(7))
            elif fields[0] == "OBX" and len(fields) > 6:  # noqa: PLR2004 - OBX-6 is the unit
                self._size(*(fields[number].split(component)[0].strip() for number in (3, 5, 6)))

    def _identity(self, fields: list[str], sent: str) -> None:
        birth, sex = ([*fields, *[""] * _SEX][number].strip() for number in (_BIRTH, _SEX))
        told = Patient(age_years=_age(birth, sent), sex=_SEXES.get(sex[:1].upper()))
        if (told.age_years, told.sex) != (self.patient.age_years, self.patient.sex):
            self.patient = told

    def _size(self, code: str, value: str, unit: str) -> None:
        field = _SIZES.get(code)
        if field is None or not _NUMBER.fullmatch(value) or unit.lower() not in _UNITS[field]:
            return
        told: dict[str, Any] = {field: in_range(field, float(value) * _UNITS[field][unit.lower()])}
        if told[field] is not None:
            self.patient = replace(self.patient, **told)


def _age(birth: str, sent: str) -> float | None:
    """Give whole years at the time of sending, None where either date is not there."""
    born, today = _date(birth), _date(sent)
    if born is None or today is None:
        return None
    before_birthday = (today.month, today.day) < (born.month, born.day)
    return in_range("age_years", float(today.year - born.year - before_birthday))


def _date(text: str) -> date | None:
    try:
        return datetime.strptime(text[:8], "%Y%m%d").date()  # noqa: DTZ007 - a day, wherever it is told
    except ValueError:
        return None
