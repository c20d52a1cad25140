"""A model that knows every risk it gave, behind the real checks of what a graph may give.

    VirtualEngine    OrtEngine's own `run`, over a session that the plan poisons
    taken()          what it was asked and gave since the last look, for the oracle

Its risk rises as the pressure falls, and for no visible reason in a surge: both kinds of alarm occur.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration.calibrators import read_calibrators
from barocast.calibration.events import HYPOTENSION
from barocast.calibration.parametric import TemperatureBias
from barocast.calibration.trigger import TriggerRules
from barocast.runtime.bundle import Bundle
from barocast.runtime.domain import HORIZONS_MIN
from barocast.runtime.engines import OrtEngine
from barocast.runtime.manifest import AlarmPoint, Manifest
from barocast.runtime.prompt import TEMPLATE_VERSION
from barocast.runtime.timeline import STEP_S, WINDOW_MIN
from barocast.runtime.tokens import TEXT_TOKENS
from barocast.runtime.wordpiece import WordPiece
from benchmarks.breaker.plan import Kind, Lookup

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from barocast.runtime.domain import Fault, Forecast, ModelInput
    from benchmarks.breaker.plan import Plan

P_ON: Final = 0.5
P_OFF: Final = 0.4
MINUTES: Final = (5.0, 10.0, 15.0)
CENTRE_MMHG: Final = 73.0
"""Of the last minute: here the risk is one half."""
WIDTH_MMHG: Final = 3.0
SURGE: Final = 5.0
"""What it adds to the logit."""

MANIFEST: Final = Manifest(
    id="breaker",
    sequence=1,
    intended_use="simulation",
    event=HYPOTENSION,
    channels=("ABP_MEAN",),
    step_s=STEP_S,
    window_min=WINDOW_MIN,
    shapes=MappingProxyType(
        {"text": (1, TEXT_TOKENS), "logits": (1, 3), "quantiles": (1, 3, len(MINUTES)), "gates": (1, 1)}
    ),
    horizons_min=HORIZONS_MIN,
    forecast_minutes=MINUTES,
    gates=("text",),
    text_template=TEMPLATE_VERSION,
    calibrator=TemperatureBias().to_dict(),
    alarm=AlarmPoint(HORIZONS_MIN[1], TriggerRules(p_on=P_ON, p_off=P_OFF)),
    known_answer_tolerance=0.0,
)
BUNDLE: Final = Bundle(
    MANIFEST,
    b"",
    WordPiece({}, 1),
    read_calibrators(MANIFEST.calibrator),
    MappingProxyType({}),
    card="",
)

Arrays = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


def _spoilt(value: float) -> Callable[[Arrays], Arrays]:
    return lambda arrays: (np.where([[False, True, False]], value, arrays[0]), arrays[1])


POISONS: Final[Mapping[Kind, Callable[[Arrays], Arrays]]] = {
    Kind.NAN: _spoilt(math.nan),
    Kind.INFINITE: lambda arrays: (arrays[0], np.full_like(arrays[1], -math.inf)),
    Kind.SHAPE: lambda arrays: (arrays[0][:, :2], arrays[1]),
    Kind.CROSSED: _spoilt(50.0),
}
"""What a broken graph makes of its logits and quantiles."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model was asked and gave."""

    t_s: float
    """Device time, of the end of the window."""
    series: NDArray[np.float32]
    """(90,) mmHg."""
    mask: NDArray[np.bool_]
    """(90,)"""
    p: float | None
    """Risk at 10 min that must come of it; None where it must be a fault."""


class VirtualEngine(OrtEngine):
    """The real checks over a virtual session."""

    def __init__(self, plan: Plan, clock: Callable[[], float]) -> None:
        """`clock` gives simulated seconds."""
        self.name = "virtual"
        self._manifest = MANIFEST
        self._virtual = self._session = Session(plan, clock)

    def trouble(self) -> str:
        """Say that there is no engine now; empty while there is."""
        return "its process ended" if self._virtual.fault() is Kind.DEAD else ""

    def run(self, model_input: ModelInput, t_s: float) -> Forecast | Fault:
        """Answer one window."""
        self._virtual.t_s = t_s
        return super().run(model_input, t_s)

    def taken(self) -> list[Answer]:
        """Give what was asked since this was last called: an answer for each window, in order."""
        asked, self._virtual.asked = self._virtual.asked, []
        return asked


class Session:
    """In the place of onnxruntime's."""

    def __init__(self, plan: Plan, clock: Callable[[], float]) -> None:
        self._clock, self._surges = clock, plan.surges
        self._wavering = plan.wavering
        self._faults = Lookup(plan, (*POISONS, Kind.DEAD, Kind.SLOW))
        self._dice = random.Random(f"engine {plan.seed}")
        self.asked: list[Answer] = []
        self.t_s = math.nan
        """Of the window that is asked now."""

    def fault(self) -> Kind | None:
        """Give what is wrong with the model now."""
        stretch = self._faults.at(self._clock())
        return stretch.kind if stretch else None

    def run(self, _: Sequence[str], feeds: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """Give logits, quantiles and gates. Raises OSError where the engine's process does not answer."""
        mean, fault = float(feeds["trend"][0, 0, 0]), self.fault()
        logit = (CENTRE_MMHG - mean) / WIDTH_MMHG + self._dice.gauss(0.0, self._wavering)
        logit += SURGE * any(begin <= self._clock() < end for begin, end in self._surges)
        p = None if fault else 1 / (1 + math.exp(-logit))
        self.asked.append(Answer(self.t_s, feeds["series"][0, 0], feeds["mask"][0, 0] > 0, p))
        if fault in {Kind.DEAD, Kind.SLOW}:
            raise OSError("no answer in time")
        curve = np.full((1, 1, len(MINUTES)), mean)
        arrays = (
            np.array([[logit - 1.0, logit, logit + 0.7]]),
            np.concatenate([curve - 5, curve, curve + 5], 1),
        )
        logits, quantiles = POISONS[fault](arrays) if fault else arrays
        return [logits, quantiles, np.array([[0.25]])]
