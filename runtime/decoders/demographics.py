"""What a feed tells of a patient's age, sex and size, read beside its decoder.

    bytes of the line -> Patient with age_years, sex, height_cm, weight_kg and nothing else

Decoders drop whatever names or describes a person. Where a site asks for a description ([feed]
demographics), a Describer reads the same bytes once more and takes these four; a birth date becomes whole
years where it is read and is not kept. A value out of the range of a patient file, or in a unit that is not
known, is as if it were not there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

from barocast.runtime.patient_file import RANGES

if TYPE_CHECKING:
    from barocast.runtime.domain import Patient

TOLD: Final = ("age_years", "sex", "height_cm", "weight_kg")
"""Fields of Patient that a feed may tell."""


class Describer(Protocol):
    """One line's reader. Any bytes in any chunking: never an exception."""

    @property
    def patient(self) -> Patient:
        """What the line told last."""

    @property
    def request(self) -> bytes:
        """What to send to be told; empty where the other end tells it unasked."""

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""


def in_range(field: str, value: float) -> float | None:
    """Give a value that a patient file could hold, else None; NaN is none."""
    low, high = RANGES[field]
    return value if low <= value <= high else None


def completed(patient: Patient, told: Patient) -> Patient:
    """Fill what the patient file leaves open with what the feed told: what was written by hand goes first."""
    return replace(
        patient, **{field: getattr(told, field) for field in TOLD if getattr(patient, field) is None}
    )
