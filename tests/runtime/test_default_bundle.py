"""The model that ships, on pressures whose answer any clinician knows, and on what must have no answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
from builders import series

from barocast.runtime.bundle import Bundle, default_bundle, read_bundle
from barocast.runtime.domain import Abstain, Decision, Fault, ModelInput, Risk
from barocast.runtime.engines import CPU, OrtEngine
from barocast.runtime.known_answers import MIN_KNOWN_ANSWERS
from barocast.runtime.pipeline import Pipeline
from barocast.runtime.trust import trusted_keys

MINUTES = 20
INPUTS = ("series", "mask", "trend", "text")


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return read_bundle(default_bundle(), trusted_keys().values())


def decided(bundle: Bundle, *mmhg: float) -> Decision:
    """The last decision after these pressures, one in ten seconds."""
    pipeline = Pipeline(bundle, OrtEngine(bundle))
    return [*pipeline.feed(series(mmhg)), *pipeline.finish()][-1]


def alive(mmhg: float, count: int = MINUTES * 6) -> list[float]:
    """A steady pressure of a living patient: two values in a row are never the same to the decimal."""
    return [mmhg + 0.1 * (i % 2) for i in range(count)]


def asked(bundle: Bundle, row: int = 0) -> ModelInput:
    return ModelInput(**{name: bundle.known_answers[name][row : row + 1] for name in INPUTS})


@pytest.mark.req("INF-03")
def test_deep_hypotension_is_called_and_a_normal_pressure_is_not(bundle):
    normal, falling, deep = (
        decided(bundle, *pressures)
        for pressures in (
            alive(90.0),
            [*alive(90.0, MINUTES * 3), *(90 - 0.4 * i for i in range(MINUTES * 3))],
            alive(45.0),
        )
    )

    assert isinstance(normal, Risk)
    assert isinstance(falling, Risk)
    assert isinstance(deep, Risk)
    assert max(normal.p) < 0.05 < min(falling.p) < max(falling.p) < 0.9 < min(deep.p)
    assert (normal.hypotensive, deep.hypotensive) == (False, True)


@pytest.mark.req("INF-03")
@pytest.mark.parametrize(("mmhg", "reason"), [(80.0, "flat"), (float("nan"), "missing")])
def test_a_frozen_or_missing_pressure_is_not_scored(bundle, mmhg, reason):
    decision = decided(bundle, *[mmhg] * MINUTES * 6)

    assert isinstance(decision, Abstain)
    assert reason in decision.reason


@pytest.mark.req("INF-03")
def test_a_nan_that_reaches_the_graph_is_a_fault(bundle):
    whole = asked(bundle)
    spoilt = replace(whole, series=np.full_like(whole.series, np.nan))

    assert isinstance(OrtEngine(bundle).run(spoilt, 0.0), Fault)


@pytest.mark.req("INF-03")
def test_it_brings_known_answers_enough_and_each_counts(bundle):
    rows = len(bundle.known_answers["logits"])
    wrong = np.array(bundle.known_answers["logits"])
    wrong[-1] += 1.0

    assert rows >= MIN_KNOWN_ANSWERS >= 20
    with pytest.raises(Exception, match=f"row {rows - 1} is off"):
        OrtEngine(replace(bundle, known_answers={**bundle.known_answers, "logits": wrong}))


@pytest.mark.req("INF-01")
def test_a_thousand_runs_and_a_new_session_give_the_same_bytes(bundle):
    first, again, window = OrtEngine(bundle), OrtEngine(bundle), asked(bundle, 7)
    answers = {repr(engine.run(window, 0.0)) for engine in (first, again) for _ in range(500)}

    assert len(answers) == 1


@pytest.mark.req("INF-05")
def test_the_provider_that_is_asked_for_is_the_one_that_runs_and_is_said(bundle):
    engine = OrtEngine(bundle)

    assert engine._session._session.get_providers() == [CPU]
    assert engine.name == f"onnxruntime {onnxruntime.__version__} {CPU}"
