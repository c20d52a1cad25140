"""A small circulation: what is done to a patient in, mean arterial pressure and its causes out.

    MAP = heart rate x stroke volume x resistance + central venous pressure, once a second, where

    drugs     propofol, remifentanil: effect-site concentration (first order, ke0) lowers resistance,
              heart rate and contractility; phenylephrine: a bolus raises resistance and fades
    volume    bleeding and fluid move the stressed volume; stroke volume saturates with it (Starling)
    reflex    the baroreflex answers a fall with rate, resistance and venous tone, within its limits,
              and gives way when the central volume is depleted (Barcroft 1944)
    body      a Constitution: whose heart, vessels and reflex these are
    wander    slow variations of resistance, a sum of first-order noises over four time scales, which
              makes the pressure's spectrum about 1/f

So a bleed is answered for minutes and then falls ever faster, as real falls do. The figures are set for
plausible trends, not fitted to patients: nothing clinical may be read off them. Lumped-parameter form
after Guyton; effect-site rates after Schnider 1998 and Minto 1997.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import exp, sqrt, tanh
from types import MappingProxyType
from typing import TYPE_CHECKING

from barocast.plugin.virtual.constitution import GIVEN_WAY, USUAL, WANDER_S, Constitution
from barocast.plugin.virtual.scenario import Act

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from barocast.plugin.virtual.scenario import Happening

STEP_S = 1.0
"""The one step of integration, whatever is asked."""

CVP_MMHG = 5.0
KE0_PROPOFOL = 0.456 / 60
KE0_REMIFENTANIL = 0.60 / 60
KE_PLASMA = 1 / 45
"""1/s: how fast plasma follows a new target."""


@dataclass(slots=True)
class State:
    """Everything that the next second depends on."""

    body: Constitution = USUAL
    propofol: float = 0.0
    """Effect site, ug/mL."""
    remifentanil: float = 0.0
    """Effect site, ng/mL."""
    plasma: list[float] = field(default_factory=lambda: [0.0, 0.0])
    """Plasma, same units and order."""
    target: list[float] = field(default_factory=lambda: [0.0, 0.0])
    depot_ug: float = 0.0
    """Phenylephrine on its way."""
    pressor_ug: float = 0.0
    """Phenylephrine at work."""
    stimulus: float = 0.0
    volume_ml: float = USUAL.volume_ml
    bleed_ml_min: float = 0.0
    fluid_ml_min: float = 0.0
    vagal: float = 0.0
    """Reflex drive of the heart rate, -1 to 1 (1: all the reflex can give)."""
    sympathetic: float = 0.0
    """Reflex drive of resistance and venous tone, -1 to 1."""
    pressure: float = 100.0
    """Mean arterial pressure as the reflex senses it, mmHg."""
    wander: list[float] = field(default_factory=lambda: [0.0] * len(WANDER_S))


@dataclass(frozen=True, slots=True)
class Second:
    """What the circulation did in one second."""

    mean: float
    """Mean arterial pressure, mmHg."""
    rate: float
    """Heart rate, 1/min."""
    stroke_ml: float
    preload: float
    """Stressed volume as a share of normal."""
    depth: float
    """Joint drug effect; about 1 in ordinary maintenance."""


def settled(happenings: tuple[Happening, ...], body: Constitution = USUAL) -> State:
    """Give the state of a patient who has long had what is given at t = 0."""
    state = State(body, volume_ml=body.volume_ml)
    for happening in happenings:
        if happening.at_s <= 0:
            act_on(state, happening)
    state.plasma = list(state.target)
    state.propofol, state.remifentanil = state.target
    for _ in range(1200):
        advance(state, (0.0,) * len(WANDER_S))
    return state


def act_on(state: State, happening: Happening) -> None:
    """Do one thing to the patient."""
    _ACTS[happening.act](state, happening.value)


def _set_target(which: int) -> Callable[[State, float], None]:
    def set_target(state: State, value: float) -> None:
        state.target[which] = value

    return set_target


def _bolus(state: State, value: float) -> None:
    state.depot_ug += value


def _bleed(state: State, value: float) -> None:
    state.bleed_ml_min = value


def _fluid(state: State, value: float) -> None:
    state.fluid_ml_min = value


def _stimulate(state: State, value: float) -> None:
    state.stimulus = value


_ACTS: Mapping[Act, Callable[[State, float], None]] = MappingProxyType(
    {
        Act.PROPOFOL: _set_target(0),
        Act.REMIFENTANIL: _set_target(1),
        Act.PHENYLEPHRINE: _bolus,
        Act.BLEED: _bleed,
        Act.FLUID: _fluid,
        Act.STIMULUS: _stimulate,
    }
)


def advance(state: State, noise: Sequence[float]) -> Second:
    """Move on by STEP_S; `noise` is one standard normal number per time scale of the wander."""
    _give_drugs(state)
    _wander(state, noise)
    state.volume_ml += (state.fluid_ml_min - state.bleed_ml_min) * STEP_S / 60
    second = _pump(state)
    _answer(state, second)
    return second


def _give_drugs(state: State) -> None:
    for which in (0, 1):
        state.plasma[which] += (state.target[which] - state.plasma[which]) * KE_PLASMA * STEP_S
    state.propofol += (state.plasma[0] - state.propofol) * KE0_PROPOFOL * STEP_S
    state.remifentanil += (state.plasma[1] - state.remifentanil) * KE0_REMIFENTANIL * STEP_S
    arriving = state.depot_ug * STEP_S / 25
    state.depot_ug -= arriving
    state.pressor_ug += arriving - state.pressor_ug * STEP_S / 240
    state.stimulus -= state.stimulus * STEP_S / 600


def _wander(state: State, noise: Sequence[float]) -> None:
    for i, (tau_s, share, normal) in enumerate(zip(WANDER_S, state.body.wander, noise, strict=True)):
        keep = exp(-STEP_S / tau_s)
        state.wander[i] = keep * state.wander[i] + share * sqrt(1 - keep * keep) * normal


def _pump(state: State) -> Second:
    body = state.body
    propofol, remifentanil = state.propofol * body.sensitivity, state.remifentanil * body.sensitivity
    depth = _saturating(propofol, 6.0) + 0.6 * _saturating(remifentanil, 8.0)
    tone = state.sympathetic + 0.6 * state.stimulus
    preload = (state.volume_ml - body.unstressed_ml + 500 * state.sympathetic) / body.stressed_ml
    rate = body.rate * (1 - 0.22 * depth) * (1 + body.chronotropy * state.vagal + 0.15 * state.stimulus)
    resistance = (
        body.resistance
        * (1 - 0.17 * depth)
        * (1 + 0.28 * tone)
        * (1 + 0.8 * body.pressor * _saturating(state.pressor_ug, 250.0))
        * (1 + sum(state.wander))
    )
    rate *= 1 - body.bradycardia * _saturating(remifentanil, 8.0)
    stroke = body.stroke_ml * (1 - 0.10 * depth) * _starling(max(preload, 0.05), body.filling)
    stroke *= (resistance / body.resistance) ** -body.afterload
    mean = rate * stroke / 1000 * resistance + CVP_MMHG
    return Second(mean, rate, stroke, preload, depth)


def _saturating(concentration: float, half: float) -> float:
    return 2 * concentration / (concentration + half)


def _starling(preload: float, filling: float) -> float:
    return (1 + filling) * preload / (preload + filling)


def _answer(state: State, second: Second) -> None:
    state.pressure += (second.mean - state.pressure) * STEP_S / 4
    # Anaesthesia resets what the reflex defends and weakens it; the slow wander moves it too.
    set_point = state.body.set_point_mmhg * (1 - 0.06 * second.depth)
    set_point *= 1 + state.wander[-2] + state.wander[-1]
    drive = tanh((set_point - state.pressure) / 16) * (1 - 0.2 * min(second.depth, 2.0))
    drive *= state.body.reflex
    # With the central volume gone it gives way instead of trying harder.
    emptied = 1 + exp((0.55 - second.preload) / 0.10)
    vagal, sympathetic = (left + (1 - left) / emptied for left in (state.body.rate_held, GIVEN_WAY))
    state.vagal += (drive * vagal - state.vagal) * STEP_S / 4
    state.sympathetic += (drive * sympathetic - state.sympathetic) * STEP_S / 15
