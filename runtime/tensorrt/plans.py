"""A bundle's plans on this machine: those that are kept, and building those that are not.

    this_machine()                                    EngineUnavailable: no GPU, or no TensorRT
    kept_plans(bundle, machine, cache)                EngineUnavailable: one is not there, or may not be used
    build_plans(bundle, machine, cache, say, clock)   EngineUnavailable; SettingsError: the folder

A service at the bedside never builds: it takes minutes, and ONNX Runtime answers at once. An update of
JetPack or another GPU makes another key, so that `kept_plans` finds nothing and says what to do.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from barocast.runtime.errors import EngineUnavailable
from barocast.runtime.tensorrt.api import Api, Progress, load
from barocast.runtime.tensorrt.build import PRECISION, build
from barocast.runtime.tensorrt.cache import Key
from barocast.runtime.tensorrt.cudart import Cudart, Device, open_cudart
from barocast.runtime.tensorrt.program import LoadedPlan

if TYPE_CHECKING:
    from collections.abc import Callable

    from barocast.runtime.bundle import Bundle
    from barocast.runtime.tensorrt.cache import PlanCache

Clock: TypeAlias = "Callable[[], float]"
TIMINGS: Final = "timings"
"""Stands for a graph's hash in the key of the timings that builds on one machine share."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What plans are built by and run on."""

    api: Api
    cuda: Cudart
    device: Device

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.api.name} on {self.device.name} (compute capability {self.device.capability})"

    def key(self, content: str) -> Key:
        """Give the key under which `content` (a graph's SHA-256, or TIMINGS) is kept for this machine."""
        return Key(content, self.api.name, self.device.name, self.device.capability, PRECISION)


def this_machine() -> Machine:
    """Look. The GPU first: without one, TensorRT's own libraries may end the process."""
    cuda = open_cudart()
    device = cuda.device()
    return Machine(load(), cuda, device)


def kept_plans(bundle: Bundle, machine: Machine, cache: PlanCache) -> dict[str, bytes]:
    """Give the plan of each of the bundle's graphs."""
    try:
        return {file: cache.get(machine.key(_sha256(graph))) for file, graph in bundle.graphs.items()}
    except EngineUnavailable as reason:
        raise EngineUnavailable(
            f"{reason}; `barocast bundle build DIR --cache {cache.folder}` makes it"
        ) from reason


def build_plans(
    bundle: Bundle, machine: Machine, cache: PlanCache, say: Callable[[str], None], clock: Clock
) -> None:
    """Build and keep what is not there, or of no use; say how far it is, by `clock` (s) not too often."""
    for file, graph in bundle.graphs.items():
        named = _named(file, say)
        key = machine.key(_sha256(graph))
        if why := _why_not_kept(machine, cache, key):
            named(f"building ({why})")
            built = build(machine.api, graph, Progress(named, clock), _timings(machine, cache))
            cache.put(key, built.plan)
            if built.timing:
                cache.put(machine.key(TIMINGS), built.timing)
            named(f"{len(built.plan):,} bytes of {built.layers} layers")
        else:
            named("kept already")


def _why_not_kept(machine: Machine, cache: PlanCache, key: Key) -> str:
    """Say why there is no plan under this key that loads; empty where there is one."""
    try:
        LoadedPlan(machine.api, cache.get(key)).let_go()
    except EngineUnavailable as why:
        return str(why)
    return ""


def _named(file: str, say: Callable[[str], None]) -> Callable[[str], None]:
    return lambda told: say(f"{file}: {told}")


def _timings(machine: Machine, cache: PlanCache) -> bytes:
    try:
        return cache.get(machine.key(TIMINGS))
    except EngineUnavailable:
        return b""


def _sha256(graph: bytes) -> str:
    return hashlib.sha256(graph).hexdigest()
