"""Which engine runs: the one that is wanted, or the CPU's with the reason; never another one in silence."""

from __future__ import annotations

import re
import sys
from types import ModuleType, SimpleNamespace

import onnxruntime
import pytest
from toy_bundle import INPUTS, toy_bundle

from barocast.runtime import engine_kinds
from barocast.runtime.domain import ModelInput
from barocast.runtime.engines import CPU, OrtEngine, choice, choose_engine, ort
from barocast.runtime.errors import BundleError, EngineUnavailable, Refused, SettingsError

CUDA, TENSORRT = "CUDAExecutionProvider", "TensorrtExecutionProvider"


@pytest.fixture
def bundle(tmp_path):
    return toy_bundle(tmp_path / "b", prefix=True).read()


@pytest.fixture
def offers(monkeypatch):
    """An onnxruntime that offers more providers, and makes a session that says it runs on `active`."""

    def make(active, error=None):
        real, given = onnxruntime.InferenceSession, []

        def session(graph, options, providers, enable_fallback):
            given.append((providers, enable_fallback))
            if error:
                raise error
            made = real(graph, options, providers=[CPU])
            return SimpleNamespace(
                get_providers=lambda: [active, CPU],
                get_inputs=made.get_inputs,
                get_outputs=made.get_outputs,
                run=made.run,
                io_binding=made.io_binding,
                run_with_iobinding=made.run_with_iobinding,
            )

        monkeypatch.setattr(ort.ort, "get_available_providers", lambda: [TENSORRT, CUDA, CPU])
        monkeypatch.setattr(ort.ort, "InferenceSession", session)
        return given

    return make


class FakeTensorRt:
    name = "TensorRT 10.13 on a fake"

    def __init__(self, bundle, cache):
        self.cache = cache

    def run(self, model_input, t_s):
        raise NotImplementedError


def tensorrt(monkeypatch, engine):
    module = ModuleType("barocast.runtime.tensorrt.engine")
    module.TensorRtEngine = engine
    monkeypatch.setitem(sys.modules, "barocast.runtime.tensorrt.engine", module)


def without_tensorrt(_, cache):
    raise EngineUnavailable(f"no plan in {cache}")


@pytest.mark.req("INF-05")
def test_the_cpu_is_wanted_and_given_without_a_reason(bundle, tmp_path):
    engine, reason = chosen = choose_engine(bundle, "cpu", 1, tmp_path)

    assert isinstance(engine, OrtEngine)
    assert (chosen.name, reason) == (f"onnxruntime {onnxruntime.__version__} {CPU}", "")


@pytest.mark.req("INF-05")
@pytest.mark.parametrize(("provider", "called"), [("cuda", CUDA), ("tensorrt", TENSORRT)])
def test_a_provider_that_this_onnxruntime_does_not_have_is_unavailable(bundle, provider, called):
    with pytest.raises(EngineUnavailable, match=f"here has no {called}"):
        OrtEngine(bundle, 1, provider)


@pytest.mark.req("INF-05")
def test_a_provider_that_onnxruntime_replaces_in_silence_is_unavailable(bundle, offers):
    offers(CPU)

    with pytest.raises(EngineUnavailable, match=f"gave {CPU} instead of {CUDA}"):
        OrtEngine(bundle, 1, "cuda")


@pytest.mark.req("INF-05")
def test_a_provider_that_does_not_start_is_unavailable_and_the_bundle_is_not_blamed(bundle, offers):
    offers(CUDA, RuntimeError("CUDA driver version is insufficient"))

    with pytest.raises(EngineUnavailable, match=r"does not start \(CUDA driver version"):
        OrtEngine(bundle, 1, "cuda")


@pytest.mark.req("INF-05")
def test_the_active_provider_is_in_the_name_and_onnxruntimes_own_fallback_is_off(bundle, offers):
    given = offers(CUDA)
    engine, reason = choose_engine(bundle, "cuda", 1, None)

    assert (engine.name, reason) == (f"onnxruntime {onnxruntime.__version__} {CUDA}", "")
    assert given == [([(CUDA, {"use_tf32": "0"})], 0)] * 2


@pytest.mark.req("INF-05")
def test_what_cannot_be_had_is_the_cpu_with_every_reason_in_its_name(bundle, tmp_path, monkeypatch):
    tensorrt(monkeypatch, without_tensorrt)
    engine, reason = chosen = choose_engine(bundle, "tensorrt", 1, tmp_path)

    assert engine.name.endswith(CPU)
    assert reason.startswith(f"no tensorrt: no plan in {tmp_path}; onnxruntime")
    assert chosen.name == f"{engine.name} ({reason})"


def test_tensorrt_itself_comes_before_onnxruntimes_provider(bundle, tmp_path, monkeypatch, offers):
    offers(TENSORRT)
    tensorrt(monkeypatch, FakeTensorRt)
    own = choose_engine(bundle, "tensorrt", 1, tmp_path)
    tensorrt(monkeypatch, without_tensorrt)
    theirs = choose_engine(bundle, "tensorrt", 1, tmp_path)

    assert (own.name, own.engine.cache) == (FakeTensorRt.name, tmp_path)
    assert (theirs.name, theirs.reason) == (f"onnxruntime {onnxruntime.__version__} {TENSORRT}", "")


def wrong_here(*_):
    raise BundleError("known_answers.npz: row 3 is off by 0.2 of risk on this machine", Refused.ANSWERS)


@pytest.mark.req("INF-03")
def test_a_gpu_whose_known_answers_are_off_is_not_used_and_the_cpu_is(bundle, tmp_path, monkeypatch):
    tensorrt(monkeypatch, wrong_here)
    engine, reason = choose_engine(bundle, "tensorrt", 1, tmp_path)

    assert engine.name.endswith(CPU)
    assert "row 3 is off by 0.2" in reason


def test_a_bundle_that_the_cpu_refuses_is_refused_whatever_is_wanted(tmp_path):
    bad = toy_bundle(tmp_path / "b", {"gates": (float("inf"),)}).read()

    with pytest.raises(BundleError, match="gates"):
        choose_engine(bad, "cuda", 1, tmp_path)


@pytest.mark.parametrize("kind", ["tensort", "", "CPU"])
def test_a_kind_that_there_is_not_is_named_with_the_nearest(bundle, tmp_path, kind):
    with pytest.raises(SettingsError, match=f"'{kind}' is not one of cpu, cuda, tensorrt; the nearest is"):
        choose_engine(bundle, kind, 1, tmp_path)


def test_plans_lie_where_the_service_may_write_and_else_at_home(tmp_path, monkeypatch):
    monkeypatch.setattr(engine_kinds, "STATE", tmp_path)
    installed = engine_kinds.engine_cache()
    monkeypatch.setattr(engine_kinds, "STATE", tmp_path / "none")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    assert installed == tmp_path / "engines"
    assert engine_kinds.engine_cache() == tmp_path / "home" / ".cache" / "barocast" / "engines"
    assert not (tmp_path / "home").exists()


# --- a third party's ----------------------------------------------------------------------------


@pytest.fixture
def offered(monkeypatch):
    """Offer `start` as a third party's engine `acme`."""

    def offer(start):
        def points(group, **wanted):
            assert (group, wanted.get("name", "acme")) == ("barocast.engines", "acme")
            return [SimpleNamespace(name="acme", value="acme_npu:start", load=lambda: start)]

        for module in (engine_kinds, choice):
            monkeypatch.setattr(module, "entry_points", points)

    return offer


def test_a_third_partys_engine_is_run_once_it_knew_the_known_answers(bundle, tmp_path, offered):
    class Npu(OrtEngine):
        def __init__(self, bundle, threads, cache):
            super().__init__(bundle, threads)
            self.name = "acme NPU"

    offered(Npu)

    assert engine_kinds.engine_kinds() == ("cpu", "cuda", "tensorrt", "acme")
    assert choose_engine(bundle, "acme", 1, tmp_path).name == "acme NPU"


def broken_npu(*_):
    raise OSError("no /dev/npu")


def calm_npu(bundle, threads, cache):
    """It gives the first known answer to every window."""
    calm = OrtEngine(bundle).run(ModelInput(**{f: bundle.known_answers[f][:1] for f in INPUTS}), 0.0)
    return SimpleNamespace(name="calm", run=lambda model_input, t_s: calm)


@pytest.mark.req("INF-03")
@pytest.mark.parametrize(
    ("start", "said"),
    [
        (broken_npu, r"no acme: its package fails \(OSError: no /dev/npu\)"),
        (calm_npu, "no acme: .*row 1 is off by"),
        (without_tensorrt, "no acme: its package fails .TypeError"),
    ],
)
def test_a_third_partys_engine_that_fails_or_is_wrong_is_the_cpu_and_why(
    bundle, tmp_path, offered, start, said
):
    offered(start)
    engine, reason = choose_engine(bundle, "acme", 1, tmp_path)

    assert engine.name.endswith(CPU)
    assert re.match(said, reason)


@pytest.mark.req("INF-01")
def test_what_could_differ_between_two_runs_is_pinned():
    options = ort._options(1)

    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)
    assert options.execution_mode == onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    assert options.graph_optimization_level == onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    assert options.get_session_config_entry("session.load_model_format") == "ONNX"
