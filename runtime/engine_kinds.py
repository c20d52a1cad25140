"""The kinds of engine that a person can ask for, by name; what runs them is imported where one is started.

    cpu        ONNX Runtime's CPU provider: the only one that needs nothing of the machine
    cuda       its CUDA provider
    tensorrt   TensorRT itself (runtime.tensorrt), from the plan that was built on this machine; else ONNX
               Runtime's TensorRT provider

and what third parties offer: an entry point of the group `barocast.engines` is called with (bundle, threads,
cache) and gives an Engine (runtime.engines), or raises EngineUnavailable or BundleError.
"""

from __future__ import annotations

import difflib
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

from barocast.runtime.errors import SettingsError

GROUP: Final = "barocast.engines"
CPU: Final = "cpu"
OURS: Final = (CPU, "cuda", "tensorrt")
"""No stranger's takes the place of one of these."""
STATE: Final = Path("/var/lib/barocast")
"""What the installed service may write."""


def engine_kinds() -> tuple[str, ...]:
    """Give the names of all kinds."""
    return (*OURS, *sorted({point.name for point in entry_points(group=GROUP)} - set(OURS)))


def check_kind(kind: str, place: str = "engine") -> None:
    """Refuse a kind that there is not; `place` is where it was read. Raises SettingsError."""
    if kind not in engine_kinds():
        near = difflib.get_close_matches(kind, engine_kinds(), n=1, cutoff=0.0)[0]
        raise SettingsError(
            f"{place}: {kind!r} is not one of {', '.join(engine_kinds())}; the nearest is {near!r}"
        )


def engine_cache() -> Path:
    """Give where plans that were built on this machine lie when no folder is named. Makes nothing."""
    return (STATE if STATE.is_dir() else Path.home() / ".cache" / "barocast") / "engines"
