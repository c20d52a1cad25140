"""Whose circulation it is: heart, vessels and reflex of one patient, as a frozen value.

The defaults are those of the shipped scenarios (scenario.py), and stay so to the last bit: the demo and what
is documented of it hang on them. Populations draw others (drawn.py).
"""

from __future__ import annotations

from dataclasses import dataclass

WANDER_S = (8.0, 45.0, 240.0, 900.0)
"""Time scales of the wander."""
WANDER_SHARE = (0.016, 0.038, 0.040, 0.026)
"""Standard deviation of resistance at each in the shipped scenarios, as a share of it."""
GIVEN_WAY = 0.3
"""What is left of a reflex that has given way."""


@dataclass(frozen=True, slots=True)
class Constitution:
    """The patient's own circulation, awake, and what follows from it on the screen."""

    set_point_mmhg: float = 103.0
    """What the reflex defends."""
    rate: float = 76.0
    """1/min, the reflex at rest, as the next two are."""
    stroke_ml: float = 74.0
    resistance: float = 18.8
    """mmHg per L/min."""
    volume_ml: float = 5000.0
    """Blood, when the case begins."""
    stressed_ml: float = 1400.0
    """What of it distends the vessels when the heart is filled as it is used to."""
    unstressed_ml: float = 3600.0
    """What the vessels hold without pressure."""
    reflex: float = 1.0
    """Strength of the baroreflex; 0: none."""
    chronotropy: float = 0.25
    """Share of the heart rate that the whole of the reflex adds."""
    rate_held: float = GIVEN_WAY
    """What is left of that with the central volume gone."""
    bradycardia: float = 0.0
    """Share of the heart rate that remifentanil takes at 8 ng/mL, besides what depth takes."""
    filling: float = 0.35
    """How much stroke volume hangs on filling (Starling): small is a heart on the flat part of its curve."""
    afterload: float = 0.0
    """How much of a rise in resistance is lost in stroke volume; 0: nothing, 1: all of it."""
    compliance_ml_mmhg: float = 1.55
    """Of the arteries at 85 mmHg: stroke volume over pulse pressure."""
    sensitivity: float = 1.0
    """A concentration of an anaesthetic acts as so many times itself."""
    pressor: float = 1.0
    """The vessels' answer to phenylephrine."""
    wander: tuple[float, ...] = WANDER_SHARE
    """Standard deviation of resistance at each of WANDER_S, a share; the last two move the set point."""
    etco2_mmhg: float = 35.5
    """At `ventilated_l_min`."""
    ventilated_l_min: float = 5.0
    """Cardiac output that the ventilator is set for."""
    spo2: float = 98.4
    """%, at that output or more."""
    spo2_fall: float = 0.0
    """% lost for every L/min of output below it."""


USUAL = Constitution()
"""That of the shipped scenarios."""
