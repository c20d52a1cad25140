"""TensorRT as an engine: a bundle's plans of this machine, checked like every other engine's answers.

    TensorRtEngine(bundle, folder)      EngineUnavailable: no GPU, no TensorRT, or no plan kept in `folder`;
                                        BundleError: its known answers are off on this machine
    engine.run(model_input, t_s)        Forecast | Fault; from any thread, one after the other
    engine.close()                      gives everything on the GPU back; so does the end of the process

Strong typing does not make a plan right: compilers of other releases have fused graphs into wrong answers
(docs/tensorrt.md). The known answers at load are what stands between such a plan and a patient.
"""

from __future__ import annotations

import threading
import weakref
from contextlib import ExitStack
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from barocast.runtime.bundle_files import MODEL, PREFIX
from barocast.runtime.domain import Fault, ModelInput
from barocast.runtime.engines.engine import check_known_answers, forecast_of
from barocast.runtime.engines.remembered import Remembered
from barocast.runtime.errors import BundleError, Refused
from barocast.runtime.manifest_rules import graph_shapes
from barocast.runtime.tensorrt.cache import PlanCache
from barocast.runtime.tensorrt.plans import kept_plans, this_machine
from barocast.runtime.tensorrt.program import loaded

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from barocast.runtime.bundle import Bundle
    from barocast.runtime.domain import Forecast
    from barocast.runtime.tensorrt.program import Program


class TensorRtEngine:
    """TensorRT, or TensorRT-RTX, with a CUDA graph for each of the bundle's graphs."""

    _remembered: Remembered | None = None
    """None where the tick reads the text itself (bundles of format 1)."""

    def __init__(self, bundle: Bundle, folder: Path) -> None:
        self._manifest = bundle.manifest
        self._turn = threading.Lock()
        machine = this_machine()
        with ExitStack() as owned:
            programs = {
                file: owned.enter_context(loaded(machine.api, machine.cuda, plan))
                for file, plan in kept_plans(bundle, machine, PlanCache(folder)).items()
            }
            _check_shapes(programs, graph_shapes(bundle.manifest))
            self._tick = programs[MODEL]
            if PREFIX in programs:
                self._remembered = _remembered(programs[PREFIX], bundle)
            self.name = f"{machine.name}, {self._tick.how}"
            check_known_answers(self, bundle)
            # Not left to the garbage collector, which frees in no order.
            self.close = weakref.finalize(self, owned.pop_all().close)

    def run(self, model_input: ModelInput, t_s: float) -> Forecast | Fault:
        """Answer one window."""
        given: dict[str, NDArray[Any]] = {f.name: getattr(model_input, f.name) for f in fields(ModelInput)}
        try:
            with self._turn:
                if self._remembered is not None:
                    given |= self._remembered.of(given.pop("text"))
                return forecast_of(self._manifest, self._tick(given), t_s)
        except Exception as error:  # noqa: BLE001 - a GPU may fail in any way, and tensorrt raise anything
            return Fault(t_s, f"engine: {error}")


def _remembered(prefix: Program, bundle: Bundle) -> Remembered:
    def memory(text: NDArray[Any]) -> list[NDArray[Any]]:
        given = prefix({"text": text})
        return [given[name] for name in bundle.manifest.memory]

    return Remembered(memory, bundle.manifest)


def _check_shapes(programs: dict[str, Program], described: dict[str, dict[str, tuple[int, ...]]]) -> None:
    for file, program in programs.items():
        if program.shapes != described[file]:
            raise BundleError(
                f"{file}: TensorRT gives it shapes {program.shapes}, its manifest says {described[file]}",
                Refused.GRAPH,
            )
