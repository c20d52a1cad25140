"""What AnaSim's monitor shows while the happenings on standard input are done: run by its own interpreter.

In, JSON: {"patient": {...}, "settle_s": 9, "until_s": 9, "targets": {drug: 3.0}, "acts": [[9, act, 1.0]]}.
Out, JSON: {"version": ..., "licence": ..., "channels": {"ABP_MEAN": [one value a second], ...}}.
It needs AnaSim and nothing of ours.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from importlib.metadata import metadata
from typing import Any

DT_S = 0.1
STEPS = round(1 / DT_S)
FIELDS = {"ABP_MEAN": "map", "HR": "hr", "ETCO2": "display_etco2", "SPO2": "display_spo2"}
DRUGS = {"propofol": "propofol", "remifentanil": "remi"}


def main() -> None:
    """Read what is to happen, let it, and print what was seen."""
    asked = json.load(sys.stdin)
    engine = _engine(asked["patient"])
    for drug, target in asked["targets"].items():
        _target(engine, drug, target)
    engine.start()
    for _ in range(round(asked["settle_s"])):
        _second(engine)
    seen: dict[str, list[float]] = {channel: [] for channel in FIELDS}
    acts = sorted(asked["acts"])
    for t_s in range(round(asked["until_s"])):
        while acts and acts[0][0] <= t_s:
            _, act, value = acts.pop(0)
            _do(engine, act, value)
        _second(engine)
        for channel, field in FIELDS.items():
            seen[channel].append(float(getattr(engine.state, field)))
    about = metadata("anasim-simulator")
    licence = about["License-Expression"] or about["License"]
    json.dump({"version": about["Version"], "licence": licence, "channels": seen}, sys.stdout)


def _engine(patient: dict[str, Any]) -> Any:  # noqa: ANN401 - AnaSim is not there when types are checked
    core = import_module("anasim.core.engine")
    config = core.SimulationConfig(dt=DT_S, mode="steady_state", tci_enabled=True, rng_seed=0)
    return core.SimulationEngine(import_module("anasim.patient.patient").Patient(**patient), config)


def _second(engine: Any) -> None:  # noqa: ANN401 - likewise
    for _ in range(STEPS):
        engine.step(DT_S)


def _target(engine: Any, drug: str, target: float) -> None:  # noqa: ANN401 - likewise
    engine.enable_tci(DRUGS[drug], target, mode="plasma")


def _do(engine: Any, act: str, value: float) -> None:  # noqa: ANN401 - likewise
    if act in DRUGS:
        _target(engine, act, value)
    elif act == "phenylephrine":
        engine.give_drug_bolus(act, value)
    elif value > 0:
        engine.start_hemorrhage(value)
    else:
        engine.stop_hemorrhage()


if __name__ == "__main__":
    main()
