"""A libcudart whose device is the host's memory, and a TensorRT whose plans are run by ONNX Runtime.

They do what the real ones would (copies copy, graphs replay what was captured, plans answer), so an engine
on them is right or wrong; they write down what is asked of them, in `journal`, and what is not given back,
in `held`. That they behave like the real ones is a belief: no GPU was near.
"""

from __future__ import annotations

import ctypes
import weakref
from enum import Enum
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime

MAJOR = 75
GIVES_BACK = {
    f"cuda{name}"
    for name in ("Free", "FreeHost", "StreamDestroy", "EventDestroy", "GraphDestroy", "GraphExecDestroy")
}


class FakeCudart:
    """`fails` names the calls that fail, with their status."""

    def __init__(self, devices: int = 1, fails: dict[str, int] | None = None) -> None:
        self.devices, self.fails = devices, fails or {}
        self.journal: list[str] = []
        self.held: dict[int, Any] = {}
        self.capturing: list[Any] | None = None
        self._functions: dict[str, Any] = {}
        self._done = {
            "cudaGetDeviceCount": self._count,
            "cudaGetDeviceProperties": self._properties,
            "cudaDeviceGetAttribute": self._attribute,
            "cudaMemGetInfo": self._free,
            "cudaMalloc": self._memory,
            "cudaMallocHost": self._memory,
            "cudaMemcpyAsync": self._copy,
            "cudaStreamCreateWithFlags": lambda out, _: self._hold(out, "stream"),
            "cudaEventCreateWithFlags": lambda out, _: self._hold(out, "event"),
            "cudaStreamBeginCapture": self._begin,
            "cudaStreamEndCapture": self._end,
            "cudaGraphInstantiateWithFlags": lambda out, graph, _: self._hold(out, list(self.held[graph])),
            "cudaGraphLaunch": self._launch,
            **dict.fromkeys(GIVES_BACK, self._give_back),
        }

    def __getattr__(self, name: str) -> Any:
        """One function a call, and always the same: ctypes' types are set on it."""
        if not name.startswith("cuda"):
            raise AttributeError(name)
        return self._functions.setdefault(name, lambda *arguments: self._answer(name, arguments))

    def enqueue(self, work: Any) -> None:
        """Do it at once, as a stream may; while capturing, write it down."""
        if self.capturing is None:
            work()
        else:
            self.capturing.append(work)

    def _answer(self, name: str, arguments: tuple[Any, ...]) -> Any:
        if name in {"cudaGetErrorName", "cudaGetErrorString"}:
            return f"{name[12:].lower()} of {arguments[0]}".encode()
        self.journal.append(name.removeprefix("cuda"))
        failed = self.fails.get(name, 0)
        if name in self._done and (not failed or name == "cudaStreamEndCapture"):
            self._done[name](*arguments)
        return failed

    def _hold(self, out: Any, what: Any, address: int | None = None) -> None:
        out._obj.value = address or 1000 + len(self.journal)
        self.held[out._obj.value] = what

    def _give_back(self, address: int) -> None:
        del self.held[address]

    def _count(self, out: Any) -> None:
        out._obj.value = self.devices

    def _properties(self, properties: Any, _: int) -> None:
        properties.value = b"Orin"

    def _attribute(self, out: Any, which: int, _: int) -> None:
        out._obj.value = 8 if which == MAJOR else 7

    def _free(self, free: Any, total: Any) -> None:
        free._obj.value, total._obj.value = 1000 - len(self.held), 1000

    def _memory(self, out: Any, size: int) -> None:
        memory = ctypes.create_string_buffer(b"\x7f" * size, size)  # as whoever had it before left it
        self._hold(out, memory, ctypes.addressof(memory))

    def _copy(self, to: int, of: int, size: int, _: int, stream: int) -> None:
        assert self.held[stream] == "stream"
        self.enqueue(lambda: ctypes.memmove(to, of, size))

    def _begin(self, *_: int) -> None:
        self.capturing = []

    def _end(self, _: int, out: Any) -> None:
        if "cudaStreamEndCapture" not in self.fails:
            self._hold(out, self.capturing)
        self.capturing = None

    def _launch(self, graph: int, _: int) -> None:
        for work in self.held[graph]:
            work()


PLAN = b"plan of "


class Logger:
    """ILogger; which device it is about, its classes learn from it."""

    WARNING = 2
    cuda: FakeCudart
    off_by: float


class Number(Enum):
    """DataType, by ONNX Runtime's words."""

    FLOAT = "tensor(float)"
    INT64 = "tensor(int64)"


class Mode(Enum):
    """TensorIOMode."""

    INPUT = 1
    OUTPUT = 2


class Network:
    """INetworkDefinition."""

    num_layers = 7
    graph = b""


class Parser:
    """OnnxParser: takes anything but the word DynamicQuantizeLinear."""

    num_errors = 0

    def __init__(self, network: Network, log: Logger) -> None:
        self.network = network

    def parse(self, graph: bytes) -> bool:
        self.network.graph = graph
        self.num_errors = int(b"DynamicQuantizeLinear" in graph)
        return not self.num_errors

    def get_error(self, at: int) -> Any:
        told = {"desc": "no\n such op", "node_name": "q", "node_operator": "DynamicQuantizeLinear"}
        return SimpleNamespace(**{name: lambda text=text: text for name, text in told.items()})


class Config:
    """IBuilderConfig."""

    progress_monitor: Any = None

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def set_memory_pool_limit(self, pool: str, size: int) -> None:
        self.asked.append((pool, size))

    def clear_flag(self, flag: str) -> None:
        self.asked.append(("off", flag))

    def create_timing_cache(self, start: bytes) -> Any:
        return None if start == b"odd" else SimpleNamespace(serialize=lambda: start + b"t")

    def set_timing_cache(self, kept: Any, ignore_mismatch: Any) -> bool:
        return not ignore_mismatch


class Builder:
    """Builder: its plan is the graph itself, but for the word `unbuildable`."""

    def __init__(self, log: Logger) -> None:
        self.log = log

    def create_network(self, flags: int) -> Network:
        self.log.cuda.journal.append(f"network {flags}")
        return Network()

    def create_builder_config(self) -> Config:
        return Config()

    def build_serialized_network(self, network: Network, config: Config) -> bytes | None:
        self.log.cuda.journal.append(f"build {config.asked}")
        self.log.log(2, "a warning")
        self.log.log(4, "chatter")
        config.progress_monitor.phase_start("Building engine", None, 2)
        assert config.progress_monitor.step_complete("Building engine", 0)
        config.progress_monitor.phase_finish("Building engine")
        return None if b"unbuildable" in network.graph else PLAN + network.graph


class Engine:
    """ICudaEngine."""

    num_io_tensors = 0

    def __init__(self, log: Logger, graph: bytes) -> None:
        self.log = log
        self.session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
        self.inputs = [node.name for node in self.session.get_inputs()]
        self.nodes = {node.name: node for node in (*self.session.get_inputs(), *self.session.get_outputs())}
        self.num_io_tensors = len(self.nodes)

    def create_execution_context(self) -> Context:
        return Context(self)

    def get_tensor_name(self, at: int) -> str:
        return list(self.nodes)[at]

    def get_tensor_dtype(self, name: str) -> Number:
        return Number(self.nodes[name].type)

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return tuple(self.nodes[name].shape)

    def get_tensor_mode(self, name: str) -> Mode:
        return Mode.INPUT if name in self.inputs else Mode.OUTPUT

    def answer(self, addresses: dict[str, int]) -> None:
        tensors = {name: self._tensor(name, address) for name, address in addresses.items()}
        names = [name for name in tensors if name not in self.inputs]
        answers = self.session.run(names, {name: tensors[name] for name in self.inputs})
        for name, answer in zip(names, answers, strict=True):
            tensors[name][...] = answer + self.log.off_by * (name == "logits")

    def _tensor(self, name: str, address: int) -> np.ndarray:
        number = np.dtype(np.float32 if self.get_tensor_dtype(name) is Number.FLOAT else np.int64)
        shape = self.get_tensor_shape(name)
        size = int(np.prod(shape)) * number.itemsize
        return np.frombuffer((ctypes.c_char * size).from_address(address), number).reshape(shape)


class Context:
    """IExecutionContext."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.addresses = engine, {}
        weakref.finalize(self, engine.log.cuda.journal.append, "context freed")

    def set_tensor_address(self, name: str, address: int) -> bool:
        self.engine.log.cuda.journal.append(f"bind {name}")
        self.addresses[name] = address
        return True

    def execute_async_v3(self, stream: int) -> bool:
        cuda = self.engine.log.cuda
        cuda.journal.append("execute")
        if "execute" in cuda.fails:
            self.engine.log.log(1, "the device is gone")
            return False
        engine, addresses = self.engine, self.addresses
        cuda.enqueue(lambda: engine.answer(addresses))
        return True


class Runtime:
    """Runtime: loads the plans of its Builder alone."""

    def __init__(self, log: Logger) -> None:
        self.log = log

    def deserialize_cuda_engine(self, plan: bytes) -> Engine | None:
        self.log.cuda.journal.append("deserialize")
        if not plan.startswith(PLAN):
            self.log.log(1, "a plan of another version")
            return None
        return Engine(self.log, plan.removeprefix(PLAN))


def fake_tensorrt(cuda: FakeCudart, version: str = "10.3.0", off_by: float = 0.0) -> ModuleType:
    """A module `tensorrt` that journals with `cuda`; its logits are `off_by`."""
    module = ModuleType("tensorrt")
    module.__version__ = version
    module.ILogger = type("ILogger", (Logger,), {"cuda": cuda, "off_by": off_by})
    module.IProgressMonitor = type("IProgressMonitor", (), {})
    module.Builder, module.OnnxParser, module.Runtime = Builder, Parser, Runtime
    module.INetworkDefinition, module.IBuilderConfig = Network, Config
    module.ICudaEngine, module.IExecutionContext = Engine, Context
    module.TensorIOMode, module.DataType = Mode, Number
    module.BuilderFlag = SimpleNamespace(TF32="TF32")
    module.MemoryPoolType = SimpleNamespace(WORKSPACE="workspace")
    module.NetworkDefinitionCreationFlag = SimpleNamespace(STRONGLY_TYPED=1)
    return module
