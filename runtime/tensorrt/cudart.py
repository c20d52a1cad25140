"""The CUDA runtime, as far as an engine needs it: libcudart by ctypes, every call checked and named.

    open_cudart() -> Cudart                           EngineUnavailable: no libcudart, or no usable device
    with cuda.stream() as stream, cuda.device_memory(1024) as address: ...

What is taken is taken by a context manager and given back at its end, also when the work inside it failed.
A call that fails raises CudaError with the call, CUDA's own name of the error and its sentence.
Only calls whose signatures are the same in CUDA 12 and 13 (cuda_runtime_api.h) are used.
"""

from __future__ import annotations

import ctypes
from contextlib import contextmanager
from ctypes import POINTER, c_char_p, c_int, c_size_t, c_uint, c_ulonglong, c_void_p
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from barocast.runtime.errors import EngineUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

LIBRARIES: Final = ("libcudart.so", "libcudart.so.13", "libcudart.so.12")
"""The system's own first: it is the one that its driver was installed for."""
_ADDRESS: Final = POINTER(c_void_p)
SIGNATURES: Final[Mapping[str, tuple[Any, ...]]] = MappingProxyType(
    {
        "cudaGetDeviceCount": (POINTER(c_int),),
        "cudaDeviceGetAttribute": (POINTER(c_int), c_int, c_int),
        "cudaGetDeviceProperties": (c_char_p, c_int),
        "cudaMemGetInfo": (POINTER(c_size_t), POINTER(c_size_t)),
        "cudaMalloc": (_ADDRESS, c_size_t),
        "cudaFree": (c_void_p,),
        "cudaMallocHost": (_ADDRESS, c_size_t),
        "cudaFreeHost": (c_void_p,),
        "cudaMemcpyAsync": (c_void_p, c_void_p, c_size_t, c_int, c_void_p),
        "cudaStreamCreateWithFlags": (_ADDRESS, c_uint),
        "cudaStreamDestroy": (c_void_p,),
        "cudaStreamBeginCapture": (c_void_p, c_int),
        "cudaStreamEndCapture": (c_void_p, _ADDRESS),
        "cudaGraphInstantiateWithFlags": (_ADDRESS, c_void_p, c_ulonglong),
        "cudaGraphDestroy": (c_void_p,),
        "cudaGraphExecDestroy": (c_void_p,),
        "cudaGraphLaunch": (c_void_p, c_void_p),
        "cudaEventCreateWithFlags": (_ADDRESS, c_uint),
        "cudaEventRecord": (c_void_p, c_void_p),
        "cudaEventSynchronize": (c_void_p,),
        "cudaEventDestroy": (c_void_p,),
        "cudaGetLastError": (),
    }
)
"""Arguments of every call; each gives a cudaError_t. Without these ctypes would cut addresses to 32 bits."""
SUCCESS: Final = 0
TO_DEVICE, TO_HOST = 1, 2
"""cudaMemcpyKind."""
NON_BLOCKING_STREAM: Final = 1
THREAD_LOCAL_CAPTURE: Final = 1
"""What other threads do with the device meanwhile neither enters the capture nor spoils it."""
BLOCKING_SYNC, NO_TIMING = 1, 2
"""cudaEventBlockingSync: who waits sleeps; a bedside box has no core to spin on."""
CAPABILITY_MAJOR, CAPABILITY_MINOR = 75, 76
"""cudaDeviceAttr."""
NAME_BYTES: Final = 256
PROPERTIES_BYTES: Final = 1 << 14
"""Far above CUDA 13's cudaDeviceProp, whose layout changes by version; `name[256]` stands first in all."""


class CudaError(EngineUnavailable):
    """A CUDA call that failed; its text names the call."""


@dataclass(frozen=True, slots=True)
class Device:
    """The GPU that work goes to."""

    name: str
    capability: str
    """Compute capability, as "8.7"."""


class Cudart:
    """The calls, on the current device. `library` is a ctypes.CDLL, or whatever answers like one."""

    def __init__(self, library: Any) -> None:  # noqa: ANN401 - ctypes finds the calls at run time
        self._library = library
        for name, arguments in SIGNATURES.items():
            call = getattr(library, name)
            call.argtypes, call.restype = arguments, c_int
        for name in ("cudaGetErrorName", "cudaGetErrorString"):
            getattr(library, name).restype = c_char_p

    def device(self) -> Device:
        """Say which GPU it is. Raises EngineUnavailable: there is none that the driver here can use."""
        count = c_int(0)
        try:
            self._call("cudaGetDeviceCount", ctypes.byref(count))
        except CudaError as error:
            raise EngineUnavailable(f"no GPU that can be used: {error}") from error
        if count.value < 1:
            raise EngineUnavailable("no GPU in this machine")
        properties = ctypes.create_string_buffer(PROPERTIES_BYTES)
        self._call("cudaGetDeviceProperties", properties, 0)
        name = properties.raw[:NAME_BYTES].split(b"\0")[0].decode(errors="replace")
        return Device(name, f"{self._attribute(CAPABILITY_MAJOR)}.{self._attribute(CAPABILITY_MINOR)}")

    def free_bytes(self) -> int:
        """Give how much of the device's memory nobody holds."""
        free, total = c_size_t(0), c_size_t(0)
        self._call("cudaMemGetInfo", ctypes.byref(free), ctypes.byref(total))
        return free.value

    @contextmanager
    def device_memory(self, size: int) -> Iterator[int]:
        """Hold `size` bytes on the device; give their address."""
        with self._held("cudaMalloc", "cudaFree", size) as address:
            yield address

    @contextmanager
    def pinned_memory(self, size: int) -> Iterator[int]:
        """Hold `size` bytes of host memory that the device can copy from and to; give their address."""
        with self._held("cudaMallocHost", "cudaFreeHost", size) as address:
            yield address

    @contextmanager
    def stream(self) -> Iterator[int]:
        """Hold a stream that waits for no other."""
        with self._held("cudaStreamCreateWithFlags", "cudaStreamDestroy", NON_BLOCKING_STREAM) as stream:
            yield stream

    @contextmanager
    def event(self) -> Iterator[int]:
        """Hold an event to sleep on."""
        flags = BLOCKING_SYNC | NO_TIMING
        with self._held("cudaEventCreateWithFlags", "cudaEventDestroy", flags) as event:
            yield event

    @contextmanager
    def graph(self, stream: int, enqueue: Callable[[], None]) -> Iterator[int]:
        """Hold, ready to launch, what `enqueue` puts on the stream; nothing of it runs now."""
        with (
            self._captured(stream, enqueue) as captured,
            self._held("cudaGraphInstantiateWithFlags", "cudaGraphExecDestroy", captured, 0) as graph,
        ):
            yield graph

    def to_device(self, device: int, host: int, size: int, stream: int) -> None:
        """Enqueue a copy of `size` bytes."""
        self._call("cudaMemcpyAsync", device, host, size, TO_DEVICE, stream)

    def to_host(self, host: int, device: int, size: int, stream: int) -> None:
        """Enqueue a copy of `size` bytes."""
        self._call("cudaMemcpyAsync", host, device, size, TO_HOST, stream)

    def launch(self, graph: int, stream: int) -> None:
        """Enqueue a whole graph."""
        self._call("cudaGraphLaunch", graph, stream)

    def finish(self, event: int, stream: int) -> None:
        """Sleep until everything on the stream is done."""
        self._call("cudaEventRecord", event, stream)
        self._call("cudaEventSynchronize", event)

    @contextmanager
    def _captured(self, stream: int, enqueue: Callable[[], None]) -> Iterator[int]:
        self._call("cudaStreamBeginCapture", stream, THREAD_LOCAL_CAPTURE)
        captured = c_void_p(None)
        try:
            try:
                enqueue()
            finally:
                # Also after a failure: a stream that is left capturing can run nothing any more.
                ended = self._library.cudaStreamEndCapture(stream, ctypes.byref(captured))
            self._check("cudaStreamEndCapture", ended)
            yield captured.value or 0
        finally:
            if captured.value:
                self._call("cudaGraphDestroy", captured.value)

    @contextmanager
    def _held(self, take: str, give_back: str, *how: int) -> Iterator[int]:
        taken = c_void_p(None)
        self._call(take, ctypes.byref(taken), *how)
        try:
            yield taken.value or 0
        finally:
            self._call(give_back, taken.value)

    def _attribute(self, which: int) -> int:
        value = c_int(0)
        self._call("cudaDeviceGetAttribute", ctypes.byref(value), which, 0)
        return value.value

    def _call(self, name: str, *arguments: Any) -> None:  # noqa: ANN401 - numbers and ctypes references
        self._check(name, getattr(self._library, name)(*arguments))

    def _check(self, name: str, status: int) -> None:
        if status == SUCCESS:
            return
        self._library.cudaGetLastError()  # else the next one to ask, TensorRT, takes this error for its own
        word, sentence = (
            getattr(self._library, asked)(status).decode(errors="replace")
            for asked in ("cudaGetErrorName", "cudaGetErrorString")
        )
        raise CudaError(f"{name}: {word} ({sentence})")


def open_cudart() -> Cudart:
    """Open the first libcudart that is found. Raises EngineUnavailable."""
    for name in (*LIBRARIES, *_from_wheels()):
        library = _opened(name)
        if library is not None:
            return _checked(library, name)
    raise EngineUnavailable(f"no CUDA runtime ({LIBRARIES[0]}) on this machine")


def _opened(name: str) -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(name)
    except OSError:
        return None


def _checked(library: ctypes.CDLL, name: str) -> Cudart:
    try:
        return Cudart(library)
    except AttributeError as error:
        raise EngineUnavailable(f"{name}: too old or too new for this version ({error})") from error


def _from_wheels() -> list[str]:
    """Give the libraries that NVIDIA's own wheels brought: they are on nobody's search path."""
    nvidia = find_spec("nvidia")
    places = nvidia.submodule_search_locations if nvidia else None
    return [str(path) for place in places or () for path in sorted(Path(place).glob("*/lib/libcudart.so.*"))]
