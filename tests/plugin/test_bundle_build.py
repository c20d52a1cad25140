"""`barocast bundle build`: plans made at install time, with progress; without TensorRT one line says so."""

from __future__ import annotations

import sys

import pytest
from fake_gpu import FakeCudart, fake_tensorrt
from toy_bundle import toy_bundle

from barocast.plugin.cli import main
from barocast.runtime.errors import EngineUnavailable
from barocast.runtime.tensorrt import plans
from barocast.runtime.tensorrt.cudart import Cudart
from barocast.runtime.trust import write_keys


@pytest.fixture
def command(tmp_path):
    """The command line that builds a toy bundle of two graphs into `tmp_path / "engines"`."""
    toy = toy_bundle(tmp_path / "bundle", prefix=True)
    write_keys(tmp_path / "keys.json", {"toy": toy.public_key})
    trust = ["--trust", str(tmp_path / "keys.json")]
    return ["bundle", "build", str(toy.directory), "--cache", str(tmp_path / "engines"), *trust]


@pytest.fixture
def gpu(monkeypatch):
    cuda = FakeCudart()
    monkeypatch.setitem(sys.modules, "tensorrt", fake_tensorrt(cuda))
    monkeypatch.setattr(plans, "open_cudart", lambda: Cudart(cuda))
    return cuda


def test_both_graphs_are_built_checked_and_kept(command, gpu, tmp_path, capsys):
    assert main(command) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["model.onnx"] * 3 + ["prefix.onnx"] * 3 + ["toy-1"]
    assert "Building engine 0/2" in lines[1]
    assert lines[-1] == (
        "toy-1: known answers right on TensorRT 10.3.0 on Orin (compute capability 8.7), CUDA graph"
    )
    assert len(list((tmp_path / "engines").glob("*.plan"))) == 3  # two plans, and the timings
    assert gpu.held == {}


def test_a_second_build_finds_what_the_first_kept(command, gpu, capsys):
    main(command)
    capsys.readouterr()

    assert main(command) == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        "model.onnx: kept already",
        "prefix.onnx: kept already",
    ]


@pytest.mark.usefixtures("gpu")
def test_without_tensorrt_one_line_says_why_and_what_runs_instead(command, monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    monkeypatch.setitem(sys.modules, "tensorrt_rtx", None)

    assert main(command) == 1
    assert capsys.readouterr().err == (
        "toy-1: no TensorRT (tensorrt is not installed; tensorrt_rtx is not installed); "
        "ONNX Runtime will be used\n"
    )
    assert not (tmp_path / "engines").exists()


def test_without_a_gpu_tensorrt_is_not_even_loaded(command, monkeypatch, capsys):
    def no_gpu():
        raise EngineUnavailable("no GPU in this machine")

    monkeypatch.setattr(plans, "open_cudart", no_gpu)
    monkeypatch.setattr(plans, "load", lambda: pytest.fail("loaded without a GPU"))

    assert main(command) == 1
    assert (
        capsys.readouterr().err == "toy-1: no TensorRT (no GPU in this machine); ONNX Runtime will be used\n"
    )


def test_a_plan_that_answers_wrong_is_not_used_and_that_is_said(command, gpu, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tensorrt", fake_tensorrt(gpu, off_by=0.2))

    assert main(command) == 1
    assert "known_answers.npz: row 0 is off by" in capsys.readouterr().err


@pytest.mark.usefixtures("gpu")
def test_a_folder_that_cannot_be_written_is_bad_input(command, tmp_path, capsys):
    (tmp_path / "engines").write_text("a file")

    assert main(command) == 2
    assert "engines" in capsys.readouterr().err
