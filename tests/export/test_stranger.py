"""docs/stranger.py: onnxruntime and numpy alone give a bundle's known answers, without any code of ours."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from toy_bundle import toy_bundle

from barocast.runtime.bundle import default_bundle

STRANGER = Path(__file__).parents[2] / "docs" / "stranger.py"
LARGEST = {"logits": 0.05, "quantiles": 0.5}
"""Kernels of other processors round int8 products differently."""


def differences(bundle: Path) -> dict[str, float]:
    """Run it where nothing of ours can be imported from the folder; give output -> difference."""
    done = subprocess.run(
        [sys.executable, "-I", str(STRANGER), str(bundle)],
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.findall(r"(\w+): \d+ numbers, largest difference (\S+)", done.stdout)
    return {output: float(said) for output, said in found}


def test_a_known_answer_comes_again(tmp_path):
    toy = toy_bundle(tmp_path / "b", prefix=True)

    assert differences(toy.directory) == {"logits": 0, "quantiles": 0}


def test_another_graph_is_seen(tmp_path):
    right = toy_bundle(tmp_path / "right", prefix=True).directory
    wrong = toy_bundle(tmp_path / "wrong", {"logits": (0.0, 0.5, 1.25)}, prefix=True).directory
    (right / "model.onnx").write_bytes((wrong / "model.onnx").read_bytes())

    assert differences(right)["logits"] == pytest.approx(0.25, abs=1e-6)


def test_the_bundle_that_ships_answers_a_stranger():
    if not (default_bundle() / "prefix.onnx").is_file():
        pytest.skip("the default bundle is of one graph (format 1)")

    found = differences(default_bundle())
    assert found.keys() == LARGEST.keys()
    assert all(found[output] <= largest for output, largest in LARGEST.items())


def test_it_is_short_and_imports_nothing_else():
    lines = [line for line in STRANGER.read_text("utf-8").splitlines() if line and '"""' not in line]

    assert {line.split()[1] for line in lines if line.startswith(("import", "from"))} == {
        "sys",
        "numpy",
        "onnxruntime",
    }
    assert len([line for line in lines if not line.startswith("import")]) <= 10
