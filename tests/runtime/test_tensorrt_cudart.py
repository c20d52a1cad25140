"""libcudart: every call is checked and named, and whatever is taken is given back."""

from __future__ import annotations

import contextlib
import re

import pytest
from fake_gpu import FakeCudart

from barocast.runtime.errors import EngineUnavailable
from barocast.runtime.tensorrt import cudart
from barocast.runtime.tensorrt.cudart import CudaError, Cudart, Device


def test_the_device_is_told_by_name_and_compute_capability():
    assert Cudart(FakeCudart()).device() == Device("Orin", "8.7")


def test_no_device_is_a_reason_not_a_device():
    with pytest.raises(EngineUnavailable, match="no GPU in this machine"):
        Cudart(FakeCudart(devices=0)).device()


def test_a_call_that_fails_is_named_with_cudas_own_words_and_leaves_no_error_behind():
    library = FakeCudart(fails={"cudaMalloc": 2})

    with pytest.raises(CudaError, match=r"^cudaMalloc: name of 2 \(string of 2\)$"):
        Cudart(library).device_memory(64).__enter__()

    assert library.journal == ["Malloc", "GetLastError"]


@pytest.mark.parametrize(
    ("held", "calls"),
    [
        (lambda cuda: cuda.device_memory(8), ["Malloc", "Free"]),
        (lambda cuda: cuda.pinned_memory(8), ["MallocHost", "FreeHost"]),
        (lambda cuda: cuda.stream(), ["StreamCreateWithFlags", "StreamDestroy"]),
        (lambda cuda: cuda.event(), ["EventCreateWithFlags", "EventDestroy"]),
    ],
)
def test_what_is_taken_is_given_back_also_when_the_work_inside_fails(held, calls):
    library = FakeCudart()

    with contextlib.suppress(ZeroDivisionError), held(Cudart(library)) as address:
        assert address in library.held
        raise ZeroDivisionError

    assert (library.journal, library.held) == (calls, {})


def test_a_recorded_graph_runs_when_it_is_launched_and_not_before():
    library, ran = FakeCudart(), []
    cuda = Cudart(library)

    with cuda.stream() as stream, cuda.graph(stream, lambda: library.enqueue(lambda: ran.append(1))) as graph:
        before = list(ran)
        cuda.launch(graph, stream)
        cuda.launch(graph, stream)

    assert (before, ran, library.held) == ([], [1, 1], {})


def test_a_recording_that_fails_in_the_middle_leaves_the_stream_usable_and_nothing_held():
    library = FakeCudart()
    cuda = Cudart(library)

    def fails():
        raise EngineUnavailable("kernel")

    with cuda.stream() as stream:
        with pytest.raises(EngineUnavailable, match="kernel"):
            cuda.graph(stream, fails).__enter__()
        assert library.capturing is None
        assert list(library.held) == [stream]

    assert library.journal[1:4] == ["StreamBeginCapture", "StreamEndCapture", "GraphDestroy"]


@pytest.mark.parametrize(
    "call", ["cudaStreamBeginCapture", "cudaStreamEndCapture", "cudaGraphInstantiateWithFlags"]
)
def test_every_step_of_a_recording_is_checked(call):
    library = FakeCudart(fails={call: 900})
    cuda = Cudart(library)

    with cuda.stream() as stream:
        with pytest.raises(CudaError, match=call):
            cuda.graph(stream, lambda: None).__enter__()
        assert list(library.held) == [stream]


def test_the_error_of_giving_back_is_told_too():
    library = FakeCudart(fails={"cudaFree": 700})

    with pytest.raises(CudaError, match="cudaFree"), Cudart(library).device_memory(8):
        pass


def test_this_machine_has_a_gpu_or_a_reason():
    """The real libcudart, where there is one."""
    try:
        told = cudart.open_cudart().device().capability
    except EngineUnavailable as reason:
        told = str(reason)

    assert re.match(r"\d+\.\d|no CUDA runtime|no GPU that can be used: cudaGetDeviceCount: cudaError", told)


def test_a_library_without_a_call_is_refused_before_anything_is_asked_of_it(monkeypatch):
    class Old(FakeCudart):
        def __getattr__(self, name):
            if name == "cudaGraphInstantiateWithFlags":
                raise AttributeError(name)
            return super().__getattr__(name)

    monkeypatch.setattr(cudart.ctypes, "CDLL", lambda _: Old())

    with pytest.raises(EngineUnavailable, match=r"libcudart\.so: .*cudaGraphInstantiateWithFlags"):
        cudart.open_cudart()
