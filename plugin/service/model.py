"""The model that the beds share: verified, in a process of its own, or refused and said so.

`load_model` raises BundleError or SettingsError. `refused_model(why)` stands in where it did: the beds go on
showing numbers and raising technical alarms, and every decision is a Fault that tells why. No other model is
taken in its place: which one forecasts is for a person to decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from barocast.calibration.calibrators import read_calibrators
from barocast.calibration.events import HYPOTENSION
from barocast.calibration.parametric import TemperatureBias
from barocast.calibration.trigger import TriggerRules
from barocast.plugin.engine_option import cache_of
from barocast.plugin.service.engine_process import EngineProcess, engine_command
from barocast.plugin.settings import EngineSettings, ModelSettings
from barocast.runtime.bundle import Bundle, default_bundle, read_bundle
from barocast.runtime.domain import HORIZONS_MIN, Fault, Forecast, ModelInput
from barocast.runtime.engine_kinds import CPU
from barocast.runtime.errors import BarocastError
from barocast.runtime.manifest import AlarmPoint, Manifest
from barocast.runtime.prompt import TEMPLATE_VERSION
from barocast.runtime.timeline import STEP_S, WINDOW_MIN
from barocast.runtime.tokens import TEXT_TOKENS, TREND_CHANNEL
from barocast.runtime.trust import revoked, trusted_keys
from barocast.runtime.wordpiece import WordPiece

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from barocast.plugin.service.releases import Releases
    from barocast.runtime.engines import Engine

NO_MODEL: Final = "none"
"""The bundle id of decisions that no model made."""
ON_THE_CPU: Final = EngineSettings()


@dataclass(frozen=True, slots=True)
class Model:
    """What a bed needs to forecast."""

    bundle: Bundle
    engine: Engine
    trouble: Callable[[], str]
    """Empty, or why there is no engine now."""
    prove: Callable[[], bool]
    """Whether it answers what is known; within its deadline."""
    close: Callable[[], None]
    reason: Callable[[], str] = str
    """Why it is not the engine that was wanted that runs; empty where it is."""


@dataclass(frozen=True, slots=True)
class RefusedEngine:
    """Answers every window with why there is no model."""

    why: str
    name: str = "no engine"

    def run(self, model_input: ModelInput, t_s: float) -> Forecast | Fault:  # noqa: ARG002 - an Engine's words
        """Give a Fault."""
        return Fault(t_s, f"engine: {self.why}")


def load_model(
    settings: ModelSettings, releases: Releases | None = None, wanted: EngineSettings = ON_THE_CPU
) -> Model:
    """Read, verify and start the configured model. Raises BundleError, SettingsError.

    `releases` remembers which ran here: an older one is refused unless the settings allow it. Where the
    engine `wanted` cannot be had, the CPU's runs and says why (Model.reason).
    """
    directory = Path(settings.bundle) if settings.bundle else default_bundle()
    trust, gone = (Path(name) if name else None for name in (settings.trust, settings.revoked))
    bundle = read_bundle(directory, trusted_keys(trust).values(), revoked(gone))
    if releases is not None and not settings.allow_older:
        releases.check(bundle)
    told = (directory, trust, gone, settings.threads)
    spare = None if wanted.kind == CPU else engine_command(*told)
    engine = EngineProcess(bundle, engine_command(*told, wanted.kind, cache_of(wanted)), spare=spare)
    if releases is not None:
        releases.remember(bundle)
    return Model(
        bundle, engine, lambda: engine.trouble, engine.prove, engine.close, reason=lambda: engine.reason
    )


def refused_model(why: BarocastError) -> Model:
    """Stand in for a model that was refused."""
    said = f"{why}{_offer()}"
    return Model(_no_bundle(), RefusedEngine(said), lambda: said, lambda: False, lambda: None)


def _offer() -> str:
    """Name the embedded bundle where it is good: a person may choose it."""
    try:
        good = read_bundle(default_bundle(), trusted_keys().values(), revoked()).manifest.id
    except BarocastError:
        return ""
    return f"; the embedded {good} is good: leave [model] bundle empty to use it"


def _no_bundle() -> Bundle:
    """Give what a pipeline asks of a bundle before its first forecast."""
    calibrators = TemperatureBias().to_dict()
    manifest = Manifest(
        id=NO_MODEL,
        sequence=0,
        intended_use="",
        event=HYPOTENSION,
        channels=(TREND_CHANNEL,),
        step_s=STEP_S,
        window_min=WINDOW_MIN,
        shapes=MappingProxyType({"text": (1, TEXT_TOKENS)}),
        horizons_min=HORIZONS_MIN,
        forecast_minutes=(),
        gates=(),
        text_template=TEMPLATE_VERSION,
        calibrator=calibrators,
        alarm=AlarmPoint(HORIZONS_MIN[1], TriggerRules(p_on=0.5, p_off=0.4)),
        known_answer_tolerance=0.0,
    )
    nothing: Mapping[str, Any] = MappingProxyType({})
    return Bundle(manifest, b"", WordPiece({}, 1), read_calibrators(calibrators), nothing, card="")
