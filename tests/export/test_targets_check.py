"""`barocast export check`: the bundle passes, and what TensorRT cannot take is refused by the same check.

By our rules always; by TensorRT-RTX's own parser and builder where it is installed (extra `trt-check`).
"""

from __future__ import annotations

import json
import signal
import sys
from importlib.util import find_spec

import numpy as np
import onnx
import pytest
from fake_gpu import FakeCudart, fake_tensorrt
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import quantization

from barocast.export.targets import rtx
from barocast.plugin.cli import main
from barocast.runtime.bundle import default_bundle
from barocast.runtime.errors import EngineUnavailable

NO_RTX = find_spec("tensorrt_rtx") is None
BY_RULES = pytest.param([], id="rules")
BY_RTX = pytest.param(
    ["--rtx"],
    id="rtx",
    marks=pytest.mark.skipif(NO_RTX, reason="tensorrt_rtx is not installed (extra trt-check, x86-64 Linux)"),
)


@pytest.fixture(scope="module")
def graphs(tmp_path_factory):
    """A folder of one small network, as onnxruntime's own quantizers make it of it."""
    folder = tmp_path_factory.mktemp("graphs")
    rng = np.random.default_rng(5)
    weights = {"w": rng.normal(size=(16, 8)), "b": rng.normal(size=8)}
    body = helper.make_graph(
        [
            helper.make_node("Gemm", ["x", "w", "b"], ["h"], name="layer"),
            helper.make_node("Relu", ["h"], ["y"]),
        ],
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 16])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 8])],
        [numpy_helper.from_array(array.astype(np.float32), name) for name, array in weights.items()],
    )
    onnx.save(
        helper.make_model(body, opset_imports=[helper.make_opsetid("", 18)], ir_version=10),
        folder / "float.onnx",
    )
    quantization.quantize_dynamic(folder / "float.onnx", folder / "dynamic.onnx")
    for name, symmetric in (("asymmetric", False), ("symmetric", True)):
        quantization.quantize_static(
            folder / "float.onnx",
            folder / f"{name}.onnx",
            Windows(),
            activation_type=quantization.QuantType.QInt8,
            weight_type=quantization.QuantType.QInt8,
            extra_options={"ActivationSymmetric": symmetric, "WeightSymmetric": True, "QuantizeBias": False},
        )
    return folder


class Windows(quantization.CalibrationDataReader):
    """A few draws for the quantizer to measure."""

    def __init__(self):
        self.draws = iter(np.random.default_rng(1).normal(1, 1, (8, 1, 16)).astype(np.float32))

    def get_next(self):
        draw = next(self.draws, None)
        return None if draw is None else {"x": draw}


@pytest.mark.parametrize("by", [BY_RULES, BY_RTX])
def test_the_bundle_that_is_shipped_passes(by, capsys):
    assert main(["export", "check", str(default_bundle()), *by]) == 0

    header, *rows = capsys.readouterr().out.splitlines()
    graphs_of_it = len(list(default_bundle().glob("*.onnx")))
    assert header.startswith("graph")
    assert [row.split()[1] for row in rows] == ["accepted"] * graphs_of_it + ["built"] * graphs_of_it * len(
        by
    )


@pytest.mark.parametrize("by", [BY_RULES, BY_RTX])
@pytest.mark.parametrize("name", ["float", "symmetric"])
def test_float_and_symmetric_int8_pass(by, name, graphs):
    assert main(["export", "check", str(graphs / f"{name}.onnx"), *by]) == 0


@pytest.mark.parametrize("by", [BY_RULES, BY_RTX])
@pytest.mark.parametrize(
    ("name", "node"),
    [("dynamic", "DynamicQuantizeLinear"), ("asymmetric", "QuantizeLinear")],
)
def test_dynamic_and_asymmetric_int8_are_refused_with_the_node_named(by, name, node, graphs, capsys):
    assert main(["export", "check", str(graphs / f"{name}.onnx"), *by]) == 1

    out = capsys.readouterr().out
    assert out.count("refused") == 1 + len(by)
    for reason in [line for line in out.splitlines() if line.startswith(f"{name}.onnx: ")]:
        assert f"({node})" in reason or "MatMulInteger" in reason or "DequantizeLinear" in reason


@pytest.mark.skipif(NO_RTX, reason="tensorrt_rtx is not installed (extra trt-check, x86-64 Linux)")
def test_what_was_tried_and_what_was_not_is_said_with_every_row(graphs, capsys):
    main(["export", "check", str(graphs / "symmetric.onnx"), "--rtx"])

    row = capsys.readouterr().out.splitlines()[-1]
    assert "TensorRT-RTX 1." in row
    assert row.endswith(" parser and builder, no GPU: not run")


def test_without_rtx_asking_for_it_is_one_line_with_the_mend(graphs, capsys, monkeypatch):
    def not_installed(graph):
        raise EngineUnavailable("tensorrt_rtx is not installed")

    monkeypatch.setattr(rtx, "check", not_installed)

    assert main(["export", "check", str(graphs / "float.onnx"), "--rtx"]) == 2
    assert capsys.readouterr().err == (
        "barocast: --rtx: tensorrt_rtx is not installed; on x86-64 Linux, pip install 'barocast[trt-check]'\n"
    )


@pytest.mark.parametrize("what", ["nothing", "."])
def test_neither_bundle_nor_graph_is_one_line(what, tmp_path, capsys):
    assert main(["export", "check", str(tmp_path / what)]) == 2
    assert "name " in capsys.readouterr().err


def test_a_child_that_is_ended_by_a_signal_is_a_refusal_that_names_it(monkeypatch):
    """TensorRT without a GPU has ended its process with a segmentation fault."""
    dies = [sys.executable, "-c", f"import os; os.kill(os.getpid(), {int(signal.SIGSEGV)})"]
    run = rtx._run
    monkeypatch.setattr(rtx, "_run", lambda _, timeout_s: run(dies, timeout_s))

    outcome = rtx.check(b"graph")

    assert (outcome.parsed, outcome.built, outcome.messages) == (
        False,
        False,
        ("its process was ended by SIGSEGV",),
    )


@pytest.mark.parametrize(
    ("program", "how"),
    [
        ("import time; time.sleep(60)", "did not end within 0.5 s"),
        ("raise SystemExit('out of memory')", "its process ended with status 1: out of memory"),
    ],
)
def test_a_child_that_hangs_or_fails_says_so(program, how):
    assert rtx._run([sys.executable, "-c", program], 0.5 if "sleep" in program else 20) == how


@pytest.mark.parametrize(
    ("graph", "parsed", "built"),
    [(b"graph", True, True), (b"DynamicQuantizeLinear", False, False), (b"unbuildable", True, False)],
)
def test_the_child_tells_how_far_the_graph_came(graph, parsed, built, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorrt_rtx", fake_tensorrt(FakeCudart(), "1.7.1"))
    (tmp_path / "graph").write_bytes(graph)

    rtx._child(tmp_path / "graph", tmp_path / "result")

    told = json.loads((tmp_path / "result").read_text())
    assert (told["parsed"], told["built"]) == (parsed, built)
    assert told["label"] == "TensorRT-RTX 1.7.1 parser and builder, no GPU: not run"


def test_the_child_without_rtx_says_so_and_no_more(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorrt_rtx", None)
    (tmp_path / "graph").write_bytes(b"graph")

    rtx._child(tmp_path / "graph", tmp_path / "result")

    assert json.loads((tmp_path / "result").read_text()) == {"unavailable": "tensorrt_rtx is not installed"}
