"""Tokens: trend features as anyone would compute them, masks where nothing was measured."""

from __future__ import annotations

import math

import numpy as np
import pytest
from builders import series

from barocast.runtime.domain import Window
from barocast.runtime.timeline import Timeline
from barocast.runtime.tokens import TEXT_TOKENS, TREND_MINUTES, text_ids, to_model_input, trend
from barocast.runtime.wordpiece import WordPiece

TINY = WordPiece({"[PAD]": 0, "[UNK]": 1, "low": 2, "##er": 3}, unknown=1)


def window(values: list[float]) -> Window:
    built = Timeline(("ABP_MEAN",))
    built.take(series(values))
    found = built.window((len(values) - 1) * 10.0)
    assert isinstance(found, Window)
    return found


def test_each_scale_agrees_with_a_straight_line_fit():
    rng = np.random.default_rng(5)
    values = 80 + np.cumsum(rng.normal(0, 1, 120))
    rows = trend(window(values.tolist()))

    for row, minutes in zip(rows, TREND_MINUTES, strict=False):
        part = values[-6 * minutes :]
        slope = np.polyfit(np.arange(part.size) / 6, part, 1)[0]
        expected = [part.mean(), part.std(), part.min(), part.max(), slope, 1.0]
        assert row == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_missing_values_count_only_in_the_valid_share():
    values = [80.0] * 120
    values[-3:-1] = [math.nan, math.nan]
    first = trend(window(values))[0]

    assert first.tolist() == pytest.approx([80, 0, 80, 80, 0, 4 / 6])


def test_where_nothing_was_measured_the_series_is_masked():
    values = [80.0] * 120
    values[100] = math.nan
    model_input = to_model_input(window(values), text_ids("low", TINY))
    at = 100 - 120 + 90

    assert (model_input.series[0, 0, at], model_input.mask[0, 0, at]) == (0.0, 0.0)
    assert model_input.mask.sum() == 89


def test_text_is_padded_and_cut_to_its_length():
    assert text_ids("low lower", TINY).tolist() == [2, 2, 3] + [0] * (TEXT_TOKENS - 3)
    assert text_ids("low " * 1000, TINY).tolist() == [2] * TEXT_TOKENS
