"""What happens to a simulated patient, and when: plain values, no physiology.

A Scenario starts with the patient asleep and settled at t = 0 (except where an event says otherwise).
Everything that is played from one is simulated and has to say so wherever it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING

from barocast.runtime.domain import Patient

if TYPE_CHECKING:
    from collections.abc import Mapping


class Act(str, Enum):
    """What the team or the surgery does; the unit of `Happening.value` beside each."""

    PROPOFOL = "propofol"  # target plasma concentration, ug/mL
    REMIFENTANIL = "remifentanil"  # target plasma concentration, ng/mL
    PHENYLEPHRINE = "phenylephrine"  # bolus, ug
    BLEED = "bleed"  # mL/min from now on
    FLUID = "fluid"  # mL/min from now on
    STIMULUS = "stimulus"  # 0 to 1, fading: 1 is an incision under light anaesthesia


class Fault(str, Enum):
    """What goes wrong on the arterial line, not in the patient."""

    FLUSH = "flush"
    ZEROING = "zeroing"
    DAMPING = "damping"
    DISCONNECT = "disconnect"
    CUFF = "cuff"


@dataclass(frozen=True, slots=True)
class Happening:
    """One act at one time."""

    at_s: float
    """Seconds since the start."""
    act: Act
    value: float
    """In the act's own unit (see Act)."""


@dataclass(frozen=True, slots=True)
class LineFault:
    """An artefact on the arterial line."""

    at_s: float
    """Seconds since the start."""
    duration_s: float
    fault: Fault


@dataclass(frozen=True, slots=True)
class Scenario:
    """A simulated case."""

    name: str
    duration_s: float
    """Seconds; playing on past it is allowed, nothing more happens."""
    patient: Patient
    happenings: tuple[Happening, ...] = ()
    """In order of time."""
    faults: tuple[LineFault, ...] = ()


def _at(minutes: float, act: Act, value: float) -> Happening:
    return Happening(60.0 * minutes, act, value)


def _fault(minutes: float, duration_s: float, fault: Fault) -> LineFault:
    return LineFault(60.0 * minutes, duration_s, fault)


_MINUTES_45 = 45 * 60.0

_PATIENT = Patient(
    age_years=67,
    sex="M",
    height_cm=172,
    weight_kg=74,
    asa=3,
    emergency=False,
    department="General surgery",
    procedure="Open hepatectomy",
    diagnosis="Colorectal liver metastasis",
    approach="Open",
    position="Supine",
    anaesthesia="General",
    history=("hypertension",),
    labs=(("hb_g_dl", 12.4),),
)

_MAINTENANCE = (
    _at(0, Act.PROPOFOL, 3.0),
    _at(0, Act.REMIFENTANIL, 3.0),
    _at(6, Act.STIMULUS, 0.35),
)

_DRIFT = Scenario(
    "drift",
    50 * 60.0,
    _PATIENT,
    (
        *_MAINTENANCE,
        _at(10, Act.BLEED, 15),
        _at(14, Act.REMIFENTANIL, 5.0),
        _at(16, Act.PROPOFOL, 4.2),
        _at(22, Act.PROPOFOL, 5.2),
        _at(28, Act.PROPOFOL, 6.2),
        _at(36, Act.BLEED, 60),
        _at(45, Act.BLEED, 5),
        _at(45, Act.FLUID, 150),
        _at(45, Act.PROPOFOL, 2.5),
        _at(45, Act.REMIFENTANIL, 3.0),
        _at(45.5, Act.PHENYLEPHRINE, 150),
    ),
)

_SLOW_BLEED = Scenario(
    "slow_bleed",
    _MINUTES_45,
    _PATIENT,
    (
        *_MAINTENANCE,
        _at(22, Act.BLEED, 50),
        _at(25, Act.BLEED, 75),
        _at(28, Act.BLEED, 95),
        _at(36, Act.BLEED, 10),
        _at(37, Act.FLUID, 150),
        _at(38, Act.PHENYLEPHRINE, 150),
        _at(41, Act.PHENYLEPHRINE, 80),
    ),
)

_DEEP_ANAESTHESIA = Scenario(
    "deep_anaesthesia",
    _MINUTES_45,
    _PATIENT,
    (
        *_MAINTENANCE,
        _at(22, Act.PROPOFOL, 4.0),
        _at(26, Act.REMIFENTANIL, 5.0),
        _at(29, Act.PROPOFOL, 5.5),
        _at(31, Act.REMIFENTANIL, 12.0),
        _at(32, Act.PROPOFOL, 9.0),
        _at(38, Act.PROPOFOL, 2.5),
        _at(38, Act.REMIFENTANIL, 2.0),
        _at(38, Act.PHENYLEPHRINE, 150),
    ),
)

_STABLE = Scenario("stable", _MINUTES_45, _PATIENT, _MAINTENANCE)

_ARTEFACTS = Scenario(
    "artefacts",
    _MINUTES_45,
    _PATIENT,
    _MAINTENANCE,
    (
        _fault(8, 8, Fault.FLUSH),
        _fault(14, 45, Fault.ZEROING),
        _fault(20, 120, Fault.DAMPING),
        _fault(27, 60, Fault.CUFF),
        _fault(34, 90, Fault.DISCONNECT),
        _fault(40, 5, Fault.FLUSH),
    ),
)

_INDUCTION = Scenario(
    "induction",
    20 * 60.0,
    _PATIENT,
    (
        _at(3, Act.REMIFENTANIL, 6.0),
        _at(4, Act.PROPOFOL, 10.0),
        _at(7, Act.STIMULUS, 0.8),
        _at(9, Act.PROPOFOL, 3.0),
        _at(9, Act.REMIFENTANIL, 3.0),
        _at(11, Act.PHENYLEPHRINE, 100),
        _at(16, Act.STIMULUS, 0.6),
    ),
)

SCENARIOS: Mapping[str, Scenario] = MappingProxyType(
    {
        scenario.name: scenario
        for scenario in (_DRIFT, _SLOW_BLEED, _DEEP_ANAESTHESIA, _STABLE, _ARTEFACTS, _INDUCTION)
    }
)
"""The cases that ship: name -> Scenario."""
