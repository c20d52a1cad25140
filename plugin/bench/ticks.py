"""How long an engine takes for a window: seconds of each, one after the other, as a bed asks.

Windows are the bundle's known answers. A tick is of a patient whose text the engine has seen before; the
first window of a new patient pays for the text too. The clock is a parameter.
"""

from __future__ import annotations

import time
from dataclasses import fields, replace
from itertools import cycle
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.runtime.domain import Forecast, ModelInput
from barocast.runtime.errors import BundleError, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from barocast.runtime.bundle import Bundle
    from barocast.runtime.engines import Engine

    Clock = Callable[[], float]

WARM: Final = 50
"""Windows before the first that counts: caches fill, and the processor finds its pace."""
NEW_PATIENTS: Final = 200
TOKENS: Final = 40
"""Of a made-up text: what a usual description has."""


def windows(bundle: Bundle) -> list[ModelInput]:
    """Give the known answers' windows, all of them with the first one's text."""
    answers = bundle.known_answers
    count = len(answers["logits"])
    given = [
        ModelInput(**{f.name: answers[f.name][i : i + 1] for f in fields(ModelInput)}) for i in range(count)
    ]
    return [replace(window, text=given[0].text) for window in given]


def new_patients(bundle: Bundle, count: int = NEW_PATIENTS) -> list[ModelInput]:
    """Give windows of patients whose texts differ from all others."""
    first, random = windows(bundle)[0], np.random.default_rng(0)
    texts = np.zeros((count, *first.text.shape), dtype=np.int64)
    texts[..., :TOKENS] = random.integers(1, len(bundle.tokenizer.vocabulary), texts[..., :TOKENS].shape)
    return [replace(first, text=text) for text in texts]


def timed(engine: Engine, asked: Iterable[ModelInput], clock: Clock = time.perf_counter) -> list[float]:
    """Give the seconds of each window. Raises BundleError where one is answered with a fault."""
    seconds = []
    for window in asked:
        begun_s = clock()
        answer = engine.run(window, 0.0)
        seconds.append(clock() - begun_s)
        if not isinstance(answer, Forecast):
            raise BundleError(f"{engine.name}: {answer.reason}; a fault cannot be timed", Refused.ENGINE)
    return seconds


def timed_for(
    engine: Engine, asked: list[ModelInput], lasting_s: float, clock: Clock = time.perf_counter
) -> list[float]:
    """Give the seconds of each of as many windows as fit into `lasting_s`, at least one."""
    until_s, again, seconds = clock() + lasting_s, cycle(asked), list[float]()
    while not seconds or clock() < until_s:
        seconds += timed(engine, [next(again)], clock)
    return seconds
