"""ModelInput -> Forecast: one protocol, and whatever stands behind it.

    Engine              the protocol (engine.py): `name`, `run(model_input, t_s) -> Forecast | Fault`
    OrtEngine           ONNX Runtime: on the CPU, or on a GPU where the installed one can (ort.py)
    choose_engine       the engine that a person wants, or the CPU's with the reason (choice.py)

An engine takes a verified Bundle and answers the bundle's known answers before it is given to anyone.
`run` never raises on what a graph gives: a wrong shape, another number of gates, a NaN or crossed quantiles
come back as a Fault, so that they can never look like "no alarm".
"""

from barocast.runtime.engines.choice import choose_engine
from barocast.runtime.engines.engine import Engine
from barocast.runtime.engines.ort import CPU, OrtEngine

__all__ = ["CPU", "Engine", "OrtEngine", "choose_engine"]
