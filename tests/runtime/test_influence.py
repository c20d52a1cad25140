"""What a forecast leans on: found by masking, told as association."""

from __future__ import annotations

import numpy as np
import pytest
from builders import elderly_patient, series
from toy_bundle import toy_bundle

from barocast.runtime.domain import CaseSoFar, Fault, Forecast, Risk, Window
from barocast.runtime.engines import OrtEngine
from barocast.runtime.influence import STRETCHES, asker, influence_of
from barocast.runtime.pipeline import Pipeline
from barocast.runtime.prompt import describe
from barocast.runtime.tokens import text_ids

TEN_MIN = 1
TEXT = np.array([5, 6, 0])
NO_TEXT = np.zeros(3, dtype=np.int64)


def window() -> Window:
    values = np.arange(180.0).reshape(2, 90)
    case = CaseSoFar(30.0, 75.0, 60.0, 0, 0.0, 0.0)
    return Window(900.0, 10.0, ("ABP_MEAN", "HR"), values, np.ones((2, 90), dtype=bool), case)


def risk(p10: float = 0.4) -> Risk:
    line = np.zeros(3)
    return Risk(900.0, (p10 / 2, p10, 0.9), Forecast(line, line, line, line, line, {}))


class Model:
    """Sees in each column of the window so much risk, and some in the text; keeps what it was asked."""

    def __init__(self, columns: np.ndarray | None = None, text: float = 0.0) -> None:
        self.columns = np.zeros(90) if columns is None else columns
        self.text = text
        self.asked: list[Window] = []

    def __call__(self, given: Window, ids) -> tuple[float, float, float]:
        self.asked.append(given)
        p = 0.1 + float(self.columns @ given.mask[0]) + (self.text if ids.any() else 0.0)
        return p / 2, p, 0.9


def columns(start: int, stop: int, whole: float) -> np.ndarray:
    share = np.zeros(90)
    share[start:stop] = whole / (stop - start)
    return share


def test_the_stretch_that_the_risk_rests_on_is_named_as_an_association():
    found = influence_of(risk(), window(), NO_TEXT, Model(columns(45, 60, 0.3)), TEN_MIN)

    assert (found.from_min, found.to_min) == (-7.5, -5.0)
    assert found.change == pytest.approx(0.3)
    assert found.words == (
        "The forecast leans most on the stretch from 7.5 to 5 min ago: without it the 10-min risk would be "
        "30 points lower. This is an association, not a cause."
    )


def test_a_stretch_that_speaks_against_hypotension_counts_as_much():
    found = influence_of(risk(0.05), window(), NO_TEXT, Model(columns(0, 15, -0.05)), TEN_MIN)

    assert (found.from_min, found.to_min) == (-15.0, -12.5)
    assert found.change == pytest.approx(-0.05)
    assert "from 15 to 12.5 min ago" in found.words
    assert "would be 5 points higher" in found.words


def test_where_nothing_matters_no_stretch_is_named():
    found = influence_of(risk(0.1), window(), NO_TEXT, Model(), TEN_MIN)

    assert found.words == "No single stretch moves the 10-min risk by a per cent or more."


def test_the_text_is_left_out_once_where_there_is_one():
    with_text, without = Model(text=0.2), Model(text=0.2)

    assert influence_of(risk(0.3), window(), TEXT, with_text, TEN_MIN).without_text == pytest.approx(0.1)
    assert influence_of(risk(0.1), window(), NO_TEXT, without, TEN_MIN).without_text is None
    assert (len(with_text.asked), len(without.asked)) == (STRETCHES + 1, STRETCHES)


def test_what_is_asked_is_still_a_window_with_a_gap_and_all_gaps_together_are_the_window():
    model = Model()
    influence_of(risk(), window(), NO_TEXT, model, TEN_MIN)
    gaps = np.array([~asked.mask[0] for asked in model.asked])

    assert all(np.isnan(asked.values[~asked.mask]).all() for asked in model.asked)
    assert all(asked.mask[:, -3:].all() and asked.mask.mean() >= 0.8 for asked in model.asked)
    assert gaps.sum(axis=0).tolist() == [1] * 87 + [0] * 3


def test_the_window_itself_is_left_as_it_was():
    given = window()
    influence_of(risk(), given, NO_TEXT, Model(), TEN_MIN)

    assert given.mask.all()
    assert np.array_equal(given.values, window().values)


def test_an_engine_that_fails_is_not_asked_again_and_nothing_is_said():
    asked = []

    def broken(given, ids):
        asked.append(given)

    assert influence_of(risk(), window(), TEXT, broken, TEN_MIN) is None
    assert len(asked) == 1


def test_the_answers_are_those_of_the_pipelines_own_engine_and_calibrator(tmp_path):
    bundle = toy_bundle(tmp_path / "b").read()
    engine = OrtEngine(bundle)
    pipeline = Pipeline(bundle, engine, elderly_patient())
    decided = [d for d in pipeline.feed(series([80.0 - i / 9 for i in range(120)])) if isinstance(d, Risk)][
        -1
    ]
    ids = text_ids(describe(elderly_patient()), bundle.tokenizer)
    ask = asker(engine, bundle.calibrators)
    seen = pipeline.timeline.window(decided.t_s)

    assert ask(seen, ids) == pytest.approx(decided.p)
    assert influence_of(decided, seen, ids, ask, TEN_MIN).from_min == pytest.approx(-2.5)


def test_a_fault_of_the_engine_is_no_answer():
    class Broken:
        name = "broken"

        def run(self, model_input, t_s):
            return Fault(t_s, "engine: out of memory")

    assert asker(Broken(), None)(window(), NO_TEXT) is None
