"""TensorRT is found or the reason said; a build is strongly typed, shows progress, names what it refuses."""

from __future__ import annotations

import sys

import pytest
from fake_gpu import PLAN, FakeCudart, fake_tensorrt

from barocast.runtime.errors import EngineUnavailable
from barocast.runtime.tensorrt.api import Api, Heard, Progress, load
from barocast.runtime.tensorrt.build import BuildError, build


def silent():
    return Progress(lambda _: None, lambda: 0.0)


@pytest.fixture
def cuda():
    return FakeCudart()


@pytest.fixture
def api(cuda):
    return Api(fake_tensorrt(cuda), "TensorRT", "10.3.0")


def test_neither_module_is_a_reason_that_names_both(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    monkeypatch.setitem(sys.modules, "tensorrt_rtx", None)

    with pytest.raises(
        EngineUnavailable, match=r"^tensorrt is not installed; tensorrt_rtx is not installed$"
    ):
        load()


def test_the_installed_module_is_taken_with_its_version(monkeypatch, cuda):
    monkeypatch.setitem(sys.modules, "tensorrt", fake_tensorrt(cuda, "10.13.3"))

    assert load().name == "TensorRT 10.13.3"


def test_a_module_that_lacks_a_name_is_passed_over_and_the_name_said(monkeypatch, cuda):
    old, rtx = fake_tensorrt(cuda), fake_tensorrt(cuda, "1.7.1")
    del old.NetworkDefinitionCreationFlag.STRONGLY_TYPED
    monkeypatch.setitem(sys.modules, "tensorrt", old)
    monkeypatch.setitem(sys.modules, "tensorrt_rtx", rtx)

    assert load().name == "TensorRT-RTX 1.7.1"
    with pytest.raises(
        EngineUnavailable, match=r"tensorrt has no NetworkDefinitionCreationFlag\.STRONGLY_TYPED"
    ):
        load(("tensorrt",))


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ("raise OSError('libnvdla_compiler.so: cannot open')", "libnvdla_compiler"),
        ("import tensorrt_bindings_of_another_python", "No module named"),
    ],
)
def test_a_module_that_does_not_load_is_a_reason(monkeypatch, tmp_path, broken, told):
    """Seen on JetPack 7 hosts: a shared library of TensorRT's own is not there."""
    (tmp_path / "tensorrt.py").write_text(broken)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "tensorrt", raising=False)

    with pytest.raises(EngineUnavailable, match=rf"tensorrt does not load .*{told}"):
        load(("tensorrt",))


def test_the_network_is_strongly_typed_and_no_flag_makes_it_coarser(api, cuda):
    built = build(api, b"graph", silent())

    assert (built.plan, built.layers, built.messages) == (PLAN + b"graph", 7, ("a warning",))
    assert cuda.journal == ["network 2", "build [('workspace', 268435456), ('off', 'TF32')]"]


def test_timings_of_an_earlier_build_are_the_start_of_the_next(api):
    assert build(api, b"graph", silent()).timing == b"t"
    assert build(api, b"graph", silent(), b"kept").timing == b"keptt"


def test_timings_that_are_not_taken_are_left_aside(api):
    assert build(api, b"graph", silent(), b"odd").timing == b"t"


def test_rtx_keeps_no_timings_of_ours(cuda):
    assert build(Api(fake_tensorrt(cuda), "TensorRT-RTX", "1.7.1"), b"graph", silent(), b"kept").timing == b""


def test_a_graph_that_is_not_parsed_names_node_and_operator(api):
    with pytest.raises(
        BuildError, match=r"does not parse .*node 'q' \(DynamicQuantizeLinear\): no such op"
    ) as said:
        build(api, b"DynamicQuantizeLinear", silent())

    assert not said.value.parsed


def test_a_graph_that_is_not_built_gives_what_was_said_last(api):
    with pytest.raises(BuildError, match="does not build this graph: a warning") as said:
        build(api, b"unbuildable", silent())

    assert said.value.parsed


def test_whatever_tensorrt_raises_by_itself_is_a_reason_with_what_it_said(api):
    """Its builder, where there is no GPU: `factory function returned nullptr`."""

    def no_builder(log):
        log.log(1, "no device")
        raise TypeError("nullptr")

    api.module.Builder = no_builder

    with pytest.raises(EngineUnavailable, match=r"^TensorRT 10\.3\.0 failed \(nullptr\): no device$"):
        build(api, b"graph", silent())


def test_progress_is_said_but_not_a_thousand_times():
    said, now = [], [0.0]
    progress = Progress(said.append, lambda: now[0])

    progress.start("Building engine", 6)
    for step in range(1000):
        progress.step("Building engine", step)
    now[0] = 1.5
    progress.start("Timing tactics", 3)
    progress.step("Timing tactics", 0)
    progress.finish("Timing tactics")
    now[0] = 3.0
    progress.step("Building engine", 3)

    assert said == [
        "Building engine 0/6",
        "Building engine 1000/6, Timing tactics 0/3",
        "Building engine 4/6",
    ]


def test_a_listener_that_fails_does_not_end_the_build(api):
    """An exception in a callback of TensorRT's ends the process."""

    def broken_pipe(_):
        raise BrokenPipeError

    assert build(api, b"graph", Progress(broken_pipe, lambda: 0.0)).plan == PLAN + b"graph"


def test_a_build_says_how_far_it_is(api):
    said = []
    build(api, b"graph", Progress(said.append, lambda: 0.0))

    assert said == ["Building engine 0/2"]


def test_what_tensorrt_says_is_kept_in_bounds():
    heard = Heard()
    for at in range(1000):
        heard.add(f"{at}\n" + "x" * 10_000)

    assert (len(list(heard)), max(map(len, heard))) == (20, 300)
    assert heard.last.startswith("999 xx")
