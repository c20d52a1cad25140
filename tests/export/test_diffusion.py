"""Made windows: learned from a toy cohort, labelled by the event rule, repeatable, and never out of range."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from barocast.calibration.landmarks import find_landmarks
from barocast.export.cohort import Case
from barocast.export.diffusion import windows
from barocast.export.diffusion.continued import Courses, continued
from barocast.export.diffusion.denoiser import Drill
from barocast.export.diffusion.half_hours import filled, half_hours
from barocast.export.diffusion.likeness import likeness, measured, prevalence, transfer
from barocast.export.diffusion.residual import residuals, smoothed
from barocast.export.diffusion.stretches import BANDS, Asked, new_stretches, stretches, vectors
from barocast.export.diffusion.windows import (
    Diffusion,
    DiffusionSettings,
    diffuse,
    learn,
    new_windows,
    pretraining_windows,
    residual_copies,
)
from barocast.export.rows import make_rows
from barocast.runtime.domain import Patient
from barocast.runtime.errors import InputError

SMALL = DiffusionSettings(
    width=64,
    blocks=2,
    stretch=Drill(updates=400, batch=96, learning_rate=3e-3, averaging=0.98),
    residual=Drill(updates=60, batch=64),
)


def _case(number, steps=420):
    """Slow waves that dip below 65 mmHg now and then, a little noise, some gaps."""
    random = np.random.default_rng(number)
    wave = 12 * np.sin(np.arange(steps) / 17 + number) + 4 * np.sin(np.arange(steps) / 7)
    series = 73 + number % 6 + wave + random.normal(0, 1, steps)
    series[random.random(steps) < 0.02] = np.nan
    name = str(number)
    return Case(name, name, "vitaldb_or", series, Patient(age_years=50), "made up", 0.0, 0.0)


CASES = [_case(number) for number in range(18)]


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def diffusion():
    return learn(CASES, SMALL)


@pytest.fixture(scope="module")
def made(diffusion):
    """Half hours, half of them asked to fall."""
    return diffuse(diffusion, half_hours(CASES), 400, np.random.default_rng(0), 0.5)


def test_a_half_hour_says_when_the_next_onset_came():
    series = np.full(300, 80.0)
    series[150:170] = 60

    found = half_hours([replace(CASES[0], map_mmhg=series)])

    asked = found.start.tolist().index(31)  # its landmark is column 120
    assert found.minutes[asked] == 5.0
    assert found.onset[asked] == 150
    assert found.distinct_falls == 1
    assert np.isnan(found.minutes[found.start > 90]).all()


def test_the_same_seed_makes_the_same_windows(diffusion):
    once, again, other = (new_windows(diffusion, CASES, 30, seed) for seed in (1, 1, 2))

    np.testing.assert_array_equal(once.series, again.series)
    np.testing.assert_array_equal(once.labels, again.labels)
    assert not np.array_equal(once.series, other.series)


def test_the_same_seed_learns_the_same_and_leaves_the_callers_random_state_alone():
    short = replace(SMALL, stretch=Drill(updates=3), residual=Drill(updates=3))
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)

    first, second = (learn(CASES, short).stretch.leave.weight for _ in range(2))

    assert torch.equal(first, second)
    assert torch.equal(torch.rand(1), expected)


def test_labels_are_what_the_event_rule_finds_not_what_was_asked_for(diffusion, made):
    rows = continued(CASES, Courses(made.case, made.start, made.mmhg))

    expected = []
    for case, start, mmhg in zip(made.case, made.start, made.mmhg, strict=True):
        found = find_landmarks(np.concatenate([CASES[case].map_mmhg[:start], mmhg]), 10.0)
        expected.extend(found.labels[found.at == start + 89])
    np.testing.assert_array_equal(rows.labels, np.array(expected, np.float32))
    assert 0 < len(rows) < len(made.case)


def test_a_real_course_continued_gives_the_very_row_of_the_real_case():
    real, rows = half_hours(CASES), make_rows(CASES)
    some = real.take(np.arange(0, len(real), 40))

    again = continued(CASES, Courses(some.case, some.start, some.mmhg))

    place = {(c, a): i for i, (c, a) in enumerate(zip(rows.case, rows.at, strict=True))}
    same = rows.take(np.array([place[c, s + 89] for c, s in zip(some.case, some.start, strict=True)]))
    np.testing.assert_allclose(again.trend, same.trend, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(again.mask, same.mask)
    np.testing.assert_allclose(again.future, same.future, rtol=1e-5)


def test_asked_to_fall_falls_more_often_than_asked_for_none(made):
    found = prevalence(made.asked.minutes, made.mmhg)

    falls = np.mean([share for name, (_, share) in found.items() if name != "none"])
    assert falls > found["none"][1] + 0.3


def test_the_level_asked_for_is_about_the_level_made(made):
    now = np.nanmean(made.mmhg[:, 87:90], axis=1)

    assert np.corrcoef(now, made.asked.level)[0, 1] > 0.7


def test_what_leaves_the_range_of_a_sensor_is_missing(diffusion):
    low = copy.deepcopy(diffusion.stretch)
    low.mean[len(BANDS)] -= 50 * np.sqrt(180)  # every half hour is 50 mmHg lower
    asked = Asked(np.full(50, 80.0, np.float32), np.full(50, 5.0, np.float32))

    mmhg = new_stretches(low, asked, 1.0, 0)

    assert np.isnan(mmhg).any()
    assert np.nanmin(mmhg) >= 20
    assert np.nanmax(mmhg) <= 200


def test_gaps_are_those_of_a_real_half_hour_of_the_patient_it_follows(made):
    real = half_hours(CASES)

    for case, start, mmhg in zip(made.case, made.start, made.mmhg, strict=True):
        like = real.mmhg[(real.case == case) & (real.start == start)][0]
        assert np.isnan(mmhg[np.isnan(like)]).all()
    assert np.isnan(made.mmhg).mean() == pytest.approx(0.02, abs=0.01)


def test_rows_hold_zero_where_their_mask_is_off(diffusion):
    rows = new_windows(diffusion, CASES, 40, seed=3)

    assert (rows.series[rows.mask == 0] == 0).all()
    assert (rows.series[rows.mask == 1] >= 20).all()


def test_a_fall_follows_the_history_of_a_patient_who_fell(made):
    real = half_hours(CASES)
    fell = {(c, s) for c, s in zip(real.case[real.falls], real.start[real.falls], strict=True)}

    asked = np.isfinite(made.asked.minutes)

    assert all((c, s) in fell for c, s in zip(made.case[asked], made.start[asked], strict=True))


def test_pretraining_windows_hold_the_fall_itself(diffusion):
    series, mask = pretraining_windows(diffusion, CASES, 100, seed=0)

    assert series.shape == mask.shape == (100, 1, 90)
    assert np.mean([(s[m > 0] < 65).any() for s, m in zip(series[:, 0], mask[:, 0], strict=True)]) > 0.4
    assert (series[mask == 0] == 0).all()


def test_the_trend_of_a_straight_line_is_the_line_and_its_texture_nothing():
    line = np.linspace(60, 90, 90, dtype=np.float32)[None]
    line[0, 40] = np.nan

    assert smoothed(line)[0, 5:-5] == pytest.approx(np.linspace(60, 90, 90)[5:-5], abs=0.3)
    assert np.abs(residuals(line)[0, 5:30]).max() < 1e-4
    assert residuals(line)[0, 40] == 0


def test_an_average_counts_a_sample_at_its_end_by_the_share_inside_it():
    single = np.zeros((1, 15), dtype=np.float32)
    single[0, 7] = 1

    trend = smoothed(single)[0]

    assert trend[7] == pytest.approx((1 / 1.5 + 1 / 4.5) / 2)
    assert trend[6] == pytest.approx((0.25 / 1.5 + 1 / 4.5) / 2)
    assert trend[5] == pytest.approx(0.75 / 4.5 / 2)
    assert trend[4] == 0


def test_a_copy_keeps_the_trend_and_the_gaps_and_changes_the_texture(diffusion):
    rows = make_rows(CASES[:3], every=8)
    fell = rows.take(rows.labels[:, -1] == 1)

    copies = residual_copies(diffusion, fell, CASES[:3], copies=1)

    real = fell.take(
        np.array([np.flatnonzero((fell.case == c) & (fell.at == a))[0] for c, a in _places(copies)])
    )
    assert len(copies) > 0.8 * len(fell)
    np.testing.assert_array_equal(copies.mask, real.mask)
    moved = np.abs(copies.series - real.series)[copies.mask > 0]
    assert 0.1 < moved.mean() < 3
    np.testing.assert_allclose(copies.trend[:, 5, 0], real.trend[:, 5, 0], atol=1)
    np.testing.assert_array_equal(copies.future, real.future)


def _places(rows):
    return zip(rows.case, rows.at, strict=True)


def test_what_was_saved_makes_the_same_windows(diffusion, tmp_path):
    diffusion.save(tmp_path / "diffusion.pt")

    again = Diffusion.load(tmp_path / "diffusion.pt")

    assert again.settings == diffusion.settings
    np.testing.assert_array_equal(
        new_windows(again, CASES, 20, 1).series, new_windows(diffusion, CASES, 20, 1).series
    )


@pytest.mark.parametrize("content", [b"", b"no such thing", None])
def test_a_file_that_is_no_diffusion_is_named(tmp_path, content):
    path = tmp_path / "diffusion.pt"
    if content is None:
        torch.save({"settings": {"breadth": 3}}, path)
    else:
        path.write_bytes(content)

    with pytest.raises(InputError, match=r"diffusion\.pt: no diffusion of this version"):
        Diffusion.load(path)


def test_too_few_falls_are_counted_and_the_need_is_named():
    calm = [replace(case, map_mmhg=np.full(400, 90.0)) for case in CASES[:2]]

    with pytest.raises(InputError, match="0 falls in 2 cases, 30 are needed"):
        learn(calm, SMALL)


def test_a_loss_that_is_no_number_stops_the_learning_with_the_mend():
    wild = replace(SMALL, stretch=Drill(updates=50, learning_rate=1e30))

    with pytest.raises(
        InputError, match=r"the loss is (nan|inf) at update \d+ of 50; lower the learning rate"
    ):
        learn(CASES, wild)


def test_too_few_landmarks_among_the_made_are_said(diffusion, monkeypatch):
    monkeypatch.setattr(
        windows, "new_stretches", lambda _d, asked, _g, _s: np.full((len(asked), 180), 50, "f4")
    )

    with pytest.raises(InputError, match="0 of 5 windows could be made"):
        new_windows(diffusion, CASES, 5, seed=0)


def test_a_half_hour_comes_back_from_its_vector():
    mmhg = filled(half_hours(CASES).mmhg[:5])

    np.testing.assert_allclose(stretches(vectors(mmhg)), mmhg, atol=1e-3)


def test_likeness_of_the_learned_to_themselves_is_no_distance_and_all_copies():
    mmhg = half_hours(CASES[:2]).mmhg

    found = likeness(mmhg, half_hours(CASES[2:5]).mmhg, mmhg)

    assert found["MAP, Wasserstein to learned, mmHg"][2] == 0
    assert found["nearest learned window, median, mmHg"][2] == pytest.approx(0, abs=1e-3)
    assert found["nearer than 99 % of held-out"][2] == 1
    assert found["nearer than 99 % of held-out"][1] < 0.03


def test_trees_taught_on_made_rows_know_real_falls(diffusion, monkeypatch):
    monkeypatch.setattr("barocast.export.diffusion.likeness.LIGHTGBM_TREES", 30)
    rows = new_windows(diffusion, CASES, 500, seed=5)

    areas = transfer(rows, make_rows([_case(94), _case(95)]))

    assert areas[0] > 0.6


def test_the_measurement_is_a_page_of_three_tables(monkeypatch):
    monkeypatch.setattr("barocast.export.diffusion.likeness.MADE", 100)
    monkeypatch.setattr(windows, "MIN_FALLS", 5)
    monkeypatch.setattr("barocast.export.diffusion.likeness.LIGHTGBM_TREES", 2)
    short = replace(SMALL, stretch=Drill(updates=60), residual=Drill(updates=20))

    page = measured(CASES[:6], short, lambda _: None)

    assert page.count("\n| ---") + page.startswith("| ---") == 3
    assert "| made |" in page
    assert "| real and copies |" in page
