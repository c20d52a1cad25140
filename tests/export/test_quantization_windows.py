"""Windows that ranges are measured on: representative, or refused."""

from __future__ import annotations

import numpy as np
import pytest
from toy_quantization import labelled, toy_rows, toy_texts

from barocast.export.quantization.windows import LEAST, Draw, draw_windows, with_strange
from barocast.runtime.errors import InputError

TEXTS = toy_texts()


def test_hypotensive_windows_are_half_of_the_draw_though_rare():
    windows = draw_windows(toy_rows(2000, low=0.1), TEXTS, Draw(windows=300), seed=0)

    assert len(windows) == 300
    assert windows.to_dict()["hypotensive"] == 0.5


def test_hypotension_that_follows_within_a_horizon_counts():
    rows = toy_rows(400, low=0)
    labels = np.zeros((400, 3), np.float32)
    labels[:40, 2] = 1
    labels[40:80] = np.nan

    windows = draw_windows(labelled(rows, labels), TEXTS, Draw(windows=200), seed=0)

    assert windows.hypotensive.sum() == 40
    assert len(windows) == 200


def test_where_most_rows_are_hypotensive_they_fill_the_draw():
    windows = draw_windows(toy_rows(200, low=0.9), TEXTS, Draw(windows=150), seed=0)

    assert len(windows) == 150
    assert windows.hypotensive.sum() == 130


def test_a_quarter_is_shown_no_text_and_a_quarter_with_a_gap():
    rows = toy_rows(2000)
    rows.mask[:] = 1

    shares = draw_windows(rows, TEXTS, Draw(windows=1000), seed=0).to_dict()

    assert shares["without_text"] == pytest.approx(0.25, abs=0.04)
    assert shares["with_gaps"] == pytest.approx(0.25, abs=0.04)


def test_a_gap_is_shown_as_the_bedside_shows_one_and_rows_stay_as_they_are():
    rows = toy_rows(200)
    before = rows.series.copy(), rows.mask.copy()

    windows = draw_windows(rows, TEXTS, Draw(windows=200, gaps=1), seed=0)

    assert (windows.series[windows.mask == 0] == 0).all()
    assert (windows.mask.sum(axis=(1, 2)) >= 90 * 0.3).all()
    np.testing.assert_array_equal(rows.series, before[0])
    np.testing.assert_array_equal(rows.mask, before[1])


def test_what_no_patient_had_lies_behind_the_draw_half_of_it_with_a_text():
    drawn = draw_windows(toy_rows(300), TEXTS, Draw(windows=200), seed=0)
    strange = toy_rows(40, seed=5)

    both = with_strange(drawn, strange, TEXTS, np.random.default_rng(0))

    np.testing.assert_array_equal(both.series[200:], strange.series)
    assert both.text[200:].any(axis=1).sum() == 20
    assert not both.hypotensive[200:].any()
    np.testing.assert_array_equal(both.text[:200], drawn.text)


def test_one_seed_gives_one_draw():
    rows = toy_rows(500)
    one, same, other = (draw_windows(rows, TEXTS, Draw(windows=200), seed) for seed in (1, 1, 2))

    np.testing.assert_array_equal(one.series, same.series)
    np.testing.assert_array_equal(one.text, same.text)
    assert not np.array_equal(one.series, other.series)


def test_too_few_windows_are_refused():
    with pytest.raises(InputError, match=rf"ranges: {LEAST - 1} windows, needs {LEAST}; give rows of more"):
        draw_windows(toy_rows(LEAST - 1), TEXTS, Draw(), seed=0)


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["series", "mask", "trend"])
def test_a_value_that_is_no_number_is_refused_with_its_place(name, odd):
    rows = toy_rows(150)
    getattr(rows, name)[77, 0, 3] = odd

    with pytest.raises(InputError, match=rf"`{name}` of row 77 holds a NaN or an infinity \(1 of 150"):
        draw_windows(rows, TEXTS, Draw(), seed=0)
