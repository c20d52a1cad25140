"""A bundle on TensorRT (a fake one, tests/fake_gpu.py): same answers, same checks, nothing left behind."""

from __future__ import annotations

import gc
import sys
import threading

import numpy as np
import pytest
from fake_gpu import FakeCudart, fake_tensorrt
from toy_bundle import known_answers, toy_bundle

from barocast.runtime.domain import Fault, Forecast, ModelInput
from barocast.runtime.engines import OrtEngine, choose_engine
from barocast.runtime.errors import BundleError, EngineUnavailable
from barocast.runtime.tensorrt import plans
from barocast.runtime.tensorrt.cache import PlanCache
from barocast.runtime.tensorrt.cudart import Cudart
from barocast.runtime.tensorrt.engine import TensorRtEngine
from barocast.runtime.tensorrt.plans import build_plans, this_machine


@pytest.fixture
def box(monkeypatch, tmp_path):
    """A machine with a fake GPU and TensorRT; every test must leave its memory as it was."""

    class Box:
        cuda = FakeCudart()
        folder = tmp_path / "engines"

        def install(self, **tensorrt):
            monkeypatch.setitem(sys.modules, "tensorrt", fake_tensorrt(self.cuda, **tensorrt))

        def build(self, bundle, say=lambda _: None):
            build_plans(bundle, this_machine(), PlanCache(self.folder), say, lambda: 0.0)

        def engine(self, bundle):
            self.build(bundle)
            self.cuda.journal.clear()
            return TensorRtEngine(bundle, self.folder)

    found = Box()
    found.install()
    monkeypatch.setattr(plans, "open_cudart", lambda: Cudart(found.cuda))
    yield found
    gc.collect()
    assert found.cuda.held == {}


def window(row, *, prefix=False):
    known = known_answers(prefix=prefix)
    return ModelInput(*(known[name][row : row + 1] for name in ("series", "mask", "trend", "text")))


@pytest.mark.parametrize("prefix", [False, True])
def test_every_answer_is_onnx_runtimes(box, tmp_path, prefix):
    bundle = toy_bundle(tmp_path / "b", prefix=prefix).read()
    engine, other = box.engine(bundle), OrtEngine(bundle)

    for row in range(4):
        ours, theirs = (e.run(window(row, prefix=prefix), 0.0) for e in (engine, other))
        assert isinstance(ours, Forecast)
        assert (ours.logits.tolist(), ours.gates) == (theirs.logits.tolist(), theirs.gates)
        assert np.array_equal(ours.q10, theirs.q10)
    assert engine.name == "TensorRT 10.3.0 on Orin (compute capability 8.7), CUDA graph"
    engine.close()


def test_a_plan_is_bound_warmed_up_recorded_and_then_only_launched(box, tmp_path):
    engine = box.engine(toy_bundle(tmp_path / "b").read())

    loading = box.cuda.journal[: box.cuda.journal.index("GraphLaunch")]
    steps = [step for step in loading if not step.startswith(("Mem", "Malloc", "Get", "Device", "Event"))]
    assert steps == [
        "StreamCreateWithFlags",
        "deserialize",
        *[f"bind {name}" for name in ("series", "mask", "trend", "text", "logits", "quantiles", "gates")],
        "execute",
        "execute",
        "StreamBeginCapture",
        "execute",
        "StreamEndCapture",
        "GraphInstantiateWithFlags",
    ]
    box.cuda.journal.clear()
    engine.run(window(0), 0.0)
    assert box.cuda.journal == ["GraphLaunch", "EventRecord", "EventSynchronize"]
    engine.close()


def test_closing_frees_the_recording_then_the_context_then_the_memory_and_the_stream_last(box, tmp_path):
    engine = box.engine(toy_bundle(tmp_path / "b").read())
    box.cuda.journal.clear()

    engine.close()
    engine.close()

    assert box.cuda.journal == [
        "GraphExecDestroy",
        "GraphDestroy",
        "context freed",
        *["FreeHost", "Free"] * 7,
        "EventDestroy",
        "StreamDestroy",
    ]


def test_an_engine_that_nobody_holds_any_more_gives_its_memory_back_in_the_same_order(box, tmp_path):
    engine = box.engine(toy_bundle(tmp_path / "b").read())
    held = len(box.cuda.held)

    del engine
    gc.collect()

    assert held > 0
    assert box.cuda.held == {}
    assert box.cuda.journal[-1] == "StreamDestroy"


@pytest.mark.parametrize(
    "call", ["cudaStreamBeginCapture", "cudaStreamEndCapture", "cudaGraphInstantiateWithFlags"]
)
def test_without_a_cuda_graph_it_runs_plainly_and_says_why(box, tmp_path, call):
    box.cuda.fails[call] = 900
    engine = box.engine(toy_bundle(tmp_path / "b").read())

    assert isinstance(engine.run(window(3), 0.0), Forecast)
    assert f"no CUDA graph: {call}: name of 900" in engine.name
    engine.close()


def test_the_prefix_runs_once_a_patient(box, tmp_path):
    engine = box.engine(toy_bundle(tmp_path / "b", prefix=True).read())
    box.cuda.journal.clear()

    for row in (0, 1, 2, 3, 0, 1):  # two texts, both of them asked for by the known answers already
        engine.run(window(row, prefix=True), 0.0)

    assert box.cuda.journal.count("GraphLaunch") == 6
    engine.close()


def test_a_new_patients_text_runs_the_prefix_and_changes_the_answer(box, tmp_path):
    engine = box.engine(toy_bundle(tmp_path / "b", prefix=True).read())
    new = ModelInput(window(0).series, window(0).mask, window(0).trend, np.full((1, 128), 3, np.int64))
    box.cuda.journal.clear()

    forecast = engine.run(new, 0.0)

    assert box.cuda.journal.count("GraphLaunch") == 2
    assert forecast.logits.tolist() == pytest.approx([3 + 38.4, 3.5 + 38.4, 4 + 38.4], rel=1e-6)
    engine.close()


def test_a_device_that_fails_is_a_fault_with_its_reason_and_never_an_answer(box, tmp_path):
    engine = box.engine(toy_bundle(tmp_path / "b").read())
    box.cuda.fails["cudaEventSynchronize"] = 700

    fault = engine.run(window(0), 12.0)

    assert fault == Fault(12.0, "engine: cudaEventSynchronize: name of 700 (string of 700)")
    engine.close()


def test_kernels_that_are_not_enqueued_are_a_reason_and_leave_nothing(box, tmp_path):
    bundle = toy_bundle(tmp_path / "b").read()
    box.build(bundle)
    box.cuda.fails["execute"] = 1

    with pytest.raises(EngineUnavailable, match="execute_async_v3: the device is gone"):
        TensorRtEngine(bundle, box.folder)


@pytest.mark.parametrize(
    "change",
    [
        {"series": np.zeros((1, 1, 89), np.float32)},
        {"series": np.zeros((1, 1, 90), np.float64)},
        {"series": np.zeros((1, 1), np.float32)},
    ],
)
def test_a_window_of_another_shape_or_type_is_a_fault_and_never_stretched(box, tmp_path, change):
    engine = box.engine(toy_bundle(tmp_path / "b").read())
    sound = window(0)
    odd = ModelInput(change["series"], sound.mask, sound.trend, sound.text)

    assert "series of shape" in engine.run(odd, 0.0).reason
    engine.close()


def test_a_plan_that_answers_otherwise_is_refused_by_the_known_answers(box, tmp_path):
    box.install(off_by=0.1)

    with pytest.raises(BundleError, match="row 0 is off by"):
        box.engine(toy_bundle(tmp_path / "b").read())


@pytest.mark.parametrize(
    "fails", ["cudaMalloc", "cudaMallocHost", "cudaMemcpyAsync", "cudaEventCreateWithFlags"]
)
def test_an_engine_that_does_not_come_up_leaves_nothing_on_the_device(box, tmp_path, fails):
    box.cuda.fails[fails] = 2

    with pytest.raises(EngineUnavailable, match=fails):
        box.engine(toy_bundle(tmp_path / "b").read())


def test_a_bedside_never_builds_and_says_what_does(box, tmp_path):
    with pytest.raises(EngineUnavailable, match="bundle build DIR --cache"):
        TensorRtEngine(toy_bundle(tmp_path / "b").read(), box.folder)

    assert not any(step.startswith("build") for step in box.cuda.journal)


def test_building_says_how_far_it_is_and_what_it_made(box, tmp_path):
    said = []
    bundle = toy_bundle(tmp_path / "b", prefix=True).read()
    box.build(bundle, said.append)

    assert [line.split(":")[0] for line in said] == ["model.onnx"] * 3 + ["prefix.onnx"] * 3
    assert said[1] == "model.onnx: Building engine 0/2"
    assert said[2].endswith(" bytes of 7 layers")


def test_what_is_kept_is_not_built_again_until_the_version_changes(box, tmp_path):
    bundle = toy_bundle(tmp_path / "b").read()
    box.build(bundle)
    again, newer = [], []

    box.build(bundle, again.append)
    box.install(version="10.13.3")
    box.build(bundle, newer.append)

    assert again == ["model.onnx: kept already"]
    assert newer[0].startswith("model.onnx: building (")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda cache, key, path: path.write_bytes(b"x"), "damaged"),
        (lambda cache, key, path: cache.put(key, b"not a plan"), "a plan of another version"),
    ],
)
def test_a_plan_that_is_damaged_or_does_not_load_is_built_again_and_that_is_said(box, tmp_path, spoil, why):
    bundle, said = toy_bundle(tmp_path / "b").read(), []
    box.build(bundle)
    machine = this_machine()
    key = machine.key(plans._sha256(bundle.model))
    spoil(PlanCache(box.folder), key, box.folder / f"{key.digest}.plan")

    box.build(bundle, said.append)

    assert said[0].startswith("model.onnx: building (")
    assert why in said[0]
    TensorRtEngine(bundle, box.folder).close()


def test_many_beds_ask_one_engine_at_once_and_each_gets_its_own_answer(box, tmp_path):
    engine = box.engine(toy_bundle(tmp_path / "b").read())
    expected = [engine.run(window(row), 0.0).logits.tolist() for row in range(8)]
    answers = [[] for _ in range(8)]

    def bed(row):
        for _ in range(30):
            answers[row].append(engine.run(window(row), 0.0).logits.tolist())

    beds = [threading.Thread(target=bed, args=(row,)) for row in range(8)]
    for thread in beds:
        thread.start()
    for thread in beds:
        thread.join()

    assert answers == [[logits] * 30 for logits in expected]
    engine.close()


def test_who_wants_tensorrt_gets_it_or_the_cpu_with_the_reason(box, tmp_path):
    bundle = toy_bundle(tmp_path / "b").read()
    without = choose_engine(bundle, "tensorrt", 1, box.folder)
    box.build(bundle)
    chosen = choose_engine(bundle, "tensorrt", 1, box.folder)

    assert "CPUExecutionProvider" in without.name
    assert "bundle build DIR --cache" in without.reason
    assert (chosen.name, chosen.reason) == (
        "TensorRT 10.3.0 on Orin (compute capability 8.7), CUDA graph",
        "",
    )
    chosen.engine.close()
