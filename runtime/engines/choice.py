"""The engine that a person wants, where this machine can run it; else ONNX Runtime on the CPU, and why.

    choose_engine(bundle, "tensorrt", threads, cache) -> Chosen(engine, reason)

`wanted` is one of runtime.engine_kinds; `cache` holds the plans that were built on this machine. An engine
whose known answers are off here counts as one that cannot be had. What the CPU refuses is raised: nothing
stands behind it.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, cast

from barocast.runtime.engine_kinds import GROUP, check_kind
from barocast.runtime.engines.engine import check_known_answers
from barocast.runtime.engines.ort import OrtEngine
from barocast.runtime.errors import BundleError, EngineUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from barocast.runtime.bundle import Bundle
    from barocast.runtime.engines.engine import Engine

Start: TypeAlias = "Callable[[Bundle, int, Path], Engine]"
"""Takes the bundle, threads and the cache; raises BundleError or EngineUnavailable."""


class Chosen(NamedTuple):
    """An engine that knows its known answers."""

    engine: Engine
    reason: str
    """Why it is not the one that was wanted; empty where it is."""

    @property
    def name(self) -> str:
        """What runs, and why not what was wanted."""
        return f"{self.engine.name} ({self.reason})" if self.reason else self.engine.name


def choose_engine(bundle: Bundle, wanted: str, threads: int, cache: Path) -> Chosen:
    """Give the engine `wanted` or the CPU's. Raises BundleError, SettingsError."""
    check_kind(wanted)
    reasons = []
    for start in _OURS.get(wanted, (_strangers(wanted),)):
        engine, why_not = _started(start, bundle, threads, cache)
        if engine is not None:
            return Chosen(engine, "")
        reasons.append(why_not)
    said = f"no {wanted}: {'; '.join(reasons)}" if reasons else ""
    return Chosen(OrtEngine(bundle, threads), said)


def _started(start: Start, bundle: Bundle, threads: int, cache: Path) -> tuple[Engine | None, str]:
    try:
        return start(bundle, threads, cache), ""
    except (BundleError, EngineUnavailable) as error:
        return None, str(error)


def _cuda(bundle: Bundle, threads: int, _: Path) -> Engine:
    return OrtEngine(bundle, threads, "cuda")


def _tensorrt(bundle: Bundle, _: int, cache: Path) -> Engine:
    # Only whoever asks for it pays for its import.
    from barocast.runtime.tensorrt.engine import TensorRtEngine  # noqa: PLC0415

    return TensorRtEngine(bundle, cache)


def _ort_tensorrt(bundle: Bundle, threads: int, _: Path) -> Engine:
    return OrtEngine(bundle, threads, "tensorrt")


def _strangers(name: str) -> Start:
    def start(bundle: Bundle, threads: int, cache: Path) -> Engine:
        try:
            (point,) = entry_points(group=GROUP, name=name)  # offered twice, it is nobody's
            engine = cast("Start", point.load())(bundle, threads, cache)
        except (BundleError, EngineUnavailable):
            raise
        except Exception as error:
            raise EngineUnavailable(f"its package fails ({type(error).__name__}: {error})") from error
        check_known_answers(engine, bundle)
        return engine

    return start


_OURS: Final[Mapping[str, tuple[Start, ...]]] = MappingProxyType(
    {"cpu": (), "cuda": (_cuda,), "tensorrt": (_tensorrt, _ort_tensorrt)}
)
"""What is tried for each kind before the CPU."""
