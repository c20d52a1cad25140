"""Soft targets: several teachers' answers become one, whatever each of them knows."""

from __future__ import annotations

import numpy as np
import pytest

from barocast.export.soft_targets import SoftTargets, blend, load, save

NAN = np.nan


def _risk(*values):
    return np.array([[value] * 3 for value in values], dtype=np.float32)


def test_risks_are_averaged_in_log_odds():
    blended = blend([SoftTargets(_risk(0.5)), SoftTargets(_risk(0.1))])

    np.testing.assert_allclose(blended.risk, _risk(0.25), rtol=1e-5)


def test_what_one_teacher_does_not_know_the_others_tell():
    blended = blend([SoftTargets(_risk(NAN, 0.2, NAN)), SoftTargets(_risk(0.3, 0.2, NAN))])

    np.testing.assert_allclose(blended.risk, _risk(0.3, 0.2, NAN), rtol=1e-5)


def test_quantiles_are_averaged_over_the_teachers_that_draw_them_and_features_stand_side_by_side():
    drawn = [np.full((2, 3, 30), mmhg, dtype=np.float32) for mmhg in (70, 80)]
    features = [np.ones((2, width), dtype=np.float32) for width in (4, 5)]
    trees = SoftTargets(_risk(0.1, 0.1))

    blended = blend([trees, *(SoftTargets(trees.risk, q, f) for q, f in zip(drawn, features, strict=True))])

    np.testing.assert_array_equal(blended.quantiles, np.full((2, 3, 30), 75))
    assert blended.features.shape == (2, 9)


def test_trees_alone_draw_nothing():
    blended = blend([SoftTargets(_risk(0.1))])

    assert (blended.quantiles, blended.features) == (None, None)


def test_teachers_of_other_rows_are_refused():
    with pytest.raises(ValueError, match=r"\[1, 2\] rows"):
        blend([SoftTargets(_risk(0.1)), SoftTargets(_risk(0.1, 0.2))])


@pytest.mark.parametrize("quantiles", [None, np.zeros((4, 3, 30), dtype=np.float32)])
def test_what_is_left_in_a_file_is_read_back(tmp_path, quantiles):
    given = SoftTargets(_risk(0.1, 0.2, 0.3, NAN), quantiles)

    save(given, tmp_path / "soft.npz")
    read = load(tmp_path / "soft.npz")

    np.testing.assert_array_equal(read.risk, given.risk)
    np.testing.assert_equal(read.quantiles, given.quantiles)
    assert read.features is None


def test_some_rows_are_taken_of_everything_that_is_there():
    given = SoftTargets(_risk(0.1, 0.2, 0.3), np.arange(270, dtype=np.float32).reshape(3, 3, 30))

    taken = given.take(np.array([2, 0]))

    np.testing.assert_array_equal(taken.risk, given.risk[[2, 0]])
    np.testing.assert_array_equal(taken.quantiles, given.quantiles[[2, 0]])
