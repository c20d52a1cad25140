"""A plan on the device: its engine, a context, a buffer for each tensor on both sides, and one way to run it.

    with loaded(api, cuda, plan) as program:
        program({"series": array, ...}) -> {"logits": array, ...}    new arrays; not from two threads at once

Everything is allocated here, once, and given back at the end: a run allocates nothing on the device. What a
run does (copies in, kernels, copies out) is recorded as a CUDA graph after a warm-up, since TensorRT sets up
things in its first runs that cannot be recorded; where the recording fails, `how` says why, and every run
enqueues the same by itself.
"""

from __future__ import annotations

import ctypes
import math
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.runtime.errors import EngineUnavailable
from barocast.runtime.tensorrt.api import Heard, logger, vendor_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from barocast.runtime.tensorrt.api import Api
    from barocast.runtime.tensorrt.cudart import Cudart

WARM_UPS: Final = 2
NUMBERS: Final[Mapping[str, type[np.generic]]] = MappingProxyType(
    {"FLOAT": np.float32, "HALF": np.float16, "INT32": np.int32, "INT64": np.int64, "BOOL": np.bool_}
)
"""TensorRT's name of a tensor's type -> numpy's."""


class LoadedPlan:
    """An engine and its context, and what must outlive them. Raises EngineUnavailable."""

    def __init__(self, api: Api, plan: bytes) -> None:
        self._heard = Heard()
        self._log = logger(api, self._heard)
        with vendor_errors(api, self._heard):
            self._runtime: Any = api.module.Runtime(self._log)
            self.engine: Any = self._runtime.deserialize_cuda_engine(plan)
            if self.engine is None:
                raise EngineUnavailable(f"{api.name} does not load its plan: {self._heard.last}")
            self.context: Any = self.engine.create_execution_context()
            if self.context is None:
                raise EngineUnavailable(f"{api.name} gives no context to run in: {self._heard.last}")

    def enqueue(self, stream: int) -> None:
        """Put its kernels on the stream. Raises EngineUnavailable."""
        if not self.context.execute_async_v3(stream):
            raise EngineUnavailable(f"execute_async_v3: {self._heard.last}")

    def let_go(self) -> None:
        """Free what TensorRT holds, in the order that it asks for."""
        self.context = None
        self.engine = None
        self._runtime = None


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output, on both sides."""

    name: str
    is_input: bool
    device: int
    """Address of its memory on the device."""
    host: int
    """Address of its pinned memory."""
    array: NDArray[Any]
    """The pinned memory, as numbers."""


class Program:
    """A plan, ready. Made by `loaded`."""

    how: str = "CUDA graph"
    """How a run is put on the device."""
    _graph: int | None = None

    def __init__(self, cuda: Cudart, plan: LoadedPlan, tensors: list[Tensor], stream: int, done: int) -> None:
        self._cuda, self._plan, self._stream, self._done = cuda, plan, stream, done
        self._inputs = {tensor.name: tensor for tensor in tensors if tensor.is_input}
        self._outputs = {tensor.name: tensor for tensor in tensors if not tensor.is_input}

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of every input and output."""
        return {name: tensor.array.shape for name, tensor in (self._inputs | self._outputs).items()}

    def __call__(self, given: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Run once. Raises EngineUnavailable; ValueError for what the plan does not take."""
        if given.keys() != self._inputs.keys():
            raise ValueError(f"given {sorted(given)}, and the plan takes {sorted(self._inputs)}")
        for name, array in given.items():
            _put(name, array, self._inputs[name].array)
        if self._graph is None:
            self._enqueue()
        else:
            self._cuda.launch(self._graph, self._stream)
        self._cuda.finish(self._done, self._stream)
        return {name: tensor.array.copy() for name, tensor in self._outputs.items()}

    def record(self, owned: ExitStack) -> None:
        """Warm up, then record a run; `owned` gives the recording back."""
        for _ in range(WARM_UPS):
            self._enqueue()
            self._cuda.finish(self._done, self._stream)
        try:
            self._graph = owned.enter_context(self._cuda.graph(self._stream, self._enqueue))
        except EngineUnavailable as error:
            self.how = f"no CUDA graph: {error}"

    def _enqueue(self) -> None:
        for tensor in self._inputs.values():
            self._cuda.to_device(tensor.device, tensor.host, tensor.array.nbytes, self._stream)
        self._plan.enqueue(self._stream)
        for tensor in self._outputs.values():
            self._cuda.to_host(tensor.host, tensor.device, tensor.array.nbytes, self._stream)


@contextmanager
def loaded(api: Api, cuda: Cudart, plan: bytes) -> Iterator[Program]:
    """Load, allocate, warm up and record. Raises EngineUnavailable; then nothing stays allocated."""
    with ExitStack() as owned:
        stream, done = owned.enter_context(cuda.stream()), owned.enter_context(cuda.event())
        on_device = LoadedPlan(api, plan)
        tensors = [_tensor(api, cuda, on_device, at, owned) for at in range(on_device.engine.num_io_tensors)]
        owned.callback(on_device.let_go)  # before the memory that it points to, after the recording
        program = Program(cuda, on_device, tensors, stream, done)
        program.record(owned)
        yield program


def _tensor(api: Api, cuda: Cudart, plan: LoadedPlan, at: int, owned: ExitStack) -> Tensor:
    name = plan.engine.get_tensor_name(at)
    shape = tuple(int(size) for size in plan.engine.get_tensor_shape(name))
    number = NUMBERS.get(plan.engine.get_tensor_dtype(name).name)
    if number is None or any(size < 1 for size in shape):
        raise EngineUnavailable(f"tensor {name!r} of shape {shape} is nothing that a bundle feeds or reads")
    size = math.prod(shape) * np.dtype(number).itemsize
    device = owned.enter_context(cuda.device_memory(size))
    host = owned.enter_context(cuda.pinned_memory(size))
    array = np.frombuffer(memoryview((ctypes.c_char * size).from_address(host)), number).reshape(shape)
    array[...] = 0  # the warm-up reads it, and token ids of chance would point anywhere
    if not plan.context.set_tensor_address(name, device):
        raise EngineUnavailable(f"tensor {name!r}: TensorRT does not take its address")
    is_input = plan.engine.get_tensor_mode(name) == api.module.TensorIOMode.INPUT
    return Tensor(name, is_input, device, host, array)


def _put(name: str, array: NDArray[Any], at: NDArray[Any]) -> None:
    """Copy, where numpy would also broadcast or cast."""
    if array.shape != at.shape or array.dtype != at.dtype:
        raise ValueError(
            f"{name} of shape {array.shape}, {array.dtype}; the plan takes {at.shape}, {at.dtype}"
        )
    at[...] = array
