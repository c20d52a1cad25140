"""ModelInput -> Forecast. One protocol; ONNX Runtime behind it.

`OrtEngine` takes a verified Bundle, pins its threads, and answers the bundle's known answers before it
is given to anyone. `run` never raises on what the graph gives: a wrong shape, another number of gates, a
NaN or crossed quantiles come back as a Fault, so that they can never look like "no alarm".
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import onnxruntime as ort

from barocast.runtime.domain import Fault, Forecast, ModelInput
from barocast.runtime.errors import BundleError, Refused
from barocast.runtime.manifest_rules import expected_shapes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from barocast.runtime.bundle import Bundle
    from barocast.runtime.manifest import Manifest

CPU: Final = "CPUExecutionProvider"
OUTPUTS: Final = ("logits", "quantiles", "gates")
QUANTILE_TOLERANCE_MMHG: Final = 0.5
"""Largest difference of a MAP quantile from its known answer: half of what a monitor can show."""


class Engine(Protocol):
    """Whatever can run a bundle's graph."""

    @property
    def name(self) -> str:
        """The engine and the provider that is really active."""

    def run(self, model_input: ModelInput, t_s: float) -> Forecast | Fault:
        """Answer one window; `t_s` only dates a Fault."""


class OrtEngine:
    """ONNX Runtime on the CPU. Raises BundleError when the graph is not the one the manifest describes."""

    def __init__(self, bundle: Bundle, threads: int = 1) -> None:
        self._manifest = bundle.manifest
        self._session = _session(bundle, threads)
        self.name = f"onnxruntime {ort.__version__} {self._session.get_providers()[0]}"
        _check_shapes(self._session, bundle.manifest)
        _check_known_answers(self, bundle)

    def run(self, model_input: ModelInput, t_s: float) -> Forecast | Fault:
        """Answer one window."""
        feeds = {field.name: getattr(model_input, field.name) for field in fields(ModelInput)}
        try:
            answers = self._session.run(list(OUTPUTS), feeds)
            return _forecast(self._manifest, dict(zip(OUTPUTS, answers, strict=True)), t_s)
        except Exception as error:  # noqa: BLE001 - a graph may give anything, and onnxruntime raise anything
            return Fault(t_s, f"engine: {error}")


def _session(bundle: Bundle, threads: int) -> Any:  # noqa: ANN401 - onnxruntime publishes no types
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # What a file is, is not to be guessed from its bytes: they may be onnxruntime's own format, too.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    try:
        return ort.InferenceSession(bundle.model, options, providers=[CPU])
    except Exception as error:
        raise BundleError(
            f"model.onnx: onnxruntime {ort.__version__} refuses it ({error})", Refused.GRAPH
        ) from error


def _check_shapes(session: Any, manifest: Manifest) -> None:  # noqa: ANN401 - onnxruntime publishes no types
    found = {node.name: tuple(node.shape) for node in (*session.get_inputs(), *session.get_outputs())}
    if found != dict(manifest.shapes):
        raise BundleError(
            f"model.onnx: has shapes {found}, its manifest says {dict(manifest.shapes)}", Refused.GRAPH
        )


def _check_known_answers(engine: OrtEngine, bundle: Bundle) -> None:
    answers = bundle.known_answers
    for row in range(len(answers["logits"])):
        known = {name: array[row] for name, array in answers.items()}
        forecast = engine.run(ModelInput(**{f.name: known[f.name][None] for f in fields(ModelInput)}), 0.0)
        if isinstance(forecast, Fault):
            raise BundleError(
                f"known_answers.npz: row {row} gives a fault ({forecast.reason})", Refused.ANSWERS
            )
        for name, off, allowed in _differences(bundle, known, forecast):
            if not off <= allowed:
                raise BundleError(
                    f"known_answers.npz: row {row} is off by {off:.4f}{name} on this machine; do not use it",
                    Refused.ANSWERS,
                )


def _differences(
    bundle: Bundle, known: Mapping[str, NDArray[Any]], forecast: Forecast
) -> Iterator[tuple[str, float, float]]:
    """Give (unit and name, largest difference, what is allowed) of each answer that is known."""
    risk, expected = (bundle.calibrators.default(logits) for logits in (forecast.logits, known["logits"]))
    yield " of risk", float(np.abs(risk - expected).max()), bundle.manifest.known_answer_tolerance
    if "quantiles" in known:
        fan = np.stack([forecast.q10, forecast.q50, forecast.q90])
        yield " mmHg of MAP", float(np.abs(fan - known["quantiles"]).max()), QUANTILE_TOLERANCE_MMHG


def _forecast(manifest: Manifest, answers: Mapping[str, NDArray[Any]], t_s: float) -> Forecast | Fault:
    shapes = expected_shapes(manifest)
    for name, answer in answers.items():
        if answer.shape != shapes[name] or not np.isfinite(answer).all():
            return Fault(t_s, f"engine: {name} of shape {answer.shape} is not finite numbers {shapes[name]}")
    logits, quantiles, gates = (np.asarray(answers[name][0], dtype=np.float64) for name in OUTPUTS)
    if (np.diff(logits) < 0).any() or (np.diff(quantiles, axis=0) < 0).any():
        return Fault(t_s, "engine: risks or quantiles out of order")
    minutes = np.array(manifest.forecast_minutes)
    q10, q50, q90 = quantiles
    return Forecast(logits, minutes, q10, q50, q90, dict(zip(manifest.gates, gates.tolist(), strict=True)))
