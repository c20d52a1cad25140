"""Virtual populations: repeatable, possible, and different from one another in the way that they say."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from barocast.calibration.events import find_events
from barocast.plugin.cases.case import patient_fields
from barocast.plugin.virtual.circulation import Second, State, act_on, advance, settled
from barocast.plugin.virtual.constitution import USUAL, Constitution
from barocast.plugin.virtual.drawn import Drawn, draw
from barocast.plugin.virtual.physiology import SimulatedPatient
from barocast.plugin.virtual.populations import POPULATIONS
from barocast.plugin.virtual.scenario import SCENARIOS, Act, Happening, Scenario
from barocast.plugin.virtual.team import Habits, Team
from barocast.runtime.domain import Patient
from barocast.runtime.patient_file import parse_patient
from barocast.runtime.tracks import plausible

ASLEEP = (Happening(0, Act.PROPOFOL, 2.5), Happening(0, Act.REMIFENTANIL, 2.5))
BLED = (*ASLEEP, Happening(60, Act.BLEED, 100.0), Happening(660, Act.BLEED, 0.0))
BOLUS = Happening(0, Act.PHENYLEPHRINE, 120.0)
NO_WANDER = (0.0,) * len(USUAL.wander)
HABITS = Habits(65.0, 60.0, 110.0, 100.0, 120.0, 4.0, 30.0, 0.9)
CALM = State(target=[3.0, 4.0])


def bodies(name: str, count: int = 12) -> list[Constitution]:
    """Give the circulations of some patients, without their chance variations."""
    drawn = (draw(POPULATIONS[name], number, 5).body for number in range(count))
    return [replace(body, wander=NO_WANDER) for body in drawn]


def played(body: Constitution, happenings: tuple[Happening, ...], until_s: int = 700) -> SimulatedPatient:
    patient = SimulatedPatient(Scenario("made", float(until_s), Patient(), happenings), 0, body)
    patient.mean_pressure(float(until_s))
    return patient


def seconds(body: Constitution, happening: Happening, later_s: int) -> tuple[Second, Second]:
    """Give the circulation before something is done, and so much later."""
    state = settled(ASLEEP, body)
    before = advance(state, NO_WANDER)
    act_on(state, happening)
    return before, [advance(state, NO_WANDER) for _ in range(later_s)][-1]


def rises(name: str, channel: str, happenings: tuple[Happening, ...], at_s: float) -> float:
    """Give how much a channel rises from 50 s to `at_s`, the middle of some patients."""
    patients = [played(body, happenings) for body in bodies(name)]
    return float(np.median([one.numerics(at_s)[channel] - one.numerics(50.0)[channel] for one in patients]))


def events_per_h(name: str, count: int = 12) -> float:
    found, hours = 0, 0.0
    for number in range(count):
        drawn = draw(POPULATIONS[name], number, 1)
        pressure = drawn.play().mean_pressure(drawn.scenario.duration_s).reshape(-1, 10).mean(axis=1)
        found += len(find_events(pressure, 10.0))
        hours += drawn.scenario.duration_s / 3600
    return found / hours


def answers(team: Team, pressures: list[float], state: State = CALM) -> list[Happening]:
    """Give all but the fluid that a team does, second by second."""
    done = [act for t, mean in enumerate(pressures) for act in team.answer(float(t), mean, state)]
    return [act for act in done if act.act is not Act.FLUID]


def test_the_shipped_scenarios_are_as_they_were():
    """Figures taken before there were constitutions."""
    pressure = SimulatedPatient(SCENARIOS["slow_bleed"], 1).mean_pressure(2700.0)

    assert pressure[[0, 900, 1800, 2100, 2600]] == pytest.approx(
        [88.87990001119171, 88.7484612998505, 72.65683465217447, 54.50981632119596, 90.72960072196159],
        rel=1e-9,
    )


@pytest.mark.parametrize("name", POPULATIONS)
def test_number_and_seed_are_the_case(name):
    one, same = (draw(POPULATIONS[name], 3, 9) for _ in range(2))
    others = [draw(POPULATIONS[name], 4, 9), draw(POPULATIONS[name], 3, 10)]

    assert one == same
    assert one.play().mean_pressure(1800.0).tolist() == same.play().mean_pressure(1800.0).tolist()
    assert all(other.scenario.patient != one.scenario.patient for other in others)
    assert all(other.body != one.body for other in others)


@pytest.mark.parametrize("name", POPULATIONS)
def test_every_patient_is_a_patient_file(name):
    patients = [draw(POPULATIONS[name], number, 2).scenario.patient for number in range(40)]
    files = [json.dumps(patient_fields(patient)) for patient in patients]

    assert [parse_patient(text, name) for text in files] == patients


@pytest.mark.parametrize("name", POPULATIONS)
def test_a_case_lasts_an_hour_to_two_and_a_half_and_shows_possible_numbers(name):
    drawn = draw(POPULATIONS[name], 0, 3)
    patient, duration_s = drawn.play(), drawn.scenario.duration_s
    shown = [patient.numerics(t) for t in np.arange(0.0, duration_s, 120.0)]

    assert 3600 <= duration_s <= 9000
    assert [happening.at_s for happening in drawn.scenario.happenings] == sorted(
        happening.at_s for happening in drawn.scenario.happenings
    )
    assert all(plausible(channel, value) for numbers in shown for channel, value in numbers.items())


@pytest.mark.parametrize(
    ("name", "told", "hidden", "sign"),
    [
        ("elderly_hypertensive", lambda patient: patient.age_years, lambda body: body.reflex, -1),
        ("low_output", lambda patient: patient.asa, lambda body: body.stroke_ml / body.stressed_ml, -1),
        ("autonomic", lambda patient: dict(patient.labs)["creatinine_mg_dl"], lambda body: body.reflex, -1),
        ("septic", lambda patient: dict(patient.labs)["lactate_mmol_l"], lambda body: body.pressor, -1),
        ("septic", lambda patient: dict(patient.labs)["lactate_mmol_l"], lambda body: body.rate, 1),
        ("bleeding", lambda patient: dict(patient.labs)["hb_g_dl"], lambda body: body.spo2_fall, -1),
    ],
)
def test_the_text_tells_of_the_circulation(name, told, hidden, sign):
    """Over the patients of one population, what the text says and what the body does go together."""
    cases = [draw(POPULATIONS[name], number, 1) for number in range(80)]
    together = np.corrcoef(
        [told(case.scenario.patient) for case in cases], [hidden(case.body) for case in cases]
    )[0, 1]

    assert sign * together > 0.4


def test_only_the_two_urgent_populations_are_emergencies():
    urgent = {name for name in POPULATIONS if draw(POPULATIONS[name], 0, 0).scenario.patient.emergency}

    assert urgent == {"septic", "bleeding"}


def test_the_sicker_fall_more_often():
    assert 2 * events_per_h("healthy") < events_per_h("septic")


def test_a_bleed_ties_the_channels_together():
    """Stroke volume falls, the heart answers, and less carbon dioxide reaches the lungs."""
    body = bodies("healthy")[0]
    before, after = seconds(body, Happening(0, Act.BLEED, 100.0), 600)
    patient = played(body, BLED)

    assert after.preload < before.preload - 0.2
    assert after.stroke_ml < 0.9 * before.stroke_ml
    assert after.rate > before.rate + 3
    assert patient.numerics(650.0)["ETCO2"] < patient.numerics(50.0)["ETCO2"]
    assert patient.numerics(650.0)["ABP_MEAN"] < patient.numerics(50.0)["ABP_MEAN"]


def test_the_heart_answers_a_bleed_where_there_is_a_reflex():
    def faster(name: str) -> float:
        pairs = [seconds(body, Happening(0, Act.BLEED, 100.0), 480) for body in bodies(name)]
        return float(np.median([after.rate - before.rate for before, after in pairs]))

    rise = {name: faster(name) for name in POPULATIONS}

    assert min(rise["healthy"], rise["bleeding"]) > 5
    assert max(rise["autonomic"], rise["low_output"], rise["elderly_hypertensive"]) < 2
    assert min(rise.values()) > 0


def test_saturation_falls_with_output_where_perfusion_is_poor():
    assert rises("bleeding", "SPO2", BLED, 650.0) < rises("healthy", "SPO2", BLED, 650.0)


def test_vessels_answer_a_pressor_less_in_sepsis():
    """The reflex left out, since a sound one hides the pressor's effect."""

    def lifted(name: str) -> float:
        pairs = [seconds(replace(body, reflex=0.0), BOLUS, 100) for body in bodies(name)]
        return float(np.median([after.mean / before.mean for before, after in pairs]))

    assert lifted("septic") - 1 < 0.7 * (lifted("healthy") - 1)


def test_a_failing_heart_pays_for_a_pressor_with_output():
    def ejected(name: str) -> float:
        pairs = [seconds(body, BOLUS, 100) for body in bodies(name)]
        return float(np.median([after.stroke_ml / before.stroke_ml for before, after in pairs]))

    assert ejected("low_output") < 0.97
    assert ejected("healthy") > ejected("low_output") + 0.03


def test_old_arteries_pulse_more():
    def pulse(name: str) -> float:
        shown = [played(body, ASLEEP, 120).numerics(100.0) for body in bodies(name)]
        return float(np.median([numbers["ABP_SYS"] - numbers["ABP_DIA"] for numbers in shown]))

    assert pulse("elderly_hypertensive") > pulse("healthy") + 4


def test_remifentanil_slows_the_heart():
    more = (*ASLEEP, Happening(60, Act.REMIFENTANIL, 8.0))

    assert rises("healthy", "HR", more, 500.0) < -2


def test_a_team_acts_once_its_patience_is_spent_and_not_before():
    pressures = [80.0] * 100 + [64.0] * 100

    (bolus,) = answers(Team(HABITS), pressures)

    assert (bolus.act, bolus.value) == (Act.PHENYLEPHRINE, 100.0)
    assert 150 <= bolus.at_s <= 190


def test_a_deeper_fall_is_answered_sooner():
    shallow, deep = (answers(Team(HABITS), [80.0] * 100 + [low] * 100)[0].at_s for low in (63.0, 45.0))

    assert deep < shallow - 20


def test_a_fall_that_comes_back_is_answered_by_lighter_anaesthesia_too():
    done = answers(Team(HABITS), [60.0] * 400)
    again = [act for act in done if act.at_s == done[1].at_s]

    assert done[1].at_s - done[0].at_s >= HABITS.pause_s
    assert {act.act: act.value for act in again} == {
        Act.PHENYLEPHRINE: 150.0,
        Act.PROPOFOL: pytest.approx(2.55),
        Act.REMIFENTANIL: pytest.approx(3.0),
    }


def test_a_high_pressure_is_answered_by_deeper_anaesthesia_up_to_a_limit():
    deeper = answers(Team(HABITS), [120.0] * 200)
    full = answers(Team(HABITS), [120.0] * 200, State(target=[5.0, 8.0]))

    assert {act.act: act.value for act in deeper} == {Act.PROPOFOL: pytest.approx(3.3), Act.REMIFENTANIL: 5.2}
    assert {act.act: act.value for act in full} == {Act.PROPOFOL: 5.0, Act.REMIFENTANIL: 8.0}


def test_blood_is_replaced_late_and_not_whole():
    bleeding = State(bleed_ml_min=100.0)
    team = Team(HABITS)
    fluid = [act.value for t in range(3600) for act in team.answer(float(t), 80.0, bleeding)]

    assert len(fluid) == 60
    assert fluid[0] < 5
    assert fluid[5] < 60
    assert fluid[-1] == pytest.approx(94, abs=0.5)


def test_a_treated_patient_comes_back_and_an_untreated_does_not():
    """The same septic course with its team and with nobody."""
    drawn = next(case for number in range(30) if struck(case := draw(POPULATIONS["septic"], number, 1)))
    alone = SimulatedPatient(drawn.scenario, drawn.seed, drawn.body)
    duration_s = drawn.scenario.duration_s

    low_s = [(one.mean_pressure(duration_s) < 65).sum() for one in (drawn.play(), alone)]

    assert low_s[0] < low_s[1]


def struck(case: Drawn) -> bool:
    return bool((case.play().mean_pressure(case.scenario.duration_s) < 60).sum() > 120)


def test_the_usual_constitution_is_that_of_the_shipped_scenarios():
    plain, told = (
        SimulatedPatient(SCENARIOS["drift"], 4),
        SimulatedPatient(SCENARIOS["drift"], 4, Constitution()),
    )

    assert Constitution() == USUAL
    assert plain.numerics(900.0) == told.numerics(900.0)
