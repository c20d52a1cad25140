"""What every engine is, and what every engine owes: checked answers, and the known ones before all others.

    forecast_of(manifest, answers, t_s)    a graph's outputs -> Forecast, or the Fault that says what is odd
    check_known_answers(engine, bundle)    raises BundleError where this machine answers otherwise

The known answers warm an engine up, too: whatever a library does at its first runs is done when they are
through. The first is asked once more at the end: the same bytes in must give the same bytes out.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from barocast.runtime.domain import Fault, Forecast, ModelInput
from barocast.runtime.errors import BundleError, Refused
from barocast.runtime.manifest_rules import output_shapes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from barocast.runtime.bundle import Bundle
    from barocast.runtime.manifest import Manifest

OUTPUTS: Final = ("logits", "quantiles", "gates")
QUANTILE_TOLERANCE_MMHG: Final = 0.5
"""Largest difference of a MAP quantile from its known answer: half of what a monitor can show."""


class Engine(Protocol):
    """Whatever can run a bundle's graphs."""

    @property
    def name(self) -> str:
        """The engine and the provider that is really active."""

    def run(self, model_input: ModelInput, t_s: float) -> Forecast | Fault:
        """Answer one window; `t_s` only dates a Fault."""


def forecast_of(manifest: Manifest, answers: Mapping[str, NDArray[Any]], t_s: float) -> Forecast | Fault:
    """Check what a graph gave (OUTPUTS, batch 1 in front) and lay it out."""
    for name, shape in output_shapes(manifest).items():
        answer = answers[name]
        if answer.shape != shape or not np.isfinite(answer).all():
            return Fault(t_s, f"engine: {name} of shape {answer.shape} is not finite numbers {shape}")
    logits, quantiles, gates = (np.asarray(answers[name][0], dtype=np.float64) for name in OUTPUTS)
    if (np.diff(logits) < 0).any() or (np.diff(quantiles, axis=0) < 0).any():
        return Fault(t_s, "engine: risks or quantiles out of order")
    minutes = np.array(manifest.forecast_minutes)
    q10, q50, q90 = quantiles
    return Forecast(logits, minutes, q10, q50, q90, dict(zip(manifest.gates, gates.tolist(), strict=True)))


def check_known_answers(engine: Engine, bundle: Bundle) -> None:
    """Ask every known answer; raise BundleError at the first that is off on this machine."""
    answers = bundle.known_answers
    forecasts = [_answered(engine, answers, row) for row in range(len(answers["logits"]))]
    for row, forecast in enumerate(forecasts):
        known = {name: array[row] for name, array in answers.items()}
        for name, off, allowed in _differences(bundle, known, forecast):
            if not off <= allowed:
                raise _wrong(f"row {row} is off by {off:.4f}{name} on this machine; do not use it")
    if forecasts and _bytes(_answered(engine, answers, 0)) != _bytes(forecasts[0]):
        raise _wrong("row 0 is answered otherwise each time on this machine; do not use it")


def _answered(engine: Engine, answers: Mapping[str, NDArray[Any]], row: int) -> Forecast:
    asked = ModelInput(**{f.name: answers[f.name][row : row + 1] for f in fields(ModelInput)})
    forecast = engine.run(asked, 0.0)
    if isinstance(forecast, Fault):
        raise _wrong(f"row {row} gives a fault ({forecast.reason})")
    return forecast


def _differences(
    bundle: Bundle, known: Mapping[str, NDArray[Any]], forecast: Forecast
) -> Iterator[tuple[str, float, float]]:
    """Give (unit and name, largest difference, what is allowed) of each answer that is known."""
    risk, expected = (bundle.calibrators.default(logits) for logits in (forecast.logits, known["logits"]))
    yield " of risk", float(np.abs(risk - expected).max()), bundle.manifest.known_answer_tolerance
    if "quantiles" in known:
        fan = np.stack([forecast.q10, forecast.q50, forecast.q90])
        yield " mmHg of MAP", float(np.abs(fan - known["quantiles"]).max()), QUANTILE_TOLERANCE_MMHG


def _bytes(forecast: Forecast) -> bytes:
    curves = (forecast.logits, forecast.q10, forecast.q50, forecast.q90)
    return b"".join(array.tobytes() for array in (*curves, np.array([*forecast.gates.values()])))


def _wrong(said: str) -> BundleError:
    return BundleError(f"known_answers.npz: {said}", Refused.ANSWERS)
