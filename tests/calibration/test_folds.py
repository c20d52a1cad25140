"""Cross-fitting: nobody is scored by what learned from them."""

from __future__ import annotations

import numpy as np

from barocast.calibration.comparators import NUMERIC, STATIC
from barocast.calibration.folds import cross_fit, fold_of


def test_a_patient_lies_in_one_fold_whatever_the_order():
    subjects = np.repeat([f"s{i}" for i in range(23)], 4)
    shuffled = np.random.default_rng(0).permutation(subjects.size)

    fold = fold_of(subjects)

    assert all(len(set(fold[subjects == name])) == 1 for name in set(subjects))
    assert sorted(np.bincount(fold) // 4) == [4, 4, 5, 5, 5]
    assert np.array_equal(fold_of(subjects[shuffled]), fold[shuffled])


def test_a_label_that_only_its_own_patient_shows_cannot_be_learned():
    random = np.random.default_rng(0)
    fold = np.repeat(np.arange(5), 40)
    features = random.normal(size=(200, len(NUMERIC) + len(STATIC)))
    labels = np.repeat(random.integers(0, 2, (200, 1)), 3, axis=1).astype(float)

    name = "logistic, MAP + slope + sd"
    scores = cross_fit((name,), features, labels, fold, (5, 10, 15))[name]

    assert scores.shape == (200, 3)
    assert abs(np.corrcoef(scores[:, 0], labels[:, 0])[0, 1]) < 0.25
