"""Which change in what a feed tells of its patient means that another one lies there.

    another_patient(earlier, told) -> bool      both as a Describer gives them: age, sex, height, weight

What was open and is told now completes the description, and what is cleared says nothing. A sex, an age or a
size that cannot be the same person's is another person. Where a correction and a change look alike, another
patient is assumed: a case that is cut in two loses nothing, one that holds two patients is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from barocast.runtime.domain import Patient

BIRTHDAY_YEARS: Final = 1.0
"""An age may step by this much within a case."""
HEIGHT_CM: Final = 5.0
"""A height is corrected by as much."""
WEIGHT_SHARE: Final = 0.2
"""Of the greater weight: an estimate is corrected by as much."""


def another_patient(earlier: Patient, told: Patient) -> bool:
    """Whether `told` cannot be who `earlier` was: what the feed had told so far of the open case."""
    if earlier.sex and told.sex and earlier.sex != told.sex:
        return True
    heaviest = max(earlier.weight_kg or 0.0, told.weight_kg or 0.0)
    return (
        _apart(earlier.age_years, told.age_years) > BIRTHDAY_YEARS
        or _apart(earlier.height_cm, told.height_cm) > HEIGHT_CM
        or _apart(earlier.weight_kg, told.weight_kg) > WEIGHT_SHARE * heaviest
    )


def _apart(one: float | None, other: float | None) -> float:
    return 0.0 if one is None or other is None else abs(one - other)
