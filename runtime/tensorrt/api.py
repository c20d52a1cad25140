"""What this machine has of TensorRT: one module, found when it is asked for, with every name we call.

    load() -> Api         EngineUnavailable: not installed, does not load, or lacks a name

TensorRT 10.3 (JetPack 6), 10.13 and 10.16 (JetPack 7), 11 and TensorRT-RTX share the names in NEEDED; nothing
else of them is called. What only some have is a field of Api. Messages and progress come from threads of
TensorRT's own, so what hears them raises nothing and holds little.
"""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from barocast.runtime.errors import EngineUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

PRODUCTS: Final[Mapping[str, str]] = MappingProxyType(
    {"tensorrt": "TensorRT", "tensorrt_rtx": "TensorRT-RTX"},
)
"""Module -> what it is called; the first that can be used is."""
NEEDED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "Builder": ("create_network", "create_builder_config", "build_serialized_network"),
        "BuilderFlag": ("TF32",),
        "DataType": ("FLOAT", "INT64"),
        "IBuilderConfig": ("set_memory_pool_limit", "clear_flag"),
        "ICudaEngine": (
            "create_execution_context",
            "get_tensor_dtype",
            "get_tensor_mode",
            "get_tensor_name",
            "get_tensor_shape",
            "num_io_tensors",
        ),
        "IExecutionContext": ("execute_async_v3", "set_tensor_address"),
        "ILogger": ("WARNING",),
        "INetworkDefinition": ("num_layers",),
        "MemoryPoolType": ("WORKSPACE",),
        "NetworkDefinitionCreationFlag": ("STRONGLY_TYPED",),
        "OnnxParser": ("get_error", "num_errors", "parse"),
        "Runtime": ("deserialize_cuda_engine",),
        "TensorIOMode": ("INPUT",),
    }
)
KEPT_MESSAGES: Final = 20
"""Of warnings and errors, the last; a build may say thousands."""
KEPT_CHARACTERS: Final = 300
SAID_EVERY_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Api:
    """A TensorRT that can be used."""

    module: Any
    product: str
    version: str

    @property
    def name(self) -> str:
        """Product and version, as a person says them and as the cache's key has them."""
        return f"{self.product} {self.version}"

    @property
    def has_timing_cache(self) -> bool:
        """Whether timings of kernels can be kept for the next build; TensorRT-RTX has none to keep."""
        return self.product == PRODUCTS["tensorrt"]

    @property
    def has_progress(self) -> bool:
        """Whether a build can say how far it is."""
        return hasattr(self.module, "IProgressMonitor")


def load(products: Collection[str] = tuple(PRODUCTS)) -> Api:
    """Find the first of the modules that has every name. Raises EngineUnavailable: why none has."""
    reasons = []
    for name in products:
        found = _found(name)
        if isinstance(found, Api):
            return found
        reasons.append(found)
    raise EngineUnavailable("; ".join(reasons))


def _found(name: str) -> Api | str:
    """Give the product, or why it cannot be used."""
    try:
        module: Any = import_module(name)
    except Exception as error:  # noqa: BLE001 - a vendor's library may raise anything while it loads
        if isinstance(error, ModuleNotFoundError) and error.name == name:
            return f"{name} is not installed"
        return f"{name} does not load ({error})"
    if missing := _missing(module):
        return f"{name} has no {', '.join(missing)}"
    return Api(module, PRODUCTS[name], str(getattr(module, "__version__", "of no version")))


def _missing(module: Any) -> list[str]:  # noqa: ANN401 - tensorrt publishes no types
    return [
        f"{owner}.{name}"
        for owner, names in NEEDED.items()
        for name in names
        if not hasattr(getattr(module, owner, None), name)
    ]


class Heard:
    """What TensorRT said: its last warnings and errors, each cut to KEPT_CHARACTERS."""

    def __init__(self) -> None:
        self._messages: deque[str] = deque(maxlen=KEPT_MESSAGES)

    def add(self, message: object) -> None:
        """Keep one."""
        self._messages.append(" ".join(str(message).split())[:KEPT_CHARACTERS])

    def __iter__(self) -> Iterator[str]:
        """Give the messages, oldest first."""
        return iter(tuple(self._messages))

    @property
    def last(self) -> str:
        """The last message, or that there was none."""
        return self._messages[-1] if self._messages else "it gave no reason"


@contextmanager
def vendor_errors(api: Api, heard: Heard) -> Iterator[None]:
    """Make whatever TensorRT raises by itself an EngineUnavailable with the last that it said."""
    try:
        yield
    except EngineUnavailable:
        raise
    except Exception as error:
        raise EngineUnavailable(f"{api.name} failed ({error}): {heard.last}") from error


def logger(api: Api, heard: Heard) -> Any:  # noqa: ANN401 - tensorrt publishes no types
    """Give an ILogger that keeps warnings and errors; it must outlive whatever was made with it."""
    base: Any = api.module.ILogger

    class Logger(base):  # type: ignore[misc]  # tensorrt publishes no types
        def __init__(self) -> None:
            base.__init__(self)

        def log(self, severity: Any, message: str) -> None:  # noqa: ANN401 - an enumeration of tensorrt's
            if int(severity) <= int(base.WARNING):
                heard.add(message)

    return Logger()


class Progress:
    """How far a build is: phases open now, outermost first, said at most every SAID_EVERY_S."""

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._say, self._clock = say, clock
        self._open: dict[str, list[int]] = {}
        self._said_s = float("-inf")

    def start(self, phase: str, steps: int) -> None:
        """Open a phase."""
        self._open[phase] = [0, steps]
        self._tell()

    def step(self, phase: str, step: int) -> None:
        """Note a step (from 0) as done."""
        if phase in self._open:
            self._open[phase][0] = step + 1
        self._tell()

    def finish(self, phase: str) -> None:
        """Close a phase."""
        self._open.pop(phase, None)

    def _tell(self) -> None:
        now = self._clock()
        if now - self._said_s >= SAID_EVERY_S:
            self._said_s = now
            with suppress(Exception):  # in a callback of TensorRT's it would end the process
                self._say(", ".join(f"{phase} {done}/{of}" for phase, (done, of) in self._open.items()))


def progress_monitor(api: Api, progress: Progress) -> Any:  # noqa: ANN401 - tensorrt publishes no types
    """Give an IProgressMonitor that tells `progress`."""
    base: Any = api.module.IProgressMonitor

    class Monitor(base):  # type: ignore[misc]  # tensorrt publishes no types
        def __init__(self) -> None:
            base.__init__(self)

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            del parent_phase  # what is open tells it already
            progress.start(phase_name, num_steps)

        def step_complete(self, phase_name: str, step: int) -> bool:
            progress.step(phase_name, step)
            return True

        def phase_finish(self, phase_name: str) -> None:
            progress.finish(phase_name)

    return Monitor()
