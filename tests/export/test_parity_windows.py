"""Windows of every kind: what is missing is masked, what is damaged is seen in the trend too."""

from __future__ import annotations

import numpy as np
import pytest

from barocast.export.parity.kinds import COURSES, cohort_kinds, damages, made_kinds
from barocast.runtime.domain import Patient
from barocast.runtime.tokens import TREND_FEATURES

CHANNELS = ("HR", "ABP_MEAN", "SPO2")


def ids(patient):
    """A text is as long as what is known of the patient."""
    known = sum(value not in (None, ()) for value in map(patient.__getattribute__, Patient.__slots__))
    return np.repeat([1, 0], [known, 128 - known])


@pytest.fixture(scope="module")
def kinds():
    return {kind.name: kind for kind in made_kinds(CHANNELS, ids)}


def test_every_kind_is_there_once_with_all_its_windows(kinds):
    assert len(kinds) == 4 + len(damages(CHANNELS)) + 1
    assert all(len(kind.rows) == COURSES for kind in kinds.values())
    assert {name.split(":")[0] for name in kinds} == {"text", "missing", "artefact", "extreme", "never sent"}


def test_the_same_seed_draws_the_same_windows(kinds):
    again = {kind.name: kind for kind in made_kinds(CHANNELS, ids)}

    for name, kind in kinds.items():
        np.testing.assert_array_equal(again[name].rows.series, kind.rows.series)


@pytest.mark.parametrize(
    ("name", "measured"),
    [("missing: ABP_MEAN", [90, 0, 90]), ("missing: HR", [0, 90, 90]), ("missing: everything", [0, 0, 0])],
)
def test_a_channel_that_is_dropped_is_masked_and_the_others_are_not(kinds, name, measured):
    rows = kinds[name].rows

    assert rows.mask.sum(axis=2).tolist() == [measured] * COURSES
    assert (rows.series[rows.mask == 0] == 0).all()


def test_without_pressure_the_trend_says_that_nothing_was_measured(kinds):
    shares = kinds["missing: ABP_MEAN"].rows.trend[:, :6, TREND_FEATURES.index("valid_share")]

    assert (shares == 0).all()


def test_only_the_last_minutes_are_left(kinds):
    assert (kinds["missing: all but the last minute"].rows.mask.sum(axis=2) == 6).all()
    assert (kinds["missing: all but the last 5 min"].rows.mask.sum(axis=2) == 30).all()


def test_an_artefact_is_in_the_pressure_alone_and_in_its_trend(kinds):
    rows = kinds["artefact: flush now"].rows

    assert (rows.series[:, 1, -4:] == 250).all()
    assert (rows.series[:, 0] == 70).all()
    assert (rows.trend[:, 0, TREND_FEATURES.index("max")] == 250).all()


def test_half_of_the_damaged_windows_come_with_a_text(kinds):
    kind = kinds["artefact: spikes"]

    assert kind.texts[kind.rows.case].any(axis=1).sum() == COURSES // 2
    assert not kinds["text: none"].texts[kinds["text: none"].rows.case].any()
    assert kinds["text: long"].texts[kinds["text: long"].rows.case].any(axis=1).all()


def test_what_is_never_sent_is_not_a_number(kinds):
    rows = kinds["never sent: NaN"].rows

    assert np.isnan(rows.series).any(axis=(1, 2)).all()
    assert (rows.mask == 1).all()


def test_cohort_rows_come_as_they_were_and_once_more_without_text(kinds):
    rows, texts = kinds["text: long"].rows, kinds["text: long"].texts

    came, bare = cohort_kinds(rows, texts)

    assert came.of_cohort
    assert came.texts is texts
    assert bare.rows is rows
    assert not bare.texts.any()
