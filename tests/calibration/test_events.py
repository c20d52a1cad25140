"""Events of the evaluation's definition."""

from __future__ import annotations

import math

import numpy as np

from barocast.calibration.events import Span, find_events


def events(*pieces: tuple[float, int]) -> list[Span]:
    """Find the events of a series given as (MAP, samples) pieces on a 10 s grid."""
    return find_events(np.concatenate([np.full(n, value) for value, n in pieces]), 10.0)


def test_a_minute_below_65_is_an_event_and_its_onset_the_first_low_sample():
    assert events((80, 20), (64.9, 6), (80, 20)) == [Span(20, 26)]


def test_fifty_seconds_are_none():
    assert events((80, 20), (60, 5), (80, 20)) == []


def test_65_itself_is_not_low():
    assert events((80, 20), (65, 60), (80, 20)) == []


def test_one_missing_sample_inside_is_bridged():
    assert events((80, 9), (60, 3), (math.nan, 1), (60, 3), (80, 9)) == [Span(9, 16)]


def test_two_missing_samples_are_not_bridged():
    assert events((80, 9), (60, 3), (math.nan, 2), (60, 3), (80, 9)) == []


def test_a_missing_sample_at_the_edge_belongs_to_no_event():
    assert events((math.nan, 1), (60, 6), (math.nan, 1)) == [Span(1, 7)]


def test_events_less_than_two_minutes_apart_are_one():
    assert events((60, 6), (80, 11), (60, 6)) == [Span(0, 23)]


def test_events_two_minutes_apart_are_two():
    assert events((60, 6), (80, 12), (60, 6)) == [Span(0, 6), Span(18, 24)]
