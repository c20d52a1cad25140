"""Calibrators as the bedside applies them: ordered, monotone, and the same after a round trip."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barocast.calibration.calibrators import KINDS, Calibrators, pattern_of, read_calibrators
from barocast.calibration.log_odds import sigmoid
from barocast.calibration.parametric import Beta, Platt, TemperatureBias
from barocast.calibration.stepwise import MAX_KNOTS, Isotonic, Knots, VennAbers

RAMP = Knots((-4.0, -1.0, 2.0), (0.01, 0.2, 0.9))
LOWER = Knots((-4.0, 2.0), (0.0, 0.1, 0.8))
UPPER = Knots((-4.5, 1.5), (0.1, 0.6, 1.0))
EACH = (
    TemperatureBias(0.75, -0.125),
    Platt((0.8, 1.0, 1.2), (0.3, 0.1, -0.2)),
    Beta(0.7, 1.3, 0.2),
    Isotonic((RAMP, Knots((-3.0, 1.0), (0.05, 0.5)), RAMP)),
    VennAbers((LOWER,) * 3, (UPPER,) * 3),
)
every_kind = pytest.mark.parametrize("calibrator", EACH, ids=lambda one: one.to_dict()["kind"])
logits = st.lists(st.floats(-40, 40), min_size=3, max_size=3).map(sorted)


def test_every_kind_is_tried_here():
    assert [one.to_dict()["kind"] for one in EACH] == [
        "temperature-bias",
        "platt",
        "beta",
        "isotonic",
        "venn-abers",
    ]
    assert {one.to_dict()["kind"] for one in EACH} == set(KINDS)


@every_kind
def test_what_a_manifest_holds_reads_back(calibrator):
    written = json.loads(json.dumps(calibrator.to_dict()))

    assert read_calibrators(written) == Calibrators(calibrator)


@every_kind
@given(first=logits, rise=st.floats(0, 20))
@settings(deadline=None, max_examples=100)
def test_risks_are_probabilities_that_rise_with_horizon_and_logit(calibrator, first, rise):
    p = calibrator(np.array([first, np.add(first, rise)]))

    assert ((p >= 0) & (p <= 1)).all()
    assert (np.diff(p, axis=-1) >= 0).all()
    assert (p[1] >= p[0] - 1e-12).all()


@every_kind
def test_one_row_and_many_give_the_same(calibrator):
    rows = np.sort(np.random.default_rng(0).normal(-1, 2, (7, 3)), axis=1)

    np.testing.assert_array_equal(calibrator(rows), [calibrator(row) for row in rows])


@every_kind
def test_infinitely_sure_logits_stay_probabilities(calibrator):
    p = calibrator(np.array([-1e9, 0.0, 1e9]))

    assert ((p >= 0) & (p <= 1)).all()


def test_the_identities_change_nothing():
    x = np.array([-8.0, -0.5, 3.0])

    for same in (TemperatureBias(), Beta(), Platt((1.0,) * 3, (0.0,) * 3)):
        np.testing.assert_allclose(same(x), sigmoid(x))


def test_beta_is_the_map_of_its_paper():
    q = np.array([0.02, 0.3, 0.9])
    a, b, c = 0.7, 1.3, 0.2

    expected = 1 / (1 + 1 / (np.exp(c) * q**a / (1 - q) ** b))

    np.testing.assert_allclose(Beta(a, b, c)(np.log(q / (1 - q))), expected)


def test_platt_raises_a_later_horizon_to_an_earlier_one():
    p = Platt((1.0,) * 3, (2.0, 0.0, 0.0))(np.array([0.0, 0.5, 3.0]))

    assert p.tolist() == pytest.approx(sigmoid(np.array([2.0, 2.0, 3.0])))


def test_isotonic_is_straight_between_knots_and_level_beyond():
    p = Isotonic((RAMP,) * 3)(np.array([-9.0, -2.5, 9.0]))

    assert p.tolist() == pytest.approx([0.01, 0.105, 0.9])


def test_venn_abers_steps_at_its_knots_and_lies_between():
    calibrator = VennAbers((LOWER,) * 3, (UPPER,) * 3)
    x = np.array([-4.5, -4.0, 2.0])

    p0, p1 = calibrator.interval(x)

    assert p0.tolist() == [0.0, 0.1, 0.8]
    assert p1.tolist() == [0.1, 0.6, 1.0]
    assert calibrator(x).tolist() == pytest.approx([0.1 / 1.1, 0.6 / 1.5, 1 / 1.2])


@pytest.mark.parametrize("fitted", EACH[:3], ids=lambda one: one.to_dict()["kind"])
def test_few_patients_leave_a_fit_near_the_identity(fitted):
    x = np.array([-3.0, -1.0, 0.5])

    np.testing.assert_allclose(fitted.shrunk(0)(x), sigmoid(x))
    np.testing.assert_allclose(fitted.shrunk(10**9)(x), fitted(x), atol=1e-6)


@pytest.mark.parametrize("scale", [0.0, -1.0, 0.049, 20.1, float("nan"), float("inf")])
def test_a_scale_that_breaks_the_order_or_leaves_only_0_and_1_is_refused(scale):
    with pytest.raises(ValueError, match="scale"):
        TemperatureBias(scale, 0.0)
    with pytest.raises(ValueError, match="scale"):
        Platt((1.0, scale, 1.0), (0.0,) * 3)


@pytest.mark.parametrize("bias", [-20.1, 20.1, float("nan"), float("-inf")])
def test_a_bias_that_drowns_the_logits_is_refused(bias):
    with pytest.raises(ValueError, match="bias"):
        TemperatureBias(1.0, bias)
    with pytest.raises(ValueError, match="bias"):
        Beta(1.0, 1.0, bias)


@pytest.mark.parametrize(("low", "high"), [(-0.1, 1), (1, -0.1), (0, 0.04), (float("nan"), 1), (1, 20.1)])
def test_a_beta_that_turns_risks_around_or_leaves_only_0_and_1_is_refused(low, high):
    with pytest.raises(ValueError, match="low"):
        Beta(low, high, 0.0)


def test_the_widest_calibration_is_still_one():
    assert TemperatureBias(0.05, 20.0).bias == 20
    assert Beta(0.0, 20.0, -20.0).high == 20


@pytest.mark.parametrize(
    ("knots", "reason"),
    [
        (((1.0, 1.0), (0.1, 0.2)), "rise"),
        (((1.0, float("nan")), (0.1, 0.2)), "rise"),
        (((1.0, float("inf")), (0.1, 0.2)), "rise"),
        (((1.0, 2.0), (0.2, 0.1)), "fall"),
        (((1.0, 2.0), (0.2, float("nan"))), "fall"),
        (((1.0, 2.0), (-0.1, 0.2)), "within"),
        (((1.0, 2.0), (0.1, 1.2)), "within"),
        ((tuple(range(600)), (0.5,) * 600), f"at most {MAX_KNOTS}"),
    ],
)
def test_a_table_that_is_none_is_refused(knots, reason):
    with pytest.raises(ValueError, match=reason):
        Knots(*knots)


@pytest.mark.parametrize(
    "broken",
    [
        lambda: Platt((1.0,), (0.0,)),
        lambda: Platt((1.0,) * 3, (0.0,) * 2),
        lambda: Isotonic((RAMP,) * 2),
        lambda: Isotonic((Knots((0.0,), (0.1, 0.2)),) * 3),
        lambda: Isotonic((Knots((), ()),) * 3),
        lambda: VennAbers((LOWER,) * 3, (UPPER,) * 2),
        lambda: VennAbers((RAMP,) * 3, (UPPER,) * 3),
        lambda: VennAbers((UPPER,) * 3, (LOWER,) * 3),
        lambda: VennAbers((Knots((0.0,), (0.0, 0.7)),) * 3, (Knots((1.0,), (0.6, 1.0)),) * 3),
    ],
)
def test_tables_that_do_not_belong_together_are_refused(broken):
    with pytest.raises(ValueError, match="calibrator"):
        broken()


@pytest.mark.parametrize(
    ("given_", "reason"),
    [
        ({"kind": "magic"}, "unknown"),
        ({}, "unknown"),
        ({"kind": "by-pattern", "default": {"kind": "by-pattern"}, "patterns": {}}, "unknown"),
        (
            {"kind": "by-pattern", "default": EACH[0].to_dict(), "patterns": {"smell": EACH[0].to_dict()}},
            "pattern",
        ),
        (
            {
                "kind": "by-pattern",
                "default": EACH[0].to_dict(),
                "patterns": {"text+series": EACH[0].to_dict()},
            },
            "pattern",
        ),
    ],
)
def test_what_no_manifest_may_hold_is_refused(given_, reason):
    with pytest.raises(ValueError, match=reason):
        read_calibrators(given_)


SAID = (
    "p = sigmoid(0.750 x logit -0.125)",
    (
        "p = sigmoid(0.800 x logit +0.300), sigmoid(1.000 x logit +0.100), sigmoid(1.200 x logit -0.200), "
        "in order of the horizons"
    ),
    "p = sigmoid(0.700 x ln q - 1.300 x ln(1 - q) +0.200), q = sigmoid(logit)",
    "isotonic tables: 3, 2, 3 knots over logits -4.00 to 2.00, risks 0.010 to 0.900",
    (
        "Venn-Abers steps: p0 2, 2, 2 knots over logits -4.00 to 2.00, risks 0.000 to 0.800; "
        "p1 2, 2, 2 knots over logits -4.50 to 1.50, risks 0.100 to 1.000"
    ),
)


def test_every_kind_says_itself_in_a_line():
    assert tuple(one.summary() for one in EACH) == SAID


def test_steps_without_a_knot_are_told_too():
    flat = VennAbers((Knots((), (0.0,)),) * 3, (Knots((), (1.0,)),) * 3)

    assert flat.summary().endswith("p1 0, 0, 0 knots, risks 1.000 to 1.000")


def test_each_pattern_has_its_own_and_the_rest_the_default():
    with_text, plain = TemperatureBias(2.0), TemperatureBias(0.5)
    calibrators = Calibrators(plain, {"series+text": with_text})
    x = np.array([[-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0]])

    p = calibrators.by_row(x, np.array(["series", "series+text"]))

    assert read_calibrators(json.loads(json.dumps(calibrators.to_dict()))) == calibrators
    np.testing.assert_allclose(p, [plain(x[0]), with_text(x[1])])


def test_a_pattern_names_the_modalities_present_in_one_order():
    assert pattern_of(("text", "series")) == pattern_of(["series", "text"]) == "series+text"
    assert pattern_of(["series"]) == "series"
