"""A virtual population, as frozen values: distributions with a unit behind each field.

Patients of one differ in one number first, how grave their condition is (0 to 1). A Spread has a middle for
the mildest and one for the gravest, so whatever is drawn of one patient, of the circulation or for the
text, leans the same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

SPREAD_SD: Final = 2.0
"""No draw lies further from its middle than so many standard deviations."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A quantity in a population."""

    mild: float
    """Middle in those whose condition is mildest."""
    grave: float
    """Middle in those whose condition is gravest."""
    sd: float = 0.0
    """Of the single patient about the middle, in the same unit."""

    def draw(self, gravity: float, random: np.random.Generator) -> float:
        """Give one patient's; `gravity` is 0 to 1."""
        off = float(np.clip(random.standard_normal(), -SPREAD_SD, SPREAD_SD))
        return self.mild + gravity * (self.grave - self.mild) + self.sd * off


@dataclass(frozen=True, slots=True)
class Operation:
    """What is done; the words are those of the patient file."""

    department: str
    procedure: str
    diagnosis: str
    approach: str
    position: str = "Supine"


@dataclass(frozen=True, slots=True)
class Circulation:
    """Distributions of a Constitution, before body size."""

    set_point_mmhg: Spread
    """What the reflex defends, awake."""
    unaided_mmhg: Spread
    """Mean pressure, awake, without the reflex's help: far below the set point, little of it is left."""
    rate: Spread
    """1/min."""
    stroke_ml: Spread
    reflex: Spread = Spread(1.0, 1.0, 0.1)
    """Share of the usual."""
    chronotropy: Spread = Spread(0.60, 0.60, 0.05)
    """Share of the heart rate that the whole of the reflex adds."""
    rate_held: Spread = Spread(0.9, 0.9)
    """As in Constitution: the vessels give way, the heart goes on."""
    bradycardia: Spread = Spread(0.12, 0.12, 0.03)
    """Share of the heart rate that remifentanil takes at 8 ng/mL."""
    filling: Spread = Spread(0.35, 0.35)
    """As in Constitution."""
    afterload: Spread = Spread(0.0, 0.0)
    """As in Constitution, 0 to 1."""
    compliance_ml_mmhg: Spread = Spread(1.55, 1.55, 0.1)
    sensitivity: Spread = Spread(1.0, 1.0, 0.12)
    """To anaesthetics, share of the usual."""
    pressor: Spread = Spread(1.0, 1.0, 0.1)
    """Answer to phenylephrine, share of the usual."""
    slow_wander: Spread = Spread(2.0, 2.0, 0.2)
    """Of resistance and set point over minutes, share of the shipped scenarios'."""
    lost_ml: Spread = Spread(0.0, 0.0)
    """Blood gone, or gone into wide veins, when the case begins."""
    spo2: Spread = Spread(98.4, 98.4, 0.4)
    """%."""
    spo2_fall: Spread = Spread(0.0, 0.0)
    """% for every L/min of output that is lacking."""


@dataclass(frozen=True, slots=True)
class Course:
    """What happens in a case of theirs."""

    bleeds_per_h: Spread
    bleed_ml_min: Spread
    """Of one bleeding."""
    deep_per_h: Spread = Spread(1.0, 1.2)
    """Spells of too deep anaesthesia."""
    bleed_min: Spread = Spread(6.0, 9.0, 1.5)
    """Minutes that it lasts."""
    propofol: Spread = Spread(3.0, 2.6, 0.35)
    """Usual target, ug/mL."""
    remifentanil: Spread = Spread(3.5, 3.0, 0.7)
    """Usual target, ng/mL."""
    low_mmhg: Spread = Spread(62.5, 62.5, 2.0)
    """Where the team acts."""
    patience_s: Spread = Spread(210.0, 190.0, 70.0)


@dataclass(frozen=True, slots=True)
class Population:
    """People who are ill in one way."""

    name: str
    summary: str
    """One line: the mechanism."""
    asa: tuple[int, ...]
    """From the mildest to the gravest, equally many of each entry."""
    age_years: Spread
    hb_g_dl: Spread
    emergency: bool
    circulation: Circulation
    course: Course
    operations: tuple[Operation, ...]
    always: tuple[str, ...] = ()
    """History that all of them have."""
    history: tuple[tuple[str, float, float], ...] = ()
    """(history, its share in the mildest, its share in the gravest)."""
    labs: tuple[tuple[str, Spread], ...] = ()
    """Further labs of the patient file, in the unit of the name."""
