"""One case of a virtual population: who lies there, what is planned, and who looks after them.

    draw(POPULATIONS["septic"], number=3, seed=0) -> Drawn      .play() -> SimulatedPatient

How grave the condition is is drawn first; circulation and text (ASA, age, history, labs) both follow from
it, so the two tell one story. What the surgeon and the anaesthetist's plan do is drawn in advance; what the
team does about the pressure is decided while the case runs (team.py). The same population, number and seed
are the same case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from zlib import crc32

import numpy as np

from barocast.plugin.virtual.circulation import CVP_MMHG
from barocast.plugin.virtual.constitution import USUAL, Constitution
from barocast.plugin.virtual.physiology import SimulatedPatient
from barocast.plugin.virtual.scenario import Act, Happening, Scenario
from barocast.plugin.virtual.team import Habits, Team
from barocast.runtime.domain import Patient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from barocast.plugin.virtual.population import Circulation, Course, Population, Spread

SHORTEST_MIN: Final = 60.0
LONGEST_MIN: Final = 150.0
USUAL_BSA_M2: Final = 1.9
"""Body surface of the circulation as it stands; a smaller patient's pumps and holds less."""
QUICK: Final = 0.75
"""Of the usual variations within a minute: what real pressures on a 10 s grid show."""
WOMEN: Final = 0.5
"""Share of them."""
AWAKE_SHARE: Final = 0.4
"""Of cases that begin awake, with the arterial line in before induction."""
STIMULI_PER_H: Final = 3.0
TURNS_PER_H: Final = 2.0
"""Of the drugs' targets."""
AT_DEPTH: Final = 0.89
"""Cardiac output under anaesthesia, which the ventilator is set for, as a share of that awake."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One case: a patient, what lies before them, and who looks after them."""

    scenario: Scenario
    body: Constitution
    habits: Habits
    seed: int
    """Of the circulation's wander."""

    def play(self) -> SimulatedPatient:
        """Give the patient, at the beginning."""
        return SimulatedPatient(self.scenario, self.seed, self.body, Team(self.habits))


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the anaesthetist means to give, and when the surgeon works."""

    propofol: float
    """Target, ug/mL."""
    remifentanil: float
    """Target, ng/mL."""
    incision_min: float
    until_min: float


def draw(population: Population, number: int, seed: int) -> Drawn:
    """Give case `number` of a population."""
    random = np.random.default_rng([seed, crc32(population.name.encode()), number])
    gravity = float(random.random())
    patient = _patient(population, gravity, random)
    body = _body(population.circulation, gravity, _surface_m2(patient), random)
    minutes = float(random.uniform(SHORTEST_MIN, LONGEST_MIN))
    happenings = _happenings(population.course, gravity, minutes, random)
    habits = _habits(population.course, gravity, random)
    scenario = Scenario(f"{population.name}-{number:04d}", round(minutes) * 60.0, patient, happenings)
    return Drawn(scenario, body, habits, int(random.integers(2**31)))


def _patient(population: Population, gravity: float, random: np.random.Generator) -> Patient:
    sex = "F" if random.random() < WOMEN else "M"
    height_cm = (163.0 if sex == "F" else 176.0) + 6.5 * float(np.clip(random.standard_normal(), -2, 2))
    bmi = 25.0 + 3.5 * float(np.clip(random.standard_normal(), -2, 2))
    operation = population.operations[int(random.integers(len(population.operations)))]
    told = [
        word for word, mild, grave in population.history if random.random() < mild + gravity * (grave - mild)
    ]
    labs = dict((("hb_g_dl", population.hb_g_dl), *population.labs))
    return Patient(
        age_years=round(population.age_years.draw(gravity, random)),
        sex=sex,
        height_cm=round(height_cm),
        weight_kg=round(bmi * (height_cm / 100) ** 2),
        asa=population.asa[int(gravity * len(population.asa))],
        emergency=population.emergency,
        department=operation.department,
        procedure=operation.procedure,
        diagnosis=operation.diagnosis,
        approach=operation.approach,
        position=operation.position,
        anaesthesia="General",
        history=(*population.always, *told),
        labs=tuple((name, round(labs[name].draw(gravity, random), 1)) for name in sorted(labs)),
    )


def _surface_m2(patient: Patient) -> float:
    """Give the body surface after Mosteller 1987."""
    return float(((patient.height_cm or 0.0) * (patient.weight_kg or 0.0) / 3600) ** 0.5)


def _body(
    circulation: Circulation, gravity: float, surface_m2: float, random: np.random.Generator
) -> Constitution:
    def drawn(spread: Spread) -> float:
        return spread.draw(gravity, random)

    size = surface_m2 / USUAL_BSA_M2
    rate, stroke_ml = drawn(circulation.rate), drawn(circulation.stroke_ml) * size
    output = rate * stroke_ml / 1000
    return Constitution(
        set_point_mmhg=drawn(circulation.set_point_mmhg),
        rate=rate,
        stroke_ml=stroke_ml,
        resistance=(drawn(circulation.unaided_mmhg) - CVP_MMHG) / output,
        volume_ml=USUAL.volume_ml * size - drawn(circulation.lost_ml),
        stressed_ml=USUAL.stressed_ml * size,
        unstressed_ml=USUAL.unstressed_ml * size,
        reflex=max(0.0, drawn(circulation.reflex)),
        chronotropy=drawn(circulation.chronotropy),
        rate_held=drawn(circulation.rate_held),
        bradycardia=drawn(circulation.bradycardia),
        filling=drawn(circulation.filling),
        afterload=drawn(circulation.afterload),
        compliance_ml_mmhg=drawn(circulation.compliance_ml_mmhg) * size,
        sensitivity=drawn(circulation.sensitivity),
        pressor=drawn(circulation.pressor),
        wander=_wander(drawn(circulation.slow_wander)),
        ventilated_l_min=AT_DEPTH * output,
        spo2=drawn(circulation.spo2),
        spo2_fall=drawn(circulation.spo2_fall),
    )


def _wander(slow: float) -> tuple[float, ...]:
    quick, lasting = USUAL.wander[:2], USUAL.wander[2:]
    return (*(QUICK * share for share in quick), *(slow * share for share in lasting))


def _habits(course: Course, gravity: float, random: np.random.Generator) -> Habits:
    return Habits(
        low_mmhg=course.low_mmhg.draw(gravity, random),
        patience_s=max(20.0, course.patience_s.draw(gravity, random)),
        high_mmhg=float(random.uniform(96, 112)),
        bolus_ug=float(random.choice([50.0, 80.0, 100.0, 100.0, 150.0])),
        pause_s=float(random.uniform(100, 200)),
        fluid_ml_min=float(random.uniform(2, 8)),
        rescue_ml_min=float(random.uniform(10, 50)),
        replaced=float(random.uniform(0.7, 1.0)),
    )


def _happenings(
    course: Course, gravity: float, minutes: float, random: np.random.Generator
) -> tuple[Happening, ...]:
    awake = bool(random.random() < AWAKE_SHARE)
    plan = _Plan(
        course.propofol.draw(gravity, random),
        course.remifentanil.draw(gravity, random),
        float(random.uniform(18, 32) if awake else random.uniform(4, 15)),
        minutes,
    )
    acts = [
        *(_induction(plan, random) if awake else _asleep(plan)),
        *_surgery(plan, random),
        *_turning(plan, random),
        *_too_deep(plan, course.deep_per_h.draw(gravity, random), random),
        *_bleeding(plan, course, gravity, random),
    ]
    return tuple(sorted(acts, key=lambda happening: happening.at_s))


def _asleep(plan: _Plan) -> Iterator[Happening]:
    """Give the beginning of those who have long been asleep."""
    yield _at(0, Act.PROPOFOL, plan.propofol)
    yield _at(0, Act.REMIFENTANIL, plan.remifentanil)


def _induction(plan: _Plan, random: np.random.Generator) -> Iterator[Happening]:
    begins = float(random.uniform(3, 6))
    yield _at(begins, Act.REMIFENTANIL, plan.remifentanil)
    yield _at(begins + 1, Act.PROPOFOL, plan.propofol * float(random.uniform(1.2, 1.7)))
    yield _at(begins + 5, Act.STIMULUS, float(random.uniform(0.4, 0.8)))  # the tube
    yield _at(begins + 7, Act.PROPOFOL, plan.propofol)


def _surgery(plan: _Plan, random: np.random.Generator) -> Iterator[Happening]:
    yield _at(plan.incision_min, Act.STIMULUS, float(random.uniform(0.35, 0.8)))
    for at in _times(plan, STIMULI_PER_H, random):
        yield _at(at, Act.STIMULUS, float(random.uniform(0.1, 0.6)))


def _turning(plan: _Plan, random: np.random.Generator) -> Iterator[Happening]:
    """Give the small changes of both targets that every case has."""
    for at in _times(plan, TURNS_PER_H, random):
        yield _at(at, Act.PROPOFOL, plan.propofol * float(np.exp(0.18 * random.standard_normal())))
        yield _at(at, Act.REMIFENTANIL, plan.remifentanil * float(np.exp(0.35 * random.standard_normal())))


def _too_deep(plan: _Plan, per_h: float, random: np.random.Generator) -> Iterator[Happening]:
    """Give the spells in which anaesthesia is deepened for a stimulus that does not last as long."""
    for at in _times(plan, per_h, random):
        lasting = float(random.uniform(5, 12))
        yield _at(at, Act.PROPOFOL, plan.propofol * float(random.uniform(1.3, 2.0)))
        yield _at(at, Act.REMIFENTANIL, plan.remifentanil * float(random.uniform(1.5, 3.0)))
        yield _at(at + lasting, Act.PROPOFOL, plan.propofol)
        yield _at(at + lasting, Act.REMIFENTANIL, plan.remifentanil)


def _bleeding(
    plan: _Plan, course: Course, gravity: float, random: np.random.Generator
) -> Iterator[Happening]:
    for at in _times(plan, course.bleeds_per_h.draw(gravity, random), random):
        lasting = max(2.0, course.bleed_min.draw(gravity, random))
        yield _at(at, Act.BLEED, max(5.0, course.bleed_ml_min.draw(gravity, random)))
        yield _at(at + lasting, Act.BLEED, 0.0)


def _times(plan: _Plan, per_h: float, random: np.random.Generator) -> Iterator[float]:
    """Give minutes of a Poisson process from the incision on."""
    at = plan.incision_min
    while (at := at + float(random.exponential(60 / per_h))) < plan.until_min:
        yield at


def _at(minutes: float, act: Act, value: float) -> Happening:
    return Happening(float(round(60 * minutes)), act, round(value, 2))
