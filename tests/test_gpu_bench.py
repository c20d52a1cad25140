"""`make gpu`: without a GPU one line and exit 2; with one (a stand-in), each step's outcome or its reason."""

from __future__ import annotations

import sys

import pytest
from fake_gpu import FakeCudart, fake_tensorrt
from toy_bundle import toy_bundle

from barocast.runtime.errors import EngineUnavailable
from barocast.runtime.tensorrt import plans
from barocast.runtime.tensorrt.cache import PlanCache
from barocast.runtime.tensorrt.cudart import Cudart
from benchmarks import gpu


@pytest.fixture
def page(monkeypatch, tmp_path):
    """Where the page is written instead of beside the measurements."""
    monkeypatch.setattr(gpu, "PAGE", tmp_path / "gpu.md")
    monkeypatch.setattr(sys, "argv", ["gpu", "memory", "halves"])
    return tmp_path / "gpu.md"


def test_without_a_gpu_one_line_says_why_and_nothing_is_written(page, monkeypatch, capsys):
    def none():
        raise EngineUnavailable("no GPU in this machine")

    monkeypatch.setattr(gpu, "open_cudart", none)

    assert gpu.main() == 2
    assert capsys.readouterr().err == "gpu: no GPU in this machine; nothing was run\n"
    assert not page.exists()


def test_with_one_each_step_tells_its_outcome_or_what_it_lacks(page, monkeypatch, tmp_path):
    cuda = FakeCudart()
    monkeypatch.setitem(sys.modules, "tensorrt", fake_tensorrt(cuda))
    monkeypatch.setattr(plans, "open_cudart", lambda: Cudart(cuda))
    monkeypatch.setattr(gpu, "open_cudart", lambda: Cudart(cuda))
    monkeypatch.setattr(gpu, "engine_cache", lambda: tmp_path / "engines")
    bundle = toy_bundle(tmp_path / "bundle").read()
    monkeypatch.setattr(gpu, "_bundle", lambda: bundle)
    plans.build_plans(bundle, plans.this_machine(), PlanCache(tmp_path / "engines"), print, lambda: 0.0)

    assert gpu.main() == 0

    told = page.read_text()
    assert "Orin (compute capability 8.7)" in told
    assert "lost from the first to the last: 0 bytes" in told
    assert "not run: needs --student FOLDER" in told
    assert cuda.held == {}
